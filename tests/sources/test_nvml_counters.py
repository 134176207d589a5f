"""PCIe bytes, throttled time, energy and power, from the counters a GPU keeps."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Missing
from gpumon.sources.nvml import NvmlSource
from tests.nvml_stand_in.stage import FixedClock, Stage, at
from tests.nvml_stand_in.stand_in import Script

pytest_plugins = ("tests.nvml_stand_in.fixtures",)

MILLISECOND_NS = 1_000_000


@pytest.fixture
def source() -> NvmlSource:
    """A source over the stand-in, outside of WSL."""
    return NvmlSource(FixedClock(), detect_wsl=lambda: False)


def only_gpu(source: NvmlSource, seconds: float) -> GpuReading:
    (gpu,) = source.read(at(seconds)).gpus
    return gpu


def still() -> Script:
    """Return a script whose counters move only when they are set."""
    return Script().set(0, pcie_received_bytes_per_second=0, pcie_transmitted_bytes_per_second=0)


def test_bytes_become_a_rate_at_the_second_reading(nvml: Stage, source: NvmlSource) -> None:
    """The first reading has nothing to compare with and says so."""
    nvml.play(still().set(0, pcie_received_bytes=1_000, pcie_transmitted_bytes=10), 0)
    first = only_gpu(source, 0)
    nvml.play(still().set(0, pcie_received_bytes=401_000, pcie_transmitted_bytes=30), 2)
    second = only_gpu(source, 2)
    assert first.gpu_pcie_receive_bytes_per_second == Missing("a rate needs two readings")
    assert second.gpu_pcie_receive_bytes_per_second == pytest.approx(200_000)
    assert second.gpu_pcie_transmit_bytes_per_second == pytest.approx(10)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.integers(2**64 - 2**33, 2**64 - 1), moved=st.integers(0, 2**33))
def test_a_counter_may_wrap(nvml: Stage, before: int, moved: int) -> None:
    """At 2^64 it begins anew: the rate does not show it."""
    nvml.reset()
    source = NvmlSource(FixedClock(), detect_wsl=lambda: False)
    nvml.play(still().set(0, pcie_received_bytes=before), 0)
    only_gpu(source, 0)
    nvml.play(still().set(0, pcie_received_bytes=(before + moved) % 2**64), 1)
    assert only_gpu(source, 1).gpu_pcie_receive_bytes_per_second == pytest.approx(moved)


def test_a_counter_that_was_reset_has_no_rate(nvml: Stage, source: NvmlSource) -> None:
    """More bytes than a PCIe link can move were not moved."""
    nvml.play(still().set(0, pcie_received_bytes=10**12), 0)
    only_gpu(source, 0)
    nvml.play(still().set(0, pcie_received_bytes=0), 1)
    assert only_gpu(source, 1).gpu_pcie_receive_bytes_per_second == Missing("the counter was reset")


def test_throttled_time_is_a_share_of_the_time(nvml: Stage, source: NvmlSource) -> None:
    """Power cap, heat (software and hardware) and power brake apart."""
    nvml.play(still(), 0)
    only_gpu(source, 0)
    nvml.play(
        still().set(
            0,
            throttle_power_nanoseconds=500 * MILLISECOND_NS,
            throttle_software_thermal_nanoseconds=100 * MILLISECOND_NS,
            throttle_hardware_thermal_nanoseconds=100 * MILLISECOND_NS,
            throttle_power_brake_nanoseconds=20 * MILLISECOND_NS,
        ),
        2,
    )
    gpu = only_gpu(source, 2)
    assert gpu.gpu_throttle_power_ratio == pytest.approx(0.25)
    assert gpu.gpu_throttle_thermal_ratio == pytest.approx(0.10)
    assert gpu.gpu_throttle_brake_ratio == pytest.approx(0.01)


def test_an_older_driver_counts_heat_in_one_field(nvml: Stage, source: NvmlSource) -> None:
    """Without the two newer fields the thermal policy's time is taken."""

    def script() -> Script:
        return still().fail("field:269", "INVALID_ARGUMENT").fail("field:270", "INVALID_ARGUMENT")

    nvml.play(script(), 0)
    only_gpu(source, 0)
    nvml.play(script().set(0, throttle_thermal_nanoseconds=300 * MILLISECOND_NS), 1)
    assert only_gpu(source, 1).gpu_throttle_thermal_ratio == pytest.approx(0.3)


def test_a_field_the_gpu_lacks_says_so(nvml: Stage, source: NvmlSource) -> None:
    """The other fields of the same question are read all the same."""
    nvml.play(still().fail("field:198", "NOT_SUPPORTED"), 0)
    only_gpu(source, 0)
    gpu = only_gpu(source, 1)
    assert gpu.gpu_pcie_receive_bytes_per_second == Missing("not supported by this GPU")
    assert gpu.gpu_pcie_transmit_bytes_per_second == 0


def test_a_field_that_fails_in_passing_is_asked_again(nvml: Stage, source: NvmlSource) -> None:
    """A rate is there again two readings later."""
    nvml.play(still().fail("field:198", "UNKNOWN"), 0)
    seen = [only_gpu(source, 0).gpu_pcie_receive_bytes_per_second]
    nvml.play(still(), 1)
    seen += [only_gpu(source, seconds).gpu_pcie_receive_bytes_per_second for seconds in (1, 2)]
    assert seen == [
        Missing("the driver reports an unknown error"),
        Missing("a rate needs two readings"),
        0.0,
    ]


def test_power_and_energy_have_older_questions(nvml: Stage, source: NvmlSource) -> None:
    """Where the fields are not supported the functions are asked."""
    script = still().set(
        0, power_milliwatts=77_000, energy_millijoules=9_000, energy_millijoules_per_second=0
    )
    nvml.play(script.fail("nvmlDeviceGetFieldValues", "FUNCTION_NOT_FOUND"), 0)
    gpu = only_gpu(source, 0)
    assert (gpu.gpu_power_watts, gpu.gpu_energy_joules) == (77.0, 9.0)
    assert gpu.gpu_throttle_power_ratio == Missing("not known to this driver")


def test_one_question_asks_for_all_counters(nvml: Stage, source: NvmlSource) -> None:
    """Once a read and GPU."""
    for seconds in range(3):
        only_gpu(source, seconds)
    assert nvml.calls("nvmlDeviceGetFieldValues") == 3
