"""The stand-in itself: what the real pynvml sees through it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpumon.sources.timeline import TimelineWriter
from tests.nvml_stand_in.stage import UNIX_START, Stage
from tests.nvml_stand_in.stand_in import Script, environment

pytest_plugins = ("tests.nvml_stand_in.fixtures",)

GIB = 1 << 30


def timeline(path: Path, intervals: list[tuple[float, float]], *, busy_since: float = 0.0) -> Path:
    """Write the file of a virtual GPU as a demo training does; this process is the training."""
    writer = TimelineWriter(
        path, name="Virtual GPU", uuid="GPU-virtual-0", memory_total_bytes=12 * GIB, capacity=16
    )
    writer.memory(3 * GIB, GIB, 2 * GIB)
    writer.sensors(55.0, 120.0, 1.5e9)
    for start, end in intervals:
        writer.begin(start)
        writer.end(start, end)
    writer.begin(busy_since)
    writer.close()
    return path


def first_gpu(nvml: Stage) -> object:
    nvml.pynvml.nvmlInit()
    return nvml.pynvml.nvmlDeviceGetHandleByIndex(0)


def test_pynvml_finds_it_in_a_child_process(nvml_library: Path, tmp_path: Path) -> None:
    """LD_LIBRARY_PATH is enough for a program started on it, and its calls are written down at its end."""
    script = Script(gpus=3).write(tmp_path / "script")
    calls = tmp_path / "calls"
    program = "import pynvml; pynvml.nvmlInit(); print(pynvml.nvmlDeviceGetCount())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(nvml_library, script, calls),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "3\n"
    assert calls.read_text() == "nvmlInit_v2 1\nnvmlDeviceGetCount_v2 1\n"


def test_a_script_with_a_typo_ends_the_program(nvml_library: Path, tmp_path: Path) -> None:
    """A line that means nothing must not pass for a test that passed."""
    script = Script().add("gpu", 0, "memory_used_bites", 3).write(tmp_path / "script")
    done = subprocess.run(
        [sys.executable, "-c", "import pynvml; pynvml.nvmlInit()"],
        env=environment(nvml_library, script),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode < 0
    assert "cannot read this line of the script: gpu 0 memory_used_bites 3" in done.stderr


def test_a_script_can_change_while_a_program_runs(nvml: Stage) -> None:
    """The new script speaks from the next call on."""
    gpu = first_gpu(nvml)
    nvml.play(Script().set(0, fan_percent=12))
    before = nvml.pynvml.nvmlDeviceGetFanSpeed(gpu)
    nvml.play(Script().set(0, fan_percent=34))
    assert (before, nvml.pynvml.nvmlDeviceGetFanSpeed(gpu)) == (12, 34)


def test_samples_are_those_after_last_seen(nvml: Stage) -> None:
    """One sample each period, the newest hundred at most, none older than asked for."""
    gpu = first_gpu(nvml)
    nvml.play(Script().set(0, busy_percent=58, sample_period_microseconds=200_000), 0)
    now_us = int(UNIX_START * 1e6)
    kind, samples = nvml.pynvml.nvmlDeviceGetSamples(
        gpu, nvml.pynvml.NVML_GPU_UTILIZATION_SAMPLES, now_us - 1_000_000
    )
    assert kind == nvml.pynvml.NVML_VALUE_TYPE_UNSIGNED_INT
    assert [sample.timeStamp - now_us for sample in samples] == [-800_000, -600_000, -400_000, -200_000, 0]
    assert {sample.sampleValue.uiVal for sample in samples} == {58}
    everything = nvml.pynvml.nvmlDeviceGetSamples(gpu, nvml.pynvml.NVML_GPU_UTILIZATION_SAMPLES, 0)[1]
    assert len(everything) == 100


def test_no_newer_sample_is_an_error(nvml: Stage) -> None:
    """Asked for samples after the newest, the driver says NOT_FOUND."""
    gpu = first_gpu(nvml)
    with pytest.raises(nvml.pynvml.NVMLError_NotFound):
        nvml.pynvml.nvmlDeviceGetSamples(gpu, nvml.pynvml.NVML_GPU_UTILIZATION_SAMPLES, int(UNIX_START * 1e6))


def test_every_second_call_can_fail(nvml: Stage) -> None:
    """A fault may hit each call or every so-manieth one."""
    gpu = first_gpu(nvml)
    nvml.play(Script().fail("nvmlDeviceGetUtilizationRates", "UNKNOWN", every=2))

    def outcome() -> str:
        try:
            nvml.pynvml.nvmlDeviceGetUtilizationRates(gpu)
        except nvml.pynvml.NVMLError_Unknown:
            return "failed"
        return "fine"

    outcomes = [outcome() for _ in range(4)]
    assert outcomes == ["fine", "failed", "fine", "failed"]


def test_a_lost_gpu_answers_nothing_and_the_other_one_does(nvml: Stage) -> None:
    """From its time on every call on that GPU is GPU_IS_LOST."""
    nvml.play(Script(gpus=2), 0)
    nvml.pynvml.nvmlInit()
    gpus = [nvml.pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(2)]
    nvml.play(Script(gpus=2).lose(1, UNIX_START + 3), 2.9)
    assert nvml.pynvml.nvmlDeviceGetName(gpus[1]) == "NVIDIA GeForce RTX 3060"
    nvml.play(Script(gpus=2).lose(1, UNIX_START + 3), 3)
    assert nvml.pynvml.nvmlDeviceGetName(gpus[0]) == "NVIDIA GeForce RTX 3060"
    with pytest.raises(nvml.pynvml.NVMLError_GpuIsLost):
        nvml.pynvml.nvmlDeviceGetName(gpus[1])


def test_a_virtual_gpu_drives_utilisation(nvml: Stage, tmp_path: Path) -> None:
    """Busy intervals of the timeline become samples, also the one that is still open."""
    end = UNIX_START
    # Half of the second-last 200 ms, and the last 100 ms are busy.
    path = timeline(tmp_path / "gpu", [(end - 0.4, end - 0.3)], busy_since=end - 0.1)
    gpu = first_gpu(nvml)
    nvml.play(Script().set(0, timeline=path, sample_period_microseconds=200_000), 0)
    samples = nvml.pynvml.nvmlDeviceGetSamples(
        gpu, nvml.pynvml.NVML_GPU_UTILIZATION_SAMPLES, int(end * 1e6) - 400_000
    )[1]
    assert [sample.sampleValue.uiVal for sample in samples] == [50, 50]
    assert nvml.pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu == 50


def test_a_virtual_gpu_has_memory_a_process_and_a_name(nvml: Stage, tmp_path: Path) -> None:
    """The header of the timeline stands for what the script would say."""
    path = timeline(tmp_path / "gpu", [])
    gpu = first_gpu(nvml)
    nvml.play(Script().set(0, timeline=path), 0)
    memory = nvml.pynvml.nvmlDeviceGetMemoryInfo(gpu, nvml.pynvml.nvmlMemory_v2)
    process = nvml.pynvml.nvmlDeviceGetComputeRunningProcesses(gpu)[0]
    assert (memory.used, memory.reserved, memory.total) == (3 * GIB, GIB, 12 * GIB)
    assert (process.pid, process.usedGpuMemory) == (os.getpid(), 2 * GIB)
    assert nvml.pynvml.nvmlDeviceGetTemperature(gpu, nvml.pynvml.NVML_TEMPERATURE_GPU) == 55
    assert nvml.pynvml.nvmlDeviceGetPowerUsage(gpu) == 120_000
    assert nvml.pynvml.nvmlDeviceGetName(gpu) == "Virtual GPU"
    assert nvml.pynvml.nvmlDeviceGetUUID(gpu) == "GPU-virtual-0"


def test_a_timeline_that_went_round_is_read_to_its_oldest_interval(nvml: Stage, tmp_path: Path) -> None:
    """Sixteen slots, forty intervals: the newest sixteen count."""
    end = UNIX_START
    starts = [end - 0.1 * back for back in range(40, 0, -1)]
    path = timeline(tmp_path / "gpu", [(start, start + 0.05) for start in starts])
    gpu = first_gpu(nvml)
    nvml.play(Script().set(0, timeline=path, sample_period_microseconds=200_000), 0)
    samples = nvml.pynvml.nvmlDeviceGetSamples(
        gpu, nvml.pynvml.NVML_GPU_UTILIZATION_SAMPLES, int(end * 1e6) - 2_000_000
    )[1]
    assert [sample.sampleValue.uiVal for sample in samples] == [0, 0] + [50] * 8


def test_the_memory_of_a_virtual_gpu_is_free_when_its_process_has_ended(nvml: Stage, tmp_path: Path) -> None:
    """A driver forgets a process that ends, however it ends; so does this one."""
    program = (
        "import sys; from pathlib import Path; from gpumon.sources.timeline import TimelineWriter\n"
        "writer = TimelineWriter(Path(sys.argv[1]), name='V', uuid='GPU-v', memory_total_bytes=1 << 33)\n"
        "writer.memory(1 << 30, 0, 1 << 30)\n"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path / "gpu"], check=True)
    gpu = first_gpu(nvml)
    nvml.play(Script().set(0, timeline=tmp_path / "gpu"), 0)
    assert nvml.pynvml.nvmlDeviceGetMemoryInfo(gpu, nvml.pynvml.nvmlMemory_v2).used == 0
    assert nvml.pynvml.nvmlDeviceGetComputeRunningProcesses(gpu) == []


def test_a_file_that_is_no_timeline_is_an_idle_gpu(nvml: Stage, tmp_path: Path) -> None:
    """Neither a missing file nor another one does harm."""
    other = tmp_path / "other"
    other.write_bytes(b"something else" * 100)
    gpu = first_gpu(nvml)
    for path in (tmp_path / "none", other):
        nvml.play(Script().set(0, timeline=path), 0)
        assert nvml.pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu == 0
