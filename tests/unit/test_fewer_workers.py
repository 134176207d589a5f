"""Advice to crowded workers, whose shares of a core are small beside what they are known to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.advice.advise import report_on
from gpumon.model.suggestion import Effect, Suggestion
from tests.unit.synthetic_training import GIB, PID, Scene

_CROWDED = Scene(
    wait=0.78,
    workers=2,
    idle=0.0,
    cores=2,
    affinity=1,
    others_cpu=0.1,
    main_cpu=0.05,
    gpu_busy=0.2,
    rate=90.0,
)


def _advised(cpu: float, queue: float) -> list[Suggestion]:
    scene = replace(_CROWDED, cpu=cpu, queue=queue)
    report = report_on(scene.window(), PID)
    assert report.findings[0].id == "starved-too-many-workers"
    return [item for item in report.suggestions if item.setting == "workers"]


@pytest.mark.parametrize(("cpu", "queue"), [(0.08, 0.88), (0.05, 0.95), (0.10, 0.85), (0.25, 0.75)])
def test_workers_that_queue_nearly_all_the_time_are_to_be_fewer(cpu: float, queue: float) -> None:
    """A few hundredths that are neither CPU nor queue are no wait outside the CPU."""
    (suggestion,) = _advised(cpu, queue)
    assert (suggestion.from_value, suggestion.to_value) == (2, 1)


def test_workers_that_wait_for_something_else_too_stay() -> None:
    """A worker that is outside the CPU for half of its time leaves room on the core for another one."""
    assert _advised(cpu=0.2, queue=0.4) == []


def test_fewer_are_advised_beside_other_programs_too() -> None:
    """Programs that take 0.6 of 4 cores widen the interval down to no gain, and are no reason to keep 8."""
    scene = Scene(
        wait=0.68,
        workers=8,
        idle=0.02,
        cpu=0.38,
        queue=0.6,
        cores=4,
        main_cpu=0.3,
        others_cpu=0.6,
        batch_size=64,
        gpu_own=int(10.5 * GIB),
    )
    report = report_on(scene.window(), PID)
    assert report.findings[0].id == "starved-too-many-workers"
    (suggestion,) = report.suggestions
    assert (suggestion.setting, suggestion.from_value, suggestion.to_value) == ("workers", 8, 3)
    assert "fewer workers get less of the 0.6 cores that other programs take" in suggestion.rests_on
    assert isinstance(suggestion.speedup, Effect)
    assert suggestion.speedup.low <= 1.0
    assert suggestion.speedup.predicted > 1.05
