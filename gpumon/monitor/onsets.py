"""Findings that begin and are worth an alert: each cause once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gpumon.model.kinds import Severity
from gpumon.model.report import Report
from gpumon.monitor.episodes import ABSENT_SECONDS

if TYPE_CHECKING:
    from gpumon.model.finding import Finding
    from gpumon.model.process import ProcessId
    from gpumon.model.reading import TrainingReading

# All causes of one wait: the verdict may go from one to another and back while the wait goes on.
_STARVED = "starved"


@dataclass(frozen=True, slots=True)
class Alert:
    """A finding of severity warning or above that begins, with the report in which it was first told."""

    finding: Finding
    reading: TrainingReading
    report: Report

    @property
    def title(self) -> str:
        """Who tells it: gpumon, and on which machine."""
        return f"gpumon on {self.report.sample.hostname}"

    @property
    def text(self) -> str:
        """The finding in one line: its id and its sentence, and of which training where there are several."""
        text = f"{self.finding.id}: {self.finding.text}"
        is_one = len(self.report.sample.trainings) == 1
        return text if is_one else f"{text} (pid {self.reading.training.id.pid})"


@dataclass(slots=True)
class _Matter:
    """What findings of one matter were told of: the last moment of any, and the ids that were alerted."""

    seen_seconds: float
    alerted: set[str] = field(default_factory=set)


class Onsets:
    """Tells from one report after the other which findings begin.

    An id alerts once, and again only after its matter was away for a minute: its matter is itself, or for
    the causes of a wait for data all of them, so that a verdict that wavers between two of them tells of
    each once. One that is muted when it begins gives no alert later either.
    """

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._matters: dict[tuple[ProcessId, str], _Matter] = {}

    def read(self, report: Report, muted: Collection[str] = ()) -> tuple[Alert, ...]:
        """Return the alerts of this report, in its order; ids in `muted` give none."""
        now = report.sample.instant.monotonic_seconds
        alerts: list[Alert] = []
        for reading in report.sample.trainings:
            training = report.of(reading.training.id.pid)
            if training is None or reading.ended is not None:
                continue
            alerts += [
                Alert(finding, reading, report)
                for finding in training.findings
                if self._begins(reading, finding, now, muted)
            ]
        self._matters = {
            key: matter for key, matter in self._matters.items() if now - matter.seen_seconds < ABSENT_SECONDS
        }
        return tuple(alerts)

    def _begins(self, reading: TrainingReading, finding: Finding, now: float, muted: Collection[str]) -> bool:
        if finding.severity is Severity.INFO:
            return False
        name = _STARVED if finding.id.startswith(_STARVED) else finding.id
        key = (reading.training.id, name)
        matter = self._matters.get(key)
        if matter is None or now - matter.seen_seconds >= ABSENT_SECONDS:
            matter = self._matters[key] = _Matter(now)
        matter.seen_seconds = now
        is_new = finding.id not in matter.alerted
        matter.alerted.add(finding.id)
        return is_new and finding.id not in muted
