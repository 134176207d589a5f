"""GPU memory that grows steadily is told apart from memory whose peak has come to rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gpumon.diagnosis.diagnose import diagnose
from gpumon.diagnosis.memory import GpuMemory, memory_of
from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import window_of
from gpumon.model.suggestion import OomRisk, RiskLevel
from tests.unit.synthetic_training import GIB, HEALTHY, PID

_MIB = 1 << 20


def _view(used: Callable[[int], int], seconds: int = 60) -> View:
    """Return the view on a training that holds `used(second)` bytes of 12 GiB."""
    view = view_of(
        window_of(tuple(replace(HEALTHY, gpu_own=used(second)).sample(second) for second in range(seconds))),
        PID,
    )
    assert view is not None
    return view


def _memory(view: View) -> GpuMemory:
    memory = memory_of(view)
    assert isinstance(memory, GpuMemory)
    return memory


def _rising(second: int) -> int:
    return 5 * GIB + second // 2 * 150 * _MIB


def test_steady_growth_is_seen_with_its_pace() -> None:
    """150 MiB more every other second are 75 MiB/s."""
    growth = _memory(_view(_rising)).growth
    assert growth is not None
    assert pytest.approx(75 * _MIB, rel=0.1) == growth.bytes_per_second


def test_memory_is_told_to_be_full_in_time() -> None:
    """The time until it is full is what is left divided by the pace."""
    memory = _memory(_view(_rising))
    assert memory.growth is not None
    left = memory.limit - memory.peak
    assert pytest.approx(left / memory.growth.bytes_per_second) == memory.growth.full_in_seconds


def test_steady_growth_is_a_high_risk() -> None:
    """Memory is still free, but at its pace it will be full before the end."""
    view = _view(_rising)
    risk = _memory(view).risk
    assert isinstance(risk, OomRisk)
    assert risk.level is RiskLevel.HIGH
    found = [finding for finding in diagnose(view.window, PID) if finding.id == "vram-at-limit"]
    assert len(found) == 1
    assert "grows steadily" in found[0].text


@pytest.mark.parametrize(
    "used",
    [
        lambda _: 5 * GIB,
        lambda second: 5 * GIB + min(second, 25) * 100 * _MIB,
        lambda second: 5 * GIB + (second >= 50) * GIB,
        lambda second: 5 * GIB + (second % 10) * 100 * _MIB,
        lambda second: 5 * GIB + second * _MIB // 10,
    ],
    ids=["constant", "at rest since", "one step", "up and down", "jitter of the driver"],
)
def test_what_is_no_growth(used: Callable[[int], int]) -> None:
    """A peak that rests, one new peak, the same peaks again and tiny steps are no growth."""
    assert _memory(_view(used)).growth is None


def test_a_few_seconds_are_no_trend() -> None:
    """In the first seconds memory grows in every training."""
    assert _memory(_view(_rising, seconds=11)).growth is None
