"""NvmlSource when GPUs are lost and drivers are absent, mismatched, or go away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from gpumon.model.gpu import DriverState, GpuReading, GpuState
from gpumon.model.measure import Missing
from gpumon.sources.nvml import NvmlSource
from gpumon.sources.nvml_driver import detect_wsl
from tests.nvml_stand_in.stage import UNIX_START, FixedClock, Stage, at
from tests.nvml_stand_in.stand_in import SONAME, Script

pytest_plugins = ("tests.nvml_stand_in.fixtures",)


@pytest.fixture
def source() -> NvmlSource:
    """A source over the stand-in, outside of WSL."""
    return NvmlSource(FixedClock(), detect_wsl=lambda: False)


def states(gpus: tuple[GpuReading, ...]) -> list[GpuState]:
    return [gpu.state for gpu in gpus]


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        ("DRIVER_NOT_LOADED", DriverState.NOT_LOADED, "kernel module is not loaded"),
        ("LIB_RM_VERSION_MISMATCH", DriverState.MISMATCHED, "differ in version"),
        ("NO_PERMISSION", DriverState.NO_PERMISSION, "no permission"),
        ("LIBRARY_NOT_FOUND", DriverState.ABSENT, "no NVIDIA driver here"),
        ("GPU_IS_LOST", DriverState.FAILED, "fallen off the bus"),
        ("UNKNOWN", DriverState.FAILED, "the NVIDIA driver cannot be used"),
    ],
)
def test_a_driver_that_cannot_start_has_a_state_and_a_sentence(
    nvml: Stage, source: NvmlSource, code: str, state: DriverState, words: str
) -> None:
    """Each of nvmlInit's errors is told apart."""
    nvml.play(Script().init_fails(code), 0)
    reading = source.read(at(0))
    assert (reading.driver.state, reading.gpus) == (state, ())
    assert words in reading.driver.text


def test_a_driver_is_looked_for_every_five_seconds(nvml: Stage, source: NvmlSource) -> None:
    """Not every tick; and when it comes its GPUs are there."""
    nvml.play(Script().init_fails("DRIVER_NOT_LOADED"), 0)
    for seconds in range(5):
        source.read(at(seconds))
    assert nvml.calls("nvmlInit_v2") == 1
    nvml.play(Script(gpus=2), 5)
    reading = source.read(at(5))
    assert (reading.driver.state, len(reading.gpus)) == (DriverState.OK, 2)


def test_no_gpu_is_a_state(nvml: Stage, source: NvmlSource) -> None:
    """A loaded driver without a GPU still tells its version."""
    nvml.play(Script(gpus=0), 0)
    reading = source.read(at(0))
    assert (reading.driver.state, reading.gpus) == (DriverState.NO_GPUS, ())
    assert reading.driver.driver_version == "560.35.03"


def test_a_lost_gpu_leaves_the_others_alone(nvml: Stage, source: NvmlSource) -> None:
    """Its state is lost, its measures say why, and the other GPU is read on."""
    nvml.play(Script(gpus=2), 0)
    source.read(at(0))
    nvml.play(Script(gpus=2).lose(1, UNIX_START + 1).set(0, performance_state=0), 1)
    healthy, lost = source.read(at(1)).gpus
    assert states((healthy, lost)) == [GpuState.OK, GpuState.LOST]
    assert (healthy.gpu_performance_state, lost.name) == (0, "NVIDIA GeForce RTX 3060")
    assert lost.gpu_memory_used_bytes == Missing("the GPU has fallen off the bus")
    assert lost.processes == Missing("the GPU has fallen off the bus")


def test_a_lost_gpu_is_retried_rarely_and_comes_back(nvml: Stage, source: NvmlSource) -> None:
    """Every 30 s: a reset by hand is what brings it back."""
    nvml.play(Script(gpus=2), 0)
    source.read(at(0))
    nvml.play(Script(gpus=2).lose(1), 1)
    for seconds in range(1, 31):
        source.read(at(seconds))
    asked = nvml.calls("nvmlDeviceGetHandleByIndex_v2")
    nvml.play(Script(gpus=2), 31)
    assert states(source.read(at(31)).gpus) == [GpuState.OK, GpuState.OK]
    assert (asked, nvml.calls("nvmlDeviceGetHandleByIndex_v2")) == (2, 3)


def test_all_gpus_lost_opens_the_driver_anew(nvml: Stage, source: NvmlSource) -> None:
    """Every 5 s, for a session may not see them again; until then they are shown as lost."""
    nvml.play(Script(gpus=2), 0)
    source.read(at(0))
    nvml.play(Script(gpus=2).lose(), 1)
    seen = [states(source.read(at(seconds)).gpus) for seconds in range(1, 7)]
    assert seen == [[GpuState.LOST, GpuState.LOST]] * 6
    assert nvml.calls("nvmlInit_v2") == 2
    nvml.play(Script(gpus=2), 11)
    assert states(source.read(at(11)).gpus) == [GpuState.OK, GpuState.OK]


def test_gpus_that_are_gone_after_the_driver_came_back_are_lost(nvml: Stage, source: NvmlSource) -> None:
    """What was there once is not forgotten: the screen goes on showing it, as lost."""
    nvml.play(Script(gpus=1), 0)
    source.read(at(0))
    nvml.play(Script(gpus=1).lose(), 1)
    source.read(at(1))
    nvml.play(Script(gpus=0), 6)
    reading = source.read(at(6))
    assert (reading.driver.state, states(reading.gpus)) == (DriverState.NO_GPUS, [GpuState.LOST])


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("DRIVER_NOT_LOADED", DriverState.NOT_LOADED),
        ("LIB_RM_VERSION_MISMATCH", DriverState.MISMATCHED),
        ("UNINITIALIZED", DriverState.NOT_LOADED),
    ],
)
def test_a_driver_that_goes_away_is_told_and_opened_again(
    nvml: Stage, source: NvmlSource, code: str, state: DriverState
) -> None:
    """Its GPUs are lost meanwhile; 5 s later it is tried again and all is well."""
    source.read(at(0))
    nvml.play(Script().fail("*", code), 1)
    gone = source.read(at(1))
    assert (gone.driver.state, states(gone.gpus)) == (state, [GpuState.LOST])
    nvml.play(Script(), 6)
    back = source.read(at(6))
    assert (back.driver.state, states(back.gpus)) == (DriverState.OK, [GpuState.OK])


def test_a_gpu_that_may_not_be_opened_is_unreadable(nvml: Stage, source: NvmlSource) -> None:
    """As in a container that got only one of two: that one is read."""
    nvml.play(Script(gpus=2).fail("nvmlDeviceGetHandleByIndex_v2", "NO_PERMISSION", gpu=1), 0)
    readings = source.read(at(0)).gpus
    assert states(readings) == [GpuState.OK, GpuState.UNREADABLE]
    assert readings[1].gpu_busy_ratio == Missing("no permission")


def test_no_error_of_any_function_is_raised(nvml: Stage, source: NvmlSource) -> None:
    """Every code on every function, at first sight and later: a reading comes back."""
    codes = [
        *("INVALID_ARGUMENT", "NOT_SUPPORTED", "NO_PERMISSION", "NOT_FOUND", "INSUFFICIENT_SIZE", "TIMEOUT"),
        *("GPU_IS_LOST", "IN_USE", "MEMORY", "NO_DATA", "RESET_REQUIRED", "DEPRECATED", "UNKNOWN"),
    ]
    for number, code in enumerate(codes):
        source.close()
        seconds = 100.0 * number
        nvml.play(Script().fail("*", code), seconds)
        first = source.read(at(seconds)).driver.state
        nvml.play(Script(), seconds + 10)
        assert states(source.read(at(seconds + 10)).gpus) == [GpuState.OK], (code, first)
        nvml.play(Script().fail("*", code), seconds + 11)
        assert len(source.read(at(seconds + 11)).gpus) == 1


def test_there_is_no_library_where_there_is_no_driver(tmp_path: Path) -> None:
    """The real search for the library, by a child process that finds a broken one."""
    (tmp_path / SONAME).write_text("this is no library")
    program = (
        "from gpumon.sources.nvml import NvmlSource\n"
        "from gpumon.model.clock import Instant\n"
        "reading = NvmlSource(None).read(Instant(0.0, 0.0))\n"
        "print(reading.driver.state.value, reading.gpus)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "absent ()\n"


def test_an_unofficial_binding_is_named_as_such() -> None:
    """A module called pynvml that lacks what NVIDIA's has."""
    other = ModuleType("pynvml")
    reading = NvmlSource(FixedClock(), binding=other, detect_wsl=lambda: False).read(at(0))
    assert reading.driver.state is DriverState.FAILED
    assert "not NVIDIA's nvidia-ml-py" in reading.driver.text


def test_wsl_is_told(nvml: Stage) -> None:
    """Under WSL the driver knows nothing of processes: memory per process says so."""
    nvml.play(Script().process(0, 41, None), 0)
    source = NvmlSource(FixedClock(), translate_pid=lambda pid: pid, detect_wsl=lambda: True)
    reading = source.read(at(0))
    (process,) = reading.gpus[0].processes if isinstance(reading.gpus[0].processes, tuple) else ()
    assert (reading.driver.is_wsl, reading.driver.text.startswith("WSL")) == (True, True)
    assert process.gpu_memory_used_bytes == Missing("WSL does not tell which process holds how much")


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("5.15.153.1-microsoft-standard-WSL2", True),
        ("4.4.0-19041-Microsoft", True),
        ("6.8.0-45-generic", False),
    ],
)
def test_wsl_is_known_by_its_kernel(tmp_path: Path, release: str, expected: bool) -> None:
    """Both generations have Microsoft in the kernel's release."""
    path = tmp_path / "osrelease"
    path.write_text(release + "\n")
    assert detect_wsl(path) is expected
