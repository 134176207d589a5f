"""How busy a GPU was, from the driver's sample buffer."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Missing
from gpumon.sources.nvml import NvmlSource
from tests.nvml_stand_in.stage import UNIX_START, FixedClock, Stage, at
from tests.nvml_stand_in.stand_in import Script

pytest_plugins = ("tests.nvml_stand_in.fixtures",)

START_US = int(UNIX_START * 1e6)


@pytest.fixture
def source() -> NvmlSource:
    """A source over the stand-in, outside of WSL."""
    return NvmlSource(FixedClock(), detect_wsl=lambda: False)


def only_gpu(source: NvmlSource, seconds: float) -> GpuReading:
    (gpu,) = source.read(at(seconds)).gpus
    return gpu


def sampled(*samples: tuple[float, int]) -> Script:
    """Return a script whose buffer holds (seconds, percent), and whose rounded rate is 99 %."""
    stamps = {START_US + round(seconds * 1e6): percent for seconds, percent in samples}
    return Script().set(0, busy_percent=99).samples(0, stamps)


def test_the_buffer_is_drained_once_a_read(nvml: Stage, source: NvmlSource) -> None:
    """Each sample is delivered once, with the time of its end."""
    script = sampled((0.2, 10), (0.4, 20), (0.6, 30), (0.8, 40))
    nvml.play(script, 0.5)
    first = only_gpu(source, 0.5).busy_samples
    nvml.play(sampled((0.2, 10), (0.4, 20), (0.6, 30), (0.8, 40), (1.0, 50)), 1.0)
    second = only_gpu(source, 1.0).busy_samples
    delivered = [(round(each.unix_seconds - UNIX_START, 3), each.gpu_busy_ratio) for each in first + second]
    assert delivered == [(0.2, 0.1), (0.4, 0.2), (0.6, 0.3), (0.8, 0.4), (1.0, 0.5)]


def test_the_mean_is_weighted_by_time(nvml: Stage, source: NvmlSource) -> None:
    """A sample stands for the time since the one before it."""
    nvml.play(sampled((0.0, 50)), 0)
    only_gpu(source, 0)
    nvml.play(sampled((0.1, 100), (0.3, 0), (0.4, 100)), 0.5)
    assert only_gpu(source, 0.5).gpu_busy_ratio == pytest.approx(0.5)


def test_the_period_is_read_from_the_timestamps(nvml: Stage, source: NvmlSource) -> None:
    """Products differ: nothing is assumed."""
    nvml.play(Script().set(0, busy_percent=58, sample_period_microseconds=20_000), 0)
    gpu = only_gpu(source, 0)
    assert gpu.busy_sample_period_seconds == pytest.approx(0.02)
    assert len(gpu.busy_samples) == 50


def test_the_first_read_reaches_back_one_second(nvml: Stage, source: NvmlSource) -> None:
    """Not over the whole buffer, which may hold a minute of another program."""
    nvml.play(sampled((-30, 0), (-1.2, 0), (-0.9, 60), (-0.4, 60)), 0)
    assert len(only_gpu(source, 0).busy_samples) == 2


def test_a_hole_in_the_buffer_weighs_three_periods_at_most(nvml: Stage, source: NvmlSource) -> None:
    """After a pause the old gap must not drown the new samples."""
    nvml.play(sampled((-0.2, 0), (0.0, 0)), 0)
    only_gpu(source, 0)
    nvml.play(sampled((100.0, 100), (100.2, 0), (100.4, 0), (100.6, 0)), 100.7)
    assert only_gpu(source, 100.7).gpu_busy_ratio == pytest.approx(0.5)


def test_a_tick_finer_than_the_samples_keeps_the_last_value(nvml: Stage, source: NvmlSource) -> None:
    """No newer sample is no reason to show something else."""
    nvml.play(sampled((-0.2, 40), (0.0, 40)), 0)
    only_gpu(source, 0)
    gpu = only_gpu(source, 0.1)
    assert (gpu.gpu_busy_ratio, gpu.busy_samples, gpu.gpu_busy_source) == (0.4, (), "nvml samples")


def test_the_rounded_rate_is_the_fallback(nvml: Stage, source: NvmlSource) -> None:
    """Where a GPU keeps no samples; the buffer is not asked again."""
    nvml.play(Script().set(0, busy_percent=58).fail("nvmlDeviceGetSamples", "NOT_SUPPORTED"), 0)
    gpus = [only_gpu(source, seconds) for seconds in range(3)]
    assert [(gpu.gpu_busy_ratio, gpu.gpu_busy_source) for gpu in gpus] == [
        (0.58, "nvml utilization rates")
    ] * 3
    assert nvml.calls("nvmlDeviceGetSamples") == 1
    assert gpus[0].busy_sample_period_seconds == Missing("the driver keeps no samples of this GPU")


def test_the_fallback_steps_in_when_samples_stop(nvml: Stage, source: NvmlSource) -> None:
    """An old sample does not stand for ever."""
    nvml.play(sampled((-0.2, 40), (0.0, 40)), 0)
    only_gpu(source, 0)
    assert only_gpu(source, 2.0).gpu_busy_ratio == 0.99


def test_samples_over_one_hundred_percent_are_no_readings(nvml: Stage, source: NvmlSource) -> None:
    """Drivers have been seen to return them."""
    nvml.play(sampled((-0.4, 30), (-0.2, 4_000_000), (0.0, 30)), 0)
    gpu = only_gpu(source, 0)
    assert [each.gpu_busy_ratio for each in gpu.busy_samples] == [0.3, 0.3]
    assert gpu.gpu_busy_ratio == pytest.approx(0.3)


def test_a_rate_over_one_hundred_percent_is_missing(nvml: Stage, source: NvmlSource) -> None:
    """Nothing is clipped: what cannot be is not shown."""
    nvml.play(Script().set(0, busy_percent=120).fail("nvmlDeviceGetSamples", "NOT_SUPPORTED"), 0)
    assert only_gpu(source, 0).gpu_busy_ratio == Missing("the driver reports 120 %")


def test_a_clock_set_back_does_not_stop_the_samples(nvml: Stage, source: NvmlSource) -> None:
    """Samples after the step carry stamps before the last one seen."""
    nvml.play(sampled((-0.2, 40), (0.0, 40)), 0)
    only_gpu(source, 0)
    nvml.play(sampled((-3600.4, 70), (-3600.2, 70)), -3600)
    assert only_gpu(source, -3600).gpu_busy_ratio == pytest.approx(0.7)


def test_memory_utilisation_is_read_beside_it(nvml: Stage, source: NvmlSource) -> None:
    """The share of time in which device memory was read or written."""
    nvml.play(Script().set(0, memory_busy_percent=33), 0)
    assert only_gpu(source, 0).gpu_memory_busy_ratio == 0.33


def test_mig_has_no_utilisation(nvml: Stage, source: NvmlSource) -> None:
    """It is missing with its reason, and nothing is asked in vain."""
    nvml.play(Script().mig(0, (1, 0), 5 << 30, 1 << 30, "MIG-1"), 0)
    gpu = only_gpu(source, 0)
    assert gpu.gpu_mig_mode is True
    assert gpu.gpu_busy_ratio == Missing("not measured while MIG is on")
    assert nvml.calls("nvmlDeviceGetUtilizationRates") == 0


def test_utilisation_comes_back_when_mig_is_turned_off(nvml: Stage, source: NvmlSource) -> None:
    """What was not supported is asked anew after the mode has changed."""
    nvml.play(Script().set(0, mig_mode=1), 0)
    only_gpu(source, 0)
    nvml.play(Script().set(0, mig_mode=0, busy_percent=58), 5)
    assert only_gpu(source, 5).gpu_busy_ratio == pytest.approx(0.58)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(1, 900), st.integers(0, 100)), min_size=1, max_size=40, unique_by=lambda s: s[0]
    )
)
def test_the_mean_lies_between_the_samples(nvml: Stage, samples: list[tuple[int, int]]) -> None:
    """Whatever the driver's stamps and values are, and no sample is lost or doubled."""
    nvml.reset()
    ordered = sorted(samples)
    nvml.play(sampled(*((-1 + milliseconds / 1000, percent) for milliseconds, percent in ordered)), 0)
    gpu = only_gpu(NvmlSource(FixedClock(), detect_wsl=lambda: False), 0)
    ratios = [percent / 100 for _, percent in ordered]
    assert isinstance(gpu.gpu_busy_ratio, float)
    assert min(ratios) - 1e-9 <= gpu.gpu_busy_ratio <= max(ratios) + 1e-9
    assert [each.gpu_busy_ratio for each in gpu.busy_samples] == ratios
