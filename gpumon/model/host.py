"""What the machine, and the cgroup of a training, say at one instant."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.measure import Maybe, Missing

_UNREAD = Missing("not read")


@dataclass(frozen=True, slots=True)
class CoreReading:
    """One logical core: shares of the time since the last reading."""

    core: int
    cpu_busy_ratio: float
    cpu_iowait_ratio: float
    cpu_steal_ratio: float


@dataclass(frozen=True, slots=True)
class MemoryReading:
    """Memory of the host, in bytes."""

    memory_total_bytes: int
    memory_available_bytes: int
    memory_used_bytes: int
    swap_total_bytes: int
    swap_used_bytes: int


@dataclass(frozen=True, slots=True)
class PressureReading:
    """Pressure stall information: share of the time since the last reading in which tasks stalled.

    `some`: at least one task; `full`: all of them. Source: /proc/pressure (docs.kernel.org, psi).
    """

    cpu_some_ratio: Maybe[float] = _UNREAD
    io_some_ratio: Maybe[float] = _UNREAD
    io_full_ratio: Maybe[float] = _UNREAD
    memory_some_ratio: Maybe[float] = _UNREAD
    memory_full_ratio: Maybe[float] = _UNREAD


@dataclass(frozen=True, slots=True)
class DiskReading:
    """One block device (whole disks only)."""

    name: str
    disk_read_bytes_per_second: float
    disk_write_bytes_per_second: float
    disk_busy_ratio: float


@dataclass(frozen=True, slots=True)
class CoreDomain:
    """The online cores that share a last-level cache, as the kernel lists cores: `0-7,128-135`.

    `node` is their NUMA node, None where it is not known.
    """

    cores: str
    node: int | None = None


@dataclass(frozen=True, slots=True)
class HostReading:
    """The machine at one instant; `physical_cores` and `core_domains` are missing where that is hidden."""

    cpu_busy_ratio: Maybe[float]
    cores: Maybe[tuple[CoreReading, ...]]
    memory: Maybe[MemoryReading]
    pressure: PressureReading = PressureReading()
    disks: Maybe[tuple[DiskReading, ...]] = _UNREAD
    physical_cores: Maybe[int] = _UNREAD
    load_1_minute: Maybe[float] = _UNREAD
    core_domains: Maybe[tuple[CoreDomain, ...]] = _UNREAD


@dataclass(frozen=True, slots=True)
class CgroupReading:
    """The cgroup of a training: the tightest limit on its path up to the root.

    `cpu_quota_cores` and `memory_limit_bytes` are None where there is no limit.
    `cpu_throttled_ratio` is throttled periods per period since the last reading.
    """

    version: int
    path: str
    cpu_quota_cores: Maybe[float | None] = _UNREAD
    cpu_throttled_ratio: Maybe[float] = _UNREAD
    memory_limit_bytes: Maybe[int | None] = _UNREAD
    memory_used_bytes: Maybe[int] = _UNREAD
    memory_oom_kills: Maybe[int] = _UNREAD


@dataclass(frozen=True, slots=True)
class SharedMemoryReading:
    """The /dev/shm that a training sees, in bytes."""

    shm_total_bytes: int
    shm_free_bytes: int
