"""gpumon as it looks at a running training: the real monitor, ticked by the test, and all its reports."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from gpumon.model.finding import Finding
from gpumon.model.measure import Missing, number
from gpumon.model.process import Role
from gpumon.model.reading import TrainingReading
from gpumon.model.report import AttachState, Report, TrainingReport
from gpumon.model.suggestion import Suggestion
from gpumon.model.training import Ended, Phase
from gpumon.monitor.attaching import Wish
from gpumon.monitor.build import build_monitor
from gpumon.settings import Settings, resolve

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, slots=True)
class Look:
    """One report as far as the watched training goes: its reading, and what is judged and advised.

    It was read between `seconds` and `until_seconds`, which lie apart on a busy machine.
    """

    seconds: float
    until_seconds: float
    report: Report
    reading: TrainingReading
    judged: TrainingReport

    @property
    def verdict(self) -> Finding | None:
        """The first finding."""
        return self.judged.findings[0] if self.judged.findings else None

    @property
    def worker_suggestion(self) -> Suggestion | None:
        """The suggestion on workers."""
        return next((item for item in self.judged.suggestions if item.setting == "workers"), None)


@dataclass
class Watch:
    """A monitor that was given no PID. Leaving it as a context closes it.

    Settings come from GPUMON_* where they are set: with GPUMON_INTERPRETER=0 it looks at /proc alone.

    It attaches by itself where one training runs. Where other tests' trainings run beside it, gpumon asks
    which one is meant: then `pid` is the answer. With a wish for its PID it asks nothing.
    """

    pid: int
    settings: Settings = field(default_factory=lambda: resolve({}, os.environ, {}))
    wish: Wish = field(default_factory=Wish)
    reports: list[Report] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build the monitor; it reads nothing before the first tick."""
        self._monitor = build_monitor(self.settings, self.wish)
        self._due = time.monotonic()
        self._found = False

    def __enter__(self) -> Self:
        """Return the watch itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop looking."""
        self._monitor.close()

    def tick(self) -> Report:
        """Wait for the next interval and look."""
        time.sleep(max(0.0, self._due - time.monotonic()))
        self._due = max(self._due, time.monotonic() - self.settings.interval_seconds)
        self._due += self.settings.interval_seconds
        report, until = self._monitor.tick(), time.monotonic()
        self.reports.append(report)
        attached = report.attachment.training
        if attached is not None and attached.id.pid == self.pid:
            self._found = True
        elif not self._found and any(c.id.pid == self.pid for c in report.attachment.candidates):
            self._monitor.choose(self.pid)
        reading, judged = report.sample.training(self.pid), report.of(self.pid)
        if reading is not None and judged is not None:
            now = report.sample.instant.monotonic_seconds
            self.looks.append(Look(now, until, report, reading, judged))
        return report

    def until(self, condition: Callable[[Look], object], timeout_seconds: float) -> Look:
        """Look until the condition holds for the newest look; raises AssertionError when time is up."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            seen = len(self.looks)
            self.tick()
            if len(self.looks) > seen and condition(self.looks[-1]):
                return self.looks[-1]
        raise AssertionError(f"not seen within {timeout_seconds:g} s; the last report: {self._told()}")

    def for_seconds(self, seconds: float) -> list[Look]:
        """Look for so long; return the looks, the newest one before them first."""
        first = max(0, len(self.looks) - 1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tick()
        return self.looks[first:]

    def until_ended(self, timeout_seconds: float) -> Ended:
        """Look until gpumon says that the training has ended; return how."""
        look = self.until(lambda look: look.reading.ended is not None, timeout_seconds)
        assert look.reading.ended is not None
        return look.reading.ended

    def until_attached_again(self, timeout_seconds: float) -> int:
        """Look until gpumon attaches to another process by itself; return its PID, watched from now on."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            attachment = self.tick().attachment
            found = attachment.training
            if attachment.state is AttachState.ATTACHED and found is not None and found.id.pid != self.pid:
                self.pid = found.id.pid
                return self.pid
        raise AssertionError(f"not attached again within {timeout_seconds:g} s: {self._told()}")

    def _told(self) -> str:
        if not self.reports:
            return "none"
        report = self.reports[-1]
        if not self.looks:
            return report.attachment.text
        look = self.looks[-1]
        findings = [finding.text for finding in look.judged.findings]
        return f"{report.attachment.text}; {look.reading.phase_source}; {findings}"


def training_stretch(looks: Iterable[Look]) -> list[Look]:
    """Return the newest unbroken stretch of looks at the training loop itself."""
    stretch: list[Look] = []
    for look in looks:
        if look.reading.phase is Phase.TRAIN:
            stretch.append(look)
        else:
            stretch = []
    return stretch


def wait_ratio(looks: list[Look]) -> float:
    """Return the share of looks at the main thread between the first and the last that found it waiting.

    The looks of a reading were taken since the reading before it: those of the first are left out.
    """
    loaders = [look.reading.loader for look in looks[1:]]
    return sum(loader.main_waiting_samples for loader in loaders) / sum(
        loader.main_samples for loader in loaders
    )


def run_queue_ratio(looks: list[Look]) -> float:
    """Return the share of time in which the main process wanted a core and had none."""
    rows = [row for look in looks[1:] for row in look.reading.processes if row.role is Role.MAIN]
    ratios = [number(row.run_queue_wait_ratio) or 0.0 for row in rows]
    return sum(ratios) / len(ratios)


def images_per_second(look: Look) -> float:
    """Return the rate of a look; fails with the reason where it is missing."""
    rate = look.reading.progress.images_per_second
    assert not isinstance(rate, Missing), rate.reason
    value = number(rate)
    assert value is not None
    return value
