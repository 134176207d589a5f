"""The history of findings: which came, when, how long they stayed, and which went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gpumon.model.clock import Instant
from gpumon.model.kinds import Severity
from gpumon.model.report import Report
from gpumon.recording.mark import Mark, MarkKind

if TYPE_CHECKING:
    from gpumon.model.finding import Finding

# A finding that is away for less than this was not over: two alerts, and two episodes, are apart by it.
ABSENT_SECONDS = 60.0
# Far more than a person reads; a day of a finding that comes every ten minutes is 144.
_MOST_EPISODES = 200


@dataclass(frozen=True, slots=True)
class Episode:
    """One stay of a finding. `over` is None while it is there; `pid` is 0 where it is not known.

    Both are moments at which it was seen (`began`) or seen to be gone (`over`). What the first report has
    began when the finding says: it was there before anybody looked.
    """

    pid: int
    id: str
    severity: Severity
    text: str
    began: Instant
    over: Instant | None = None

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.id}@{self.pid}@{self.began.monotonic_seconds}"

    def lasted_seconds(self, now: Instant) -> float:
        """Return how long it lasted, or has lasted so far."""
        end = now if self.over is None else self.over
        return max(0.0, end.monotonic_seconds - self.began.monotonic_seconds)


class Episodes:
    """Episodes made of one report after the other."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._kept: list[Episode] = []
        self._has_read = False

    def read(self, report: Report) -> None:
        """Take in a report. A finding that is back within a minute goes on with its episode."""
        now = report.sample.instant
        told = {
            (training.pid, finding.id): finding
            for training in report.trainings
            if _runs(report, training.pid)
            for finding in training.findings
        }
        for index, episode in enumerate(self._kept):
            finding = told.get((episode.pid, episode.id))
            if finding is not None and _goes_on(episode, now):
                del told[episode.pid, episode.id]
                self._kept[index] = replace(episode, severity=finding.severity, text=finding.text, over=None)
            elif finding is None and episode.over is None:
                self._kept[index] = replace(episode, over=now)
        fresh = [
            Episode(
                pid,
                finding.id,
                finding.severity,
                finding.text,
                now if self._has_read else _began(finding, now),
            )
            for (pid, _), finding in told.items()
        ]
        self._has_read = True
        # Newest first, so that the episode that may go on is met before older ones of the same id.
        self._kept = [*fresh, *self._kept][:_MOST_EPISODES]

    def all(self) -> tuple[Episode, ...]:
        """Return them, the newest first."""
        return tuple(self._kept)


def episodes_of(marks: Sequence[Mark], now: Instant) -> tuple[Episode, ...]:
    """Return the episodes up to `now` that the marks of a recording tell of, the newest first.

    Marks do not tell the training, nor the severity: it is that of the rule.
    """
    # All rules: only a recording has need of them here.
    from gpumon.diagnosis.diagnose import RULES

    severities = {rule.id: rule.severity for rule in RULES}
    kept: list[Episode] = []
    for mark in marks:
        if mark.monotonic_seconds > now.monotonic_seconds:
            break
        moment = Instant(mark.unix_seconds, mark.monotonic_seconds)
        index = next((index for index, episode in enumerate(kept) if episode.id == mark.id), None)
        if mark.kind is MarkKind.FINDING:
            if index is not None and _goes_on(kept[index], moment):
                kept[index] = replace(kept[index], text=mark.text, over=None)
            else:
                severity = severities.get(mark.id, Severity.INFO)
                kept.insert(0, Episode(0, mark.id, severity, mark.text, moment))
        elif mark.kind is MarkKind.FINDING_OVER and index is not None and kept[index].over is None:
            kept[index] = replace(kept[index], over=moment)
    return tuple(kept[:_MOST_EPISODES])


def _began(finding: Finding, now: Instant) -> Instant:
    """Return the moment at which a finding says that it began, by both clocks."""
    age = max(0.0, now.unix_seconds - finding.since_unix_seconds)
    return Instant(now.unix_seconds - age, now.monotonic_seconds - age)


def _runs(report: Report, pid: int) -> bool:
    """Tell whether a training goes on: with its end all that was found is over."""
    reading = report.sample.training(pid)
    return reading is not None and reading.ended is None


def _goes_on(episode: Episode, now: Instant) -> bool:
    """Tell whether a finding that is there now is still that episode."""
    over = episode.over
    return over is None or now.monotonic_seconds - over.monotonic_seconds < ABSENT_SECONDS
