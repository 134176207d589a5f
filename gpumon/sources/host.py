"""The machine: cores, memory, pressure, disks."""

from __future__ import annotations

from gpumon.model.clock import Instant
from gpumon.model.core_list import MOST_CORES
from gpumon.model.host import CoreDomain, CoreReading, HostReading, MemoryReading
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.core_domains import read_core_domains
from gpumon.sources.core_times import CoreSource
from gpumon.sources.disks import DiskSource
from gpumon.sources.pressure import PressureSource
from gpumon.sources.proc_file import KeptFile, read_file

_MEMORY_KEYS = frozenset(
    {b"MemTotal", b"MemFree", b"MemAvailable", b"Buffers", b"Cached", b"SwapTotal", b"SwapFree"}
)


def parse_memory(data: bytes) -> Maybe[MemoryReading]:
    """Parse /proc/meminfo. Used is total minus available.

    Kernels before 3.14 do not say what is available: there it is free + buffers + cached, as free(1) did.
    """
    values: dict[bytes, int] = {}
    for line in data.split(b"\n"):
        key, _, rest = line.partition(b":")
        if key not in _MEMORY_KEYS:
            continue
        words = rest.split()
        if words and words[0].isdigit() and len(words[0]) <= 20:
            values[key] = int(words[0]) * 1024
            # What is asked for stands in the first third.
            if len(values) == len(_MEMORY_KEYS):
                break
    total = values.get(b"MemTotal")
    if total is None:
        return Missing("/proc/meminfo does not say how much memory there is")
    estimate = sum(values.get(key, 0) for key in (b"MemFree", b"Buffers", b"Cached"))
    available = min(total, values.get(b"MemAvailable", estimate))
    swap_total = values.get(b"SwapTotal", 0)
    swap_free = min(swap_total, values.get(b"SwapFree", swap_total))
    return MemoryReading(total, available, total - available, swap_total, swap_total - swap_free)


def count_physical_cores(cores: tuple[int, ...], sys_root: str = "/sys") -> Maybe[int]:
    """Return how many physical cores the logical cores `cores` are, by their lists of siblings."""
    siblings: set[bytes] = set()
    for core in cores[:MOST_CORES]:
        path = f"{sys_root}/devices/system/cpu/cpu{core}/topology/thread_siblings_list"
        listed = read_file(path, 4096)
        if isinstance(listed, Missing) or not listed.strip():
            return Missing("the topology of the cores is hidden")
        siblings.add(listed.strip())
    return len(siblings) if siblings else Missing("the cores are not known")


class HostSource:
    """Reads the machine through kept descriptors. Ratios and rates are since the last reading."""

    def __init__(self, proc_root: str = "/proc", sys_root: str = "/sys") -> None:
        self._sys_root = sys_root
        self._cores = CoreSource(proc_root)
        self._pressure = PressureSource(proc_root)
        self._disks = DiskSource(proc_root)
        self._memory = KeptFile(f"{proc_root}/meminfo", 16 * 1024)
        self._load = KeptFile(f"{proc_root}/loadavg", 256)
        self._counted: tuple[int, ...] = ()
        self._physical_cores: Maybe[int] = Missing("the cores are not known")
        self._domains: Maybe[tuple[CoreDomain, ...]] = Missing("the cores are not known")

    def read(self, now: Instant) -> HostReading:
        """Return the machine at `now`. The first reading has no ratios and rates yet."""
        cores = self._cores.read()
        return HostReading(
            cpu_busy_ratio=_mean_busy(cores),
            cores=cores,
            memory=self._read_memory(),
            pressure=self._pressure.read(now),
            disks=self._disks.read(now),
            physical_cores=self._count(),
            load_1_minute=self._read_load(),
            core_domains=self._domains,
        )

    def close(self) -> None:
        """Give the descriptors back."""
        for part in (self._cores, self._pressure, self._disks, self._memory, self._load):
            part.close()

    def _read_memory(self) -> Maybe[MemoryReading]:
        data = self._memory.read()
        return data if isinstance(data, Missing) else parse_memory(data)

    def _read_load(self) -> Maybe[float]:
        data = self._load.read()
        if isinstance(data, Missing):
            return data
        try:
            return float(data.split()[0])
        except (ValueError, IndexError):
            return Missing("/proc/loadavg could not be understood")

    def _count(self) -> Maybe[int]:
        """Return the number of physical cores; topology is read anew only when cores come or go."""
        online = self._cores.online
        if online != self._counted:
            self._counted = online
            self._physical_cores = count_physical_cores(online, self._sys_root)
            self._domains = read_core_domains(online, self._sys_root)
        return self._physical_cores


def _mean_busy(cores: Maybe[tuple[CoreReading, ...]]) -> Maybe[float]:
    if isinstance(cores, Missing):
        return cores
    return sum(core.cpu_busy_ratio for core in cores) / len(cores)
