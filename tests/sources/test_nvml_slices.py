"""MIG devices: each slice has its own memory and processes, and a training's advice is for its slice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.advice.memory import outlook
from gpumon.history.history import window_of
from gpumon.model.gpu import GpuReading, GpuSlice
from gpumon.model.measure import Missing
from gpumon.model.suggestion import MemoryOutlook
from gpumon.monitor.gpu_use import gpu_use
from gpumon.sources.nvml import NvmlSource
from tests.nvml_stand_in.stage import FixedClock, Stage, at
from tests.nvml_stand_in.stand_in import Script
from tests.unit.run_scene import changed
from tests.unit.synthetic_training import HEALTHY, PID

pytest_plugins = ("tests.nvml_stand_in.fixtures",)

GIB = 1 << 30
FIRST, SECOND = "MIG-1", "MIG-2"


def divided(*, first_used: int = GIB, second_used: int = 3 * GIB) -> Script:
    """Return a GPU of 40 GiB divided into a slice of 5 and one of 10 GiB; PID is in the second."""
    script = Script().set(0, memory_total_bytes=40 * GIB)
    script.mig(0, (1, 0), 5 * GIB, first_used, FIRST).mig(0, (2, 0), 10 * GIB, second_used, SECOND)
    script.process(0, 77, GIB, instance=(1, 0))
    return script.process(0, PID, 3 * GIB, instance=(2, 0))


@pytest.fixture
def source() -> NvmlSource:
    """A source for which every PID is one of ours."""
    return NvmlSource(FixedClock(), translate_pid=lambda pid: pid, detect_wsl=lambda: False)


def gpu_of(source: NvmlSource, seconds: float = 0) -> GpuReading:
    (gpu,) = source.read(at(seconds)).gpus
    return gpu


def outlook_on(gpu: GpuReading, environment: tuple[tuple[str, str], ...] = ()) -> MemoryOutlook:
    """Return the memory outlook of a healthy training that the monitor found on that GPU."""
    samples = []
    for sample in HEALTHY.samples():
        training = replace(sample.trainings[0].training, environment=environment)
        use = gpu_use(training, (gpu,))
        on_it = replace(sample, gpus=(gpu,))
        samples.append(
            changed(
                on_it,
                training=training,
                gpu_uuids=use.gpu_uuids,
                gpu_memory_used_bytes=use.gpu_memory_used_bytes,
            )
        )
    return outlook(window_of(samples), PID)


@pytest.mark.parametrize("refuses", [0, 1])
def test_each_slice_has_its_memory_and_its_processes(nvml: Stage, source: NvmlSource, refuses: int) -> None:
    """With the rights to ask the whole GPU and without them."""
    nvml.play(divided().set(0, mig_refuses_gpu=refuses), 0)
    gpu = gpu_of(source)

    assert gpu.slices == (
        GpuSlice(FIRST, GIB, 0, 5 * GIB, (77,)),
        GpuSlice(SECOND, 3 * GIB, 0, 10 * GIB, (PID,)),
    )
    assert not isinstance(gpu.processes, Missing)
    assert [process.pid for process in gpu.processes] == [77, PID]


def test_slices_come_and_go_within_five_seconds(nvml: Stage, source: NvmlSource) -> None:
    """An administrator divides a GPU anew while gpumon runs, or stops dividing it."""
    nvml.play(Script(), 0)
    assert gpu_of(source).slices == ()
    nvml.play(divided(), 5)
    assert [part.uuid for part in gpu_of(source, 5).slices] == [FIRST, SECOND]
    nvml.play(Script().set(0, mig_mode=0), 10)
    assert gpu_of(source, 10).slices == ()


def test_a_slice_that_hides_its_processes_says_why(nvml: Stage, source: NvmlSource) -> None:
    """Its memory is still told."""
    script = divided().set(0, mig_refuses_gpu=1)
    for version in ("_v2", "_v3"):
        script.fail(f"nvmlDeviceGetComputeRunningProcesses{version}", "NO_PERMISSION")
    nvml.play(script, 0)
    part = gpu_of(source).slices[1]

    assert part.gpu_memory_total_bytes == 10 * GIB
    assert isinstance(part.pids, Missing)


def test_the_advice_for_a_slice_has_the_slice_as_its_limit(nvml: Stage, source: NvmlSource) -> None:
    """3 of its 10 GiB are taken at batch 16, not 3 of 40: 32 images are the largest step, and fit."""
    nvml.play(divided(), 0)
    found = outlook_on(gpu_of(source))

    assert (found.peak_bytes, found.limit_bytes) == (3 * GIB, 10 * GIB)
    assert found.largest_safe_batch == 32


def test_a_full_slice_of_an_empty_gpu_takes_no_larger_batch(nvml: Stage, source: NvmlSource) -> None:
    """9.4 of 10 GiB are held, 1.5 of them by a neighbour in the same slice."""
    script = Script().set(0, memory_total_bytes=40 * GIB)
    script.mig(0, (2, 0), 10 * GIB, int(9.4 * GIB), SECOND)
    script.process(0, PID, int(7.9 * GIB), instance=(2, 0)).process(0, 8, int(1.5 * GIB), instance=(2, 0))
    nvml.play(script, 0)
    found = outlook_on(gpu_of(source))

    assert found.limit_bytes == pytest.approx(8.5 * GIB, rel=1e-6)
    assert isinstance(found.largest_safe_batch, int)
    assert found.largest_safe_batch <= 16


def test_where_processes_are_hidden_the_environment_names_the_slice(nvml: Stage, source: NvmlSource) -> None:
    """CUDA takes the MIG device that CUDA_VISIBLE_DEVICES names; all that is held of it counts as its own."""
    script = divided().set(0, mig_refuses_gpu=1)
    for version in ("_v2", "_v3"):
        script.fail(f"nvmlDeviceGetComputeRunningProcesses{version}", "NO_PERMISSION")
    nvml.play(script, 0)
    gpu = gpu_of(source)
    named = outlook_on(gpu, environment=(("CUDA_VISIBLE_DEVICES", "mig-2"),))
    unnamed = outlook_on(gpu)

    assert (named.peak_bytes, named.limit_bytes) == (3 * GIB, 10 * GIB)
    assert isinstance(unnamed.largest_safe_batch, Missing)
    assert "on which slice the training runs is not known" in unnamed.largest_safe_batch.reason


def test_a_container_with_one_slice_is_that_slice(nvml: Stage, source: NvmlSource) -> None:
    """Of the GPU's slices it sees its own alone, and no process list."""
    script = Script().set(0, memory_total_bytes=40 * GIB, mig_refuses_gpu=1)
    script.mig(0, (2, 0), 10 * GIB, 3 * GIB, SECOND)
    for version in ("_v2", "_v3"):
        script.fail(f"nvmlDeviceGetComputeRunningProcesses{version}", "NO_PERMISSION")
    nvml.play(script, 0)
    found = outlook_on(gpu_of(source))

    assert (found.peak_bytes, found.limit_bytes) == (3 * GIB, 10 * GIB)
