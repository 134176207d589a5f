"""What is over: findings that were told of and are gone for good, and trainings that have ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gpumon.model.clock import Instant
from gpumon.model.process import ProcessId
from gpumon.model.reading import TrainingReading
from gpumon.model.report import Report
from gpumon.monitor.episodes import ABSENT_SECONDS, Episode
from gpumon.monitor.onsets import Alert


@dataclass(frozen=True, slots=True)
class Over:
    """A finding that was told of and is gone: when this was certain, and the report of that moment."""

    episode: Episode
    report: Report


@dataclass(frozen=True, slots=True)
class End:
    """A training that ended, with the first report that tells of it."""

    reading: TrainingReading
    report: Report


class Endings:
    """Tells from one report after the other what is over. One thread owns it.

    A finding is over when it was away for a minute, for one that is back within it goes on; with the end of
    its training at once. Only what was told to have begun is told to be over.
    """

    def __init__(self) -> None:
        """Start with nothing told."""
        self._told: set[tuple[int, str]] = set()
        self._ended: set[ProcessId] = set()

    def begin(self, alert: Alert) -> None:
        """Take in that a finding was told of."""
        self._told.add((alert.reading.training.id.pid, alert.finding.id))

    def read(self, report: Report, episodes: Iterable[Episode]) -> tuple[Over | End, ...]:
        """Return what is over with this report, of the episodes so far (the newest first)."""
        now = report.sample.instant
        ended = {
            reading.training.id: reading for reading in report.sample.trainings if reading.ended is not None
        }
        gone = {identity.pid for identity in ended}
        overs: list[Over] = []
        for episode in _newest(episodes):
            key = (episode.pid, episode.id)
            if key in self._told and _is_over(episode, now, at_once=episode.pid in gone):
                self._told.remove(key)
                overs.append(Over(episode, report))
        ends = [End(reading, report) for identity, reading in ended.items() if identity not in self._ended]
        self._ended = set(ended)
        return (*overs, *ends)


def _newest(episodes: Iterable[Episode]) -> tuple[Episode, ...]:
    """Return the newest episode of each finding of each training."""
    found: dict[tuple[int, str], Episode] = {}
    for episode in episodes:
        found.setdefault((episode.pid, episode.id), episode)
    return tuple(found.values())


def _is_over(episode: Episode, now: Instant, *, at_once: bool) -> bool:
    if episode.over is None:
        return False
    return at_once or now.monotonic_seconds - episode.over.monotonic_seconds >= ABSENT_SECONDS
