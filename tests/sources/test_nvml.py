"""NvmlSource: what a healthy GPU says, how often it is asked, and which GPUs are read."""

from __future__ import annotations

import pytest

from gpumon.model.gpu import DriverState, GpuReading
from gpumon.model.measure import Missing
from gpumon.sources.nvml import NvmlSource
from tests.nvml_stand_in.stage import FixedClock, Stage, at
from tests.nvml_stand_in.stand_in import Script

pytest_plugins = ("tests.nvml_stand_in.fixtures",)

GIB = 1 << 30


@pytest.fixture
def source() -> NvmlSource:
    """A source over the stand-in, outside of WSL."""
    return NvmlSource(FixedClock(), detect_wsl=lambda: False)


def only_gpu(source: NvmlSource, seconds: float = 0) -> GpuReading:
    (gpu,) = source.read(at(seconds)).gpus
    return gpu


def test_the_driver_tells_its_versions(nvml: Stage, source: NvmlSource) -> None:
    """Driver and CUDA version, the latter as people write it."""
    nvml.play(Script().driver("575.64.03", 12090), 0)
    driver = source.read(at(0)).driver
    assert (driver.state, driver.driver_version, driver.cuda_version) == (DriverState.OK, "575.64.03", "12.9")


def test_memory_leaves_out_what_the_driver_reserves(nvml: Stage, source: NvmlSource) -> None:
    """Version 2 of the memory question: used, reserved and total apart."""
    nvml.play(
        Script().set(0, memory_used_bytes=3 * GIB, memory_reserved_bytes=GIB, memory_total_bytes=12 * GIB), 0
    )
    gpu = only_gpu(source)
    assert (gpu.gpu_memory_used_bytes, gpu.gpu_memory_reserved_bytes) == (3 * GIB, GIB)
    assert gpu.gpu_memory_total_bytes == 12 * GIB


def test_an_old_driver_counts_the_reserve_as_used(nvml: Stage, source: NvmlSource) -> None:
    """Without version 2 the first one is asked, and the reserve is said to be missing."""
    script = Script().set(0, memory_used_bytes=3 * GIB, memory_reserved_bytes=GIB)
    nvml.play(script.fail("nvmlDeviceGetMemoryInfo_v2", "FUNCTION_NOT_FOUND"), 0)
    gpu = only_gpu(source)
    assert gpu.gpu_memory_used_bytes == 4 * GIB
    assert gpu.gpu_memory_reserved_bytes == Missing("this driver counts it as used")


def test_temperature_power_clocks_and_fan_are_in_base_units(nvml: Stage, source: NvmlSource) -> None:
    """Celsius, watts, hertz, ratios: whatever units the driver uses."""
    nvml.play(
        Script().set(
            0,
            temperature_celsius=71,
            temperature_slowdown_celsius=93,
            power_average_milliwatts=141_200,
            power_limit_milliwatts=170_000,
            energy_millijoules=5_000,
            energy_millijoules_per_second=0,
            sm_clock_megahertz=1777,
            sm_clock_max_megahertz=2100,
            memory_clock_megahertz=7300,
            fan_percent=47,
        ),
        0,
    )
    gpu = only_gpu(source)
    assert (gpu.gpu_temperature_celsius, gpu.gpu_temperature_slowdown_celsius) == (71.0, 93.0)
    assert (gpu.gpu_power_watts, gpu.gpu_power_limit_watts, gpu.gpu_energy_joules) == (141.2, 170.0, 5.0)
    assert (gpu.gpu_sm_clock_hertz, gpu.gpu_sm_clock_max_hertz) == (1.777e9, 2.1e9)
    assert (gpu.gpu_memory_clock_hertz, gpu.gpu_fan_ratio) == (7.3e9, 0.47)


def test_the_link_the_state_and_the_capability_are_read(nvml: Stage, source: NvmlSource) -> None:
    """A card in a slot of the older kind shows by its link being narrower than it could be."""
    nvml.play(
        Script().set(
            0,
            pcie_generation=3,
            pcie_width=8,
            performance_state=5,
            compute_capability_major=9,
            compute_capability_minor=0,
        ),
        0,
    )
    gpu = only_gpu(source)
    assert (gpu.gpu_pcie_generation, gpu.gpu_pcie_generation_max) == (3, 4)
    assert (gpu.gpu_pcie_width, gpu.gpu_pcie_width_max) == (8, 16)
    assert (gpu.gpu_performance_state, gpu.gpu_compute_capability) == (5, (9, 0))


def test_ecc_errors_are_counted_where_there_is_ecc(nvml: Stage, source: NvmlSource) -> None:
    """Corrected and uncorrected apart; a GPU without ECC says that it has none."""
    nvml.play(Script(gpus=2).set(0, ecc_enabled=1, ecc_corrected=7, ecc_uncorrected=1), 0)
    with_ecc, without = source.read(at(0)).gpus
    assert (with_ecc.gpu_ecc_corrected_errors, with_ecc.gpu_ecc_uncorrected_errors) == (7, 1)
    assert without.gpu_ecc_uncorrected_errors == Missing("not supported by this GPU")


def test_the_slowdown_limit_is_found_by_its_margin(nvml: Stage, source: NvmlSource) -> None:
    """Hopper and Blackwell tell only how far the limit is."""
    script = Script().set(0, temperature_celsius=60, temperature_slowdown_celsius=87)
    nvml.play(script.fail("nvmlDeviceGetTemperatureThreshold", "NOT_SUPPORTED"), 0)
    assert only_gpu(source).gpu_temperature_slowdown_celsius == 87.0


def test_an_older_driver_is_asked_by_the_older_names(nvml: Stage, source: NvmlSource) -> None:
    """Temperature and throttle reasons have had other names."""
    script = Script().set(0, temperature_celsius=52, throttle_reasons=0x4 | 0x40)
    script.fail("nvmlDeviceGetTemperatureV", "FUNCTION_NOT_FOUND")
    nvml.play(script.fail("nvmlDeviceGetCurrentClocksEventReasons", "FUNCTION_NOT_FOUND"), 0)
    gpu = only_gpu(source)
    assert gpu.gpu_temperature_celsius == 52.0
    assert gpu.gpu_throttle_reasons == ("power cap", "hardware thermal slowdown")


def test_an_unsupported_function_is_asked_once(nvml: Stage, source: NvmlSource) -> None:
    """Its reason is remembered for as long as the GPU is open."""
    nvml.play(Script().fail("nvmlDeviceGetPerformanceState", "NOT_SUPPORTED"), 0)
    states = [only_gpu(source, seconds).gpu_performance_state for seconds in range(4)]
    assert states == [Missing("not supported by this GPU")] * 4
    assert nvml.calls("nvmlDeviceGetPerformanceState") == 1


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("FUNCTION_NOT_FOUND", "not known to this driver"),
        ("ARGUMENT_VERSION_MISMATCH", "this driver speaks another version of the question"),
    ],
)
def test_an_unknown_function_is_asked_once(nvml: Stage, source: NvmlSource, code: str, text: str) -> None:
    """So is one that the driver does not know, or knows in another version."""
    nvml.play(Script().fail("nvmlDeviceGetPerformanceState", code), 0)
    states = [only_gpu(source, seconds).gpu_performance_state for seconds in range(3)]
    assert states == [Missing(text)] * 3
    assert nvml.calls("nvmlDeviceGetPerformanceState") == 1


@pytest.mark.parametrize("code", ["UNKNOWN", "TIMEOUT", "IN_USE", "NO_PERMISSION", "MEMORY"])
def test_a_passing_error_is_not_remembered(nvml: Stage, source: NvmlSource, code: str) -> None:
    """The next tick asks again and has the value."""
    nvml.play(Script().fail("nvmlDeviceGetPerformanceState", code), 0)
    assert isinstance(only_gpu(source, 0).gpu_performance_state, Missing)
    nvml.play(Script().set(0, performance_state=3), 1)
    assert only_gpu(source, 1).gpu_performance_state == 3


def test_slow_fields_are_asked_every_five_seconds(nvml: Stage, source: NvmlSource) -> None:
    """Fan, limits and the link move slowly; in between the last answer stands."""
    fans = []
    for seconds in range(7):
        nvml.play(Script().set(0, fan_percent=40 + seconds), seconds)
        fans.append(only_gpu(source, seconds).gpu_fan_ratio)
    assert fans == [0.40, 0.40, 0.40, 0.40, 0.40, 0.45, 0.45]
    assert nvml.calls("nvmlDeviceGetFanSpeed") == 2


def test_handles_are_kept_and_identity_is_asked_once(nvml: Stage, source: NvmlSource) -> None:
    """nvmlInit, the handle, name and UUID: once, however long it runs."""
    for seconds in range(20):
        source.read(at(seconds))
    functions = ("nvmlInit_v2", "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetName", "nvmlDeviceGetUUID")
    assert [nvml.calls(function) for function in functions] == [1, 1, 1, 1]


def test_the_slow_pcie_question_is_never_asked(nvml: Stage, source: NvmlSource) -> None:
    """Throughput over 20 ms costs 20 ms: byte counters are read instead."""
    for seconds in range(12):
        source.read(at(seconds))
    assert nvml.calls("nvmlDeviceGetPcieThroughput") == 0


@pytest.mark.parametrize(
    ("select", "found"),
    [((), [0, 1, 2]), (("1",), [1]), (("0", "2"), [0, 2]), (("GPU-B",), [1]), (("gpu-bb11",), [1])],
)
def test_gpus_are_selected_by_index_or_uuid(nvml: Stage, select: tuple[str, ...], found: list[int]) -> None:
    """As CUDA_VISIBLE_DEVICES does it: the beginning of a UUID is enough."""
    script = Script(gpus=3).set(0, uuid="GPU-aa00").set(1, uuid="GPU-bb11").set(2, uuid="GPU-cc22")
    nvml.play(script, 0)
    source = NvmlSource(FixedClock(), select=select, detect_wsl=lambda: False)
    assert [gpu.index for gpu in source.read(at(0)).gpus] == found


def test_a_selection_that_is_not_there_is_said(nvml: Stage) -> None:
    """The sentence tells what there is instead."""
    nvml.play(Script(gpus=2), 0)
    reading = NvmlSource(FixedClock(), select=("7",), detect_wsl=lambda: False).read(at(0))
    assert reading.gpus == ()
    assert reading.driver.text == "no GPU is called 7: there are 2, numbered from 0"


def test_a_hostile_name_does_not_reach_the_screen(nvml: Stage, source: NvmlSource) -> None:
    """Escape sequences are taken out of what the driver calls the GPU."""
    nvml.play(Script().set(0, name="RTX \x1b[31m3060\x07"), 0)
    assert only_gpu(source).name == "RTX 3060"


def test_a_name_that_is_not_utf8_is_replaced(nvml: Stage, source: NvmlSource) -> None:
    """The binding cannot decode it: the GPU is called by its index."""
    script = Script().set(0, name="caf\udce9")
    nvml.play(script, 0)
    assert only_gpu(source).name == "GPU 0"


def test_closing_shuts_the_library_and_reading_opens_it_again(nvml: Stage, source: NvmlSource) -> None:
    """Closing twice is harmless."""
    source.read(at(0))
    source.close()
    source.close()
    assert nvml.calls("nvmlShutdown") == 1
    assert only_gpu(source, 1).name == "NVIDIA GeForce RTX 3060"


def test_the_gpus_of_the_machine_are_counted_whatever_is_selected(nvml: Stage) -> None:
    """A training sees those that are not looked at, too; before the driver was asked nothing is known."""
    nvml.play(Script(gpus=3), 0)
    source = NvmlSource(FixedClock(), select=("1",), detect_wsl=lambda: False)
    before = source.machine_gpus
    source.read(at(0))
    assert (before, source.machine_gpus) == (None, 3)
