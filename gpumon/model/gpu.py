"""What one GPU and its driver say at one instant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gpumon.model.measure import Maybe, Missing

_UNREAD = Missing("not read")


class GpuState(str, Enum):
    """Whether a GPU answers."""

    OK = "ok"
    LOST = "lost"
    UNREADABLE = "unreadable"


class DriverState(str, Enum):
    """Whether the driver answers, and if not, why."""

    OK = "ok"
    ABSENT = "absent"
    NOT_LOADED = "not-loaded"
    MISMATCHED = "mismatched"
    NO_PERMISSION = "no-permission"
    NO_GPUS = "no-gpus"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DriverReading:
    """The driver: its state, a sentence about it, and versions."""

    state: DriverState
    text: str = ""
    driver_version: Maybe[str] = _UNREAD
    cuda_version: Maybe[str] = _UNREAD
    is_wsl: bool = False
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class BusySample:
    """One entry of the driver's utilisation buffer: Unix seconds of its end, and the busy ratio."""

    unix_seconds: float
    gpu_busy_ratio: float


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that has a context on a GPU.

    `pid` is in gpumon's own PID namespace; `note` says so where it could not be mapped to it.
    """

    pid: int
    gpu_memory_used_bytes: Maybe[int]
    gpu_busy_ratio: Maybe[float] = _UNREAD
    kind: str = "compute"
    note: str = ""


@dataclass(frozen=True, slots=True)
class GpuSlice:
    """A MIG device: a part of a GPU with memory and processes of its own, in bytes.

    `pids` are the processes that compute in it, in gpumon's own PID namespace. `reserved` is what the driver
    keeps of it, `used` excludes that.
    """

    uuid: str
    gpu_memory_used_bytes: Maybe[int]
    gpu_memory_reserved_bytes: Maybe[int]
    gpu_memory_total_bytes: Maybe[int]
    pids: Maybe[tuple[int, ...]] = _UNREAD


@dataclass(frozen=True, slots=True)
class GpuReading:
    """Everything one GPU says at one instant, in base units.

    `gpu_busy_ratio` is the mean over the time since the last reading; `busy_samples` are the driver's
    own finer samples in that time (may be empty). Throttle ratios are shares of the time since the last
    reading. Memory is NVML's v2: `used` excludes what the driver reserves.
    `gpu_sm_busy_ratio`, `gpu_tensor_busy_ratio` and `gpu_memory_bandwidth_ratio` are by hardware counters
    (NVML's GPM): the share of SMs at work, of their time in tensor operations, of the peak bandwidth.
    `slices` are its MIG devices, none where it is not divided or they may not be read.
    """

    index: int
    uuid: str
    name: str
    state: GpuState = GpuState.OK
    simulated: bool = False
    gpu_busy_ratio: Maybe[float] = _UNREAD
    busy_samples: tuple[BusySample, ...] = ()
    busy_sample_period_seconds: Maybe[float] = _UNREAD
    gpu_busy_source: str = "nvml"
    gpu_memory_busy_ratio: Maybe[float] = _UNREAD
    gpu_sm_busy_ratio: Maybe[float] = _UNREAD
    gpu_tensor_busy_ratio: Maybe[float] = _UNREAD
    gpu_memory_bandwidth_ratio: Maybe[float] = _UNREAD
    gpu_memory_used_bytes: Maybe[int] = _UNREAD
    gpu_memory_reserved_bytes: Maybe[int] = _UNREAD
    gpu_memory_total_bytes: Maybe[int] = _UNREAD
    processes: Maybe[tuple[GpuProcess, ...]] = _UNREAD
    slices: tuple[GpuSlice, ...] = ()
    gpu_temperature_celsius: Maybe[float] = _UNREAD
    gpu_temperature_slowdown_celsius: Maybe[float] = _UNREAD
    gpu_power_watts: Maybe[float] = _UNREAD
    gpu_power_limit_watts: Maybe[float] = _UNREAD
    gpu_energy_joules: Maybe[float] = _UNREAD
    gpu_sm_clock_hertz: Maybe[float] = _UNREAD
    gpu_sm_clock_max_hertz: Maybe[float] = _UNREAD
    gpu_memory_clock_hertz: Maybe[float] = _UNREAD
    gpu_fan_ratio: Maybe[float] = _UNREAD
    gpu_pcie_generation: Maybe[int] = _UNREAD
    gpu_pcie_generation_max: Maybe[int] = _UNREAD
    gpu_pcie_width: Maybe[int] = _UNREAD
    gpu_pcie_width_max: Maybe[int] = _UNREAD
    gpu_pcie_receive_bytes_per_second: Maybe[float] = _UNREAD
    gpu_pcie_transmit_bytes_per_second: Maybe[float] = _UNREAD
    gpu_throttle_power_ratio: Maybe[float] = _UNREAD
    gpu_throttle_thermal_ratio: Maybe[float] = _UNREAD
    gpu_throttle_brake_ratio: Maybe[float] = _UNREAD
    gpu_throttle_reasons: Maybe[tuple[str, ...]] = _UNREAD
    gpu_ecc_corrected_errors: Maybe[int] = _UNREAD
    gpu_ecc_uncorrected_errors: Maybe[int] = _UNREAD
    gpu_performance_state: Maybe[int] = _UNREAD
    gpu_mig_mode: Maybe[bool] = _UNREAD
    gpu_compute_capability: Maybe[tuple[int, int]] = _UNREAD


@dataclass(frozen=True, slots=True)
class GpusReading:
    """The driver and all its GPUs at one instant."""

    driver: DriverReading
    gpus: tuple[GpuReading, ...] = ()
