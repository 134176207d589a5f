"""Reports to be recorded: one second after another of a training that is made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gpumon.history.window import Window
from gpumon.model.clock import Instant
from gpumon.model.report import Report
from gpumon.recording.about import About
from gpumon.recording.schema import Entry
from gpumon.recording.store import RecordingFile
from tests.unit.full_report import full_report

UNIX_SECONDS = 1_790_000_000.0
MONOTONIC_SECONDS = 5_000.0
# For a disk that others use, too; only a failing test waits so long.
PATIENCE_SECONDS = 60.0
ABOUT = About(Instant(UNIX_SECONDS, MONOTONIC_SECONDS), "workstation", 1.0, "0.1.0")


def report_at(second: float, *, sequence: int | None = None, unix_shift: float = 0.0) -> Report:
    """Return the report of that second; the GPU is busy by a number that tells it from others."""
    report = full_report()
    sample = report.sample
    gpu = replace(sample.gpus[0], gpu_busy_ratio=(second % 97) / 100)
    instant = Instant(UNIX_SECONDS + second + unix_shift, MONOTONIC_SECONDS + second)
    number = int(second) if sequence is None else sequence
    gpus = (gpu, *sample.gpus[1:])
    return replace(
        report,
        sample=replace(sample, sequence=number, instant=instant, interval_seconds=1.0, gpus=gpus),
    )


def entry_of(report: Report) -> Entry:
    """Return the row that a report is."""
    return Entry(report.sample, report.attachment, report.trainings)


def write(path: Path, reports: list[Report]) -> None:
    """Record these reports and close the file."""
    file = RecordingFile(path, ABOUT)
    for report in reports:
        file.append(entry_of(report))
    file.end()
    file.close()


class ReportFeed:
    """A feed whose reports the test hands out."""

    def __init__(self, window: Window | None = None) -> None:
        self._window = window
        self._report: Report | None = None
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Keep a listener."""
        self._listeners.append(listener)

    def report(self) -> Report | None:
        """Return the newest report."""
        return self._report

    def window(self) -> Window | None:
        """Return the window that it was made with."""
        return self._window

    def prior(self) -> str:
        """Return nothing: no earlier run is known."""
        return ""

    def show(self, report: Report) -> None:
        """Have a new report, and say so."""
        self._report = report
        for listener in self._listeners:
            listener()
