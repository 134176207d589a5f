"""How long the doctor watches: until all is seen, and no longer than needed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.doctor.gather.facts import late_driver
from gpumon.doctor.gather.watch import watch
from gpumon.model.measure import Missing
from gpumon.model.report import Report
from tests.unit.full_report import FULL_READING, full_report, missing_report

TWO_READINGS = Missing("needs two readings")


class _Ticks:
    """Gives the reports one after the other, the last one for good."""

    def __init__(self, *reports: Report) -> None:
        self.reports = reports
        self.count = 0
        self.pauses = 0

    def tick(self) -> Report:
        self.count += 1
        return self.reports[min(self.count, len(self.reports)) - 1]

    def pause(self) -> None:
        self.pauses += 1


def _with_gpu(**fields: object) -> Report:
    report = full_report()
    gpu = replace(report.sample.gpus[0], **fields)  # type: ignore[arg-type]
    return replace(report, sample=replace(report.sample, gpus=(gpu,)))


def test_two_ticks_are_enough_for_what_is_known() -> None:
    """Ratios need two readings, and nothing is missing after them."""
    ticks = _Ticks(full_report())

    assert watch(ticks.tick, ticks.pause) == full_report()
    assert (2, 1) == (ticks.count, ticks.pauses)


def test_what_comes_later_is_waited_for() -> None:
    """An interpreter is attached to in the background: its first looks come a tick or two later."""
    loader = replace(FULL_READING.loader, data_wait_ratio=Missing("no looks yet"))
    early = full_report(replace(FULL_READING, loader=loader))
    ticks = _Ticks(early, early, early, full_report())

    assert watch(ticks.tick, ticks.pause) == full_report()
    assert ticks.count == 4


@pytest.mark.parametrize(
    "report", [missing_report(), _with_gpu(gpu_busy_ratio=TWO_READINGS)], ids=["training", "gpu"]
)
def test_what_never_comes_is_given_up(report: Report) -> None:
    """Six ticks are the end of patience."""
    ticks = _Ticks(report)
    watch(ticks.tick, ticks.pause)

    assert ticks.count == 6


@pytest.mark.parametrize(("late", "count"), [((), 0), (("scan", "shm"), 0), (("scan", "nvml"), 1)])
def test_a_driver_that_hangs_is_told(late: tuple[str, ...], count: int) -> None:
    """An old reading is not passed off as a new one."""
    assert [source.source for source in late_driver(late)] == ["nvml"] * count
