"""GPU memory that grows steadily is told apart from memory whose peak has come to rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gpumon.advice.memory import outlook_of
from gpumon.diagnosis.diagnose import diagnose
from gpumon.diagnosis.growth import Growth
from gpumon.diagnosis.memory import GpuMemory, memory_of
from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import History, window_of
from gpumon.model.finding import Severity
from gpumon.model.measure import Maybe, Missing
from gpumon.model.suggestion import OomRisk, RiskLevel
from gpumon.model.training import Phase
from tests.unit.run_scene import changed, with_progress
from tests.unit.run_scene import view as view_of_samples
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


@pytest.mark.parametrize("seconds", [20, 28, 40])
def test_growth_is_seen_soon(seconds: int) -> None:
    """Also where all that was seen lies within half a minute."""
    assert _memory(_view(_rising, seconds)).growth is not None


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
    found = {finding.id: finding for finding in diagnose(view.window, PID)}
    assert "at this pace it is full in about" in found["vram-growth"].text
    assert "vram-at-limit" not in found


@pytest.mark.parametrize(
    ("mib", "left", "severity"),
    [
        (150, None, Severity.CRITICAL),
        (150, 3600.0, Severity.CRITICAL),
        (150, 20.0, Severity.WARNING),
        (15, 3600.0, Severity.WARNING),
    ],
    ids=["full in 35 s", "before the end", "after the end", "full in 15 min"],
)
def test_memory_that_is_full_within_minutes_is_critical(
    mib: int, left: float | None, severity: Severity
) -> None:
    """It then comes first, before what slows the training; growth that leaves time does not."""
    samples = [
        replace(HEALTHY, gpu_own=5 * GIB + second // 2 * mib * _MIB).sample(second) for second in range(60)
    ]
    eta: Maybe[float] = Missing("not known") if left is None else left
    view = view_of_samples([with_progress(sample, eta_seconds=eta) for sample in samples])
    found = diagnose(view.window, PID)
    growth = next(finding for finding in found if finding.id == "vram-growth")
    assert growth.severity is severity
    assert (found[0].id == "vram-growth") == (severity is Severity.CRITICAL)


def test_no_batch_is_safe_while_memory_grows() -> None:
    """Not even the present one is called so: the reason stands where the number would."""
    found = outlook_of(_view(_rising))
    assert found.largest_safe_batch == Missing("its memory grows, and a larger batch would be full sooner")
    assert found.full_in_seconds == pytest.approx(35, abs=5)


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


_EPOCH_SECONDS = 20


def _of_epochs(peaks: list[float], epoch: int = 8) -> View:
    """Return the view on epochs of 20 s, of which 4 are validation, that each hold so many GiB of 12."""
    samples = []
    for number, peak in enumerate(peaks):
        scene = replace(HEALTHY, gpu_own=int(peak * GIB), epoch=epoch - len(peaks) + number + 1)
        phases = (*[Phase.TRAIN] * 16, *[Phase.VALIDATE] * 4)
        for second, phase in enumerate(phases):
            sample = scene.sample(number * _EPOCH_SECONDS + second)
            samples.append(changed(sample, phase=phase))
    return view_of_samples(samples)


def test_epochs_that_each_hold_more_are_a_leak() -> None:
    """A tenth of a GiB more in each: too slow for two minutes of seconds, plain by the epoch."""
    growth = _memory(_of_epochs([5 + 0.1 * number for number in range(9)])).growth
    assert growth is not None
    assert growth.epochs >= 6
    assert growth.bytes_per_second == pytest.approx(0.1 * GIB / _EPOCH_SECONDS, rel=0.05)


@pytest.mark.parametrize(
    "peaks",
    [
        [5.0] * 9,
        [5, 5.5, 5.9, 6.1, 6.2, 6.2, 6.2, 6.2, 6.2],
        [5, 5.1, 5.0, 5.2, 5.1, 5.2, 5.0, 5.1, 5.2],
        [5 + 0.01 * number for number in range(9)],
    ],
    ids=["at rest", "come to rest", "up and down", "less than 2 % in all"],
)
def test_epochs_that_are_no_leak(peaks: list[float]) -> None:
    """What rests, or hardly rises, is no trend."""
    assert _memory(_of_epochs(peaks)).growth is None


def test_the_first_epochs_of_a_run_are_no_trend() -> None:
    """Caches fill in them; six later ones are asked for."""
    peaks = [5 + 0.1 * number for number in range(8)]
    assert _memory(_of_epochs(peaks, epoch=len(peaks) - 1)).growth is None


@pytest.mark.parametrize("begins", [300, 500, 900])
def test_growth_that_begins_late_is_seen(begins: int) -> None:
    """A leak first uses up what is reserved and free: then 60 MiB more every 17 s, after minutes of rest."""
    seconds = begins + 5 * 17

    def used(second: int) -> int:
        return 5 * GIB + max(0, second - begins) // 17 * 60 * _MIB

    history = History()
    for second in range(seconds):
        history.append(replace(HEALTHY, gpu_own=used(second)).sample(second))
    view = view_of(history.window(), PID)
    assert view is not None
    growth = _memory(view).growth
    assert growth is not None
    assert growth.bytes_per_second == pytest.approx(60 * _MIB / 17, rel=0.35)


@pytest.mark.parametrize("seconds", [42, 48, 60], ids=["at once", "soon", "grown again"])
def test_a_flush_does_not_end_growth(seconds: int) -> None:
    """Cached memory was given back at second 41: what grew goes on growing, with room for so long."""

    def used(second: int) -> int:
        return 9 * GIB + second // 2 * 50 * _MIB - (second >= 41) * GIB

    growth = _memory(_view(used, seconds)).growth
    assert growth is not None
    assert growth.bytes_per_second == pytest.approx(25 * _MIB, rel=0.2)


def test_a_saw_tooth_at_the_limit_is_no_growth() -> None:
    """A flush every ten seconds, and back within two."""
    assert _memory(_view(lambda second: 11 * GIB - (2 - min(second % 10, 2)) * 200 * _MIB)).growth is None


def test_what_comes_back_after_a_cache_was_emptied_far_from_the_limit_is_no_growth() -> None:
    """As at the end of an epoch: 1 GiB is given back at second 41, and comes again in steps."""

    def used(second: int) -> int:
        steps = sum(second >= since for since in (43, 49, 50, 52, 53))
        return 6 * GIB - (second >= 41) * GIB + steps * 100 * _MIB

    assert _memory(_view(used, 55)).growth is None


def test_what_the_first_validation_and_the_batch_before_it_need_is_no_trend() -> None:
    """Two rises while training, one at the last batch, two in the validation."""
    steps = ((33, 100), (38, 100), (49, 100), (50, 300), (52, 100))
    samples = []
    for second in range(60):
        own = 5 * GIB + sum(mib for since, mib in steps if second >= since) * _MIB
        sample = replace(HEALTHY, gpu_own=own, epoch=1).sample(second)
        samples.append(changed(sample, phase=Phase.VALIDATE if 50 <= second < 56 else Phase.TRAIN))
    assert _memory(view_of_samples(samples)).growth is None


@pytest.mark.parametrize(("left", "probability"), [(100, 0.5), (75, 0.0), (120, 0.9), (500, 0.95), (0, 0.0)])
def test_odds_are_even_where_the_run_ends_as_memory_is_full(left: float, probability: float) -> None:
    """It is full in 100 s: with a quarter of that less to come hardly, with a fifth more nearly surely."""
    assert Growth(1.0, 100.0, left).probability == pytest.approx(probability)
