"""Hardware counters (GPM): shares between two samples, where a GPU has them."""

from __future__ import annotations

import pytest

from gpumon.model.gpu import GpuReading, GpuState
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.nvml import NvmlSource
from tests.nvml_stand_in.stage import UNIX_START, FixedClock, Stage, at
from tests.nvml_stand_in.stand_in import Script

pytest_plugins = ("tests.nvml_stand_in.fixtures",)

QUESTION = "nvmlGpmMetricsGet"


@pytest.fixture
def source() -> NvmlSource:
    """A source over the stand-in, outside of WSL."""
    return NvmlSource(FixedClock(), detect_wsl=lambda: False)


def only_gpu(source: NvmlSource, seconds: float) -> GpuReading:
    (gpu,) = source.read(at(seconds)).gpus
    return gpu


def counted(gpu: GpuReading) -> tuple[Maybe[float], ...]:
    return gpu.gpu_sm_busy_ratio, gpu.gpu_tensor_busy_ratio, gpu.gpu_memory_bandwidth_ratio


def hopper(busy: int = 100) -> Script:
    """Return a GPU with counters: 80 % of the SMs, 35.5 % tensor, 41.2 % memory while it is busy."""
    script = Script().set(0, gpm_supported=1, busy_percent=busy, compute_capability_major=9)
    return script.set(0, gpm_sm_permille=800, gpm_tensor_permille=355, gpm_memory_bandwidth_permille=412)


def test_the_second_reading_has_the_shares_since_the_first(nvml: Stage, source: NvmlSource) -> None:
    """The first one has nothing to compare with and says so."""
    nvml.play(hopper(), 0)
    first = only_gpu(source, 0)
    nvml.play(hopper(50), 1)
    second = only_gpu(source, 1)
    assert counted(first) == (Missing("it needs two readings"),) * 3
    assert counted(second) == pytest.approx((0.4, 0.1775, 0.206))


def test_a_gpu_without_counters_says_which_have_them(nvml: Stage, source: NvmlSource) -> None:
    """The reason is the GPU's generation, and it is asked once."""
    nvml.play(Script(), 0)
    only_gpu(source, 0)
    missing = only_gpu(source, 1).gpu_sm_busy_ratio
    assert isinstance(missing, Missing)
    assert "Hopper and newer" in missing.reason
    assert nvml.calls("nvmlGpmQueryDeviceSupport") == 1
    assert nvml.calls("nvmlGpmSampleGet") == 0


def test_an_old_driver_does_not_know_the_question(nvml: Stage, source: NvmlSource) -> None:
    """A library without the function is asked once."""
    nvml.play(hopper().fail("nvmlGpmQueryDeviceSupport", "FUNCTION_NOT_FOUND"), 0)
    only_gpu(source, 0)
    assert only_gpu(source, 1).gpu_tensor_busy_ratio == Missing("not known to this driver")
    assert nvml.calls("nvmlGpmQueryDeviceSupport") == 1


def test_one_question_a_second_however_fast_the_ticks(nvml: Stage, source: NvmlSource) -> None:
    """Between two questions the newest answer stands."""
    for tick in range(21):
        nvml.play(hopper(), tick / 10)
        newest = only_gpu(source, tick / 10)
    assert nvml.calls(QUESTION) == 2
    assert newest.gpu_sm_busy_ratio == pytest.approx(0.8)


def test_one_counter_may_be_missing(nvml: Stage, source: NvmlSource) -> None:
    """A share beyond 100 % is no reading, and hides none of the others."""
    nvml.play(hopper(), 0)
    only_gpu(source, 0)
    nvml.play(hopper().set(0, gpm_tensor_permille=5000), 1)
    gpu = only_gpu(source, 1)
    assert gpu.gpu_tensor_busy_ratio == Missing("the driver reports 500 %")
    assert gpu.gpu_sm_busy_ratio == pytest.approx(0.8)


def test_a_refused_sample_is_told_and_tried_again(nvml: Stage, source: NvmlSource) -> None:
    """No permission today may be permission tomorrow."""
    nvml.play(hopper().fail("nvmlGpmSampleGet", "NO_PERMISSION"), 0)
    assert counted(only_gpu(source, 0)) == (Missing("no permission"),) * 3
    for seconds in (1, 2):
        nvml.play(hopper(), seconds)
        newest = only_gpu(source, seconds)
    assert newest.gpu_sm_busy_ratio == pytest.approx(0.8)


def test_a_question_that_fails_gives_its_reason(nvml: Stage, source: NvmlSource) -> None:
    """The samples are there, the answer is not."""
    nvml.play(hopper(), 0)
    only_gpu(source, 0)
    nvml.play(hopper().fail(QUESTION, "TIMEOUT"), 1)
    assert counted(only_gpu(source, 1)) == (Missing("the driver timed out"),) * 3


def test_a_divided_gpu_is_not_counted(nvml: Stage, source: NvmlSource) -> None:
    """With MIG on the whole GPU's counters say nothing of one part."""
    nvml.play(hopper().set(0, mig_mode=1), 0)
    assert only_gpu(source, 0).gpu_sm_busy_ratio == Missing("not measured while MIG is on")
    assert nvml.calls("nvmlGpmSampleGet") == 0


def test_what_the_driver_lent_is_given_back(nvml: Stage, source: NvmlSource) -> None:
    """Two samples for each GPU, also of one that gets lost."""
    nvml.play(hopper(), 0)
    only_gpu(source, 0)
    nvml.play(hopper().lose(0, UNIX_START + 1), 1)
    assert only_gpu(source, 1).state is GpuState.LOST
    source.close()
    assert nvml.calls("nvmlGpmSampleAlloc") == 2
    assert nvml.calls("nvmlGpmSampleFree") == 2
