"""The cgroup of a training: CPU quota, throttling, memory limit and use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from gpumon.model.clock import Instant
from gpumon.model.host import CgroupReading
from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean
from gpumon.sources.cgroup_path import find_levels, parse_mounts, parse_paths
from gpumon.sources.proc_file import Absent, Denied, KeptFile, read_file

N = TypeVar("N", int, float)

_LOOK_UP_SECONDS = 5.0
_MOUNTINFO_LIMIT = 1024 * 1024
_FILE_LIMIT = 16 * 1024
# v1 says "no limit" as the largest multiple of a page below 2^63.
_NO_LIMIT_BYTES = 1 << 60


@dataclass(frozen=True, slots=True)
class Throttling:
    """cpu.stat: periods in which the cgroup wanted to run, and those in which it was throttled."""

    periods: int
    throttled: int


def parse_quota(data: bytes) -> Maybe[float | None]:
    """Parse v2's cpu.max, or v1's quota and period with a space between, to cores; None for no limit."""
    words = data.split()
    try:
        if words[0] in (b"max", b"-1"):
            return None
        quota, period = int(words[0]), int(words[1])
    except (ValueError, IndexError):
        return Missing("its CPU quota could not be understood")
    return quota / period if quota > 0 and period > 0 else Missing("its CPU quota could not be understood")


def parse_flat(data: bytes) -> dict[bytes, int]:
    """Parse a flat keyed file (cpu.stat, memory.events, memory.stat)."""
    words = data.split()
    return {
        key: int(value)
        for key, value in zip(words[::2], words[1::2], strict=False)
        if value.isdigit() and len(value) <= 20
    }


def parse_limit(data: bytes) -> int | None:
    """Parse memory.max or memory.limit_in_bytes, or None for no limit."""
    word = data.strip()
    if not word.isdigit() or len(word) > 20:
        return None
    return int(word) if int(word) < _NO_LIMIT_BYTES else None


class _Cpu:
    """The quotas on the path of a process. Throttling is counted by the very cgroup that has the quota."""

    def __init__(self, version: int, path: str, levels: tuple[str, ...]) -> None:
        self.version = version
        self.path = path
        quotas = {level: _quota(version, level) for level in levels}
        self.quota: Maybe[float | None] = _tightest(list(quotas.values()))
        self._files = [
            KeptFile(f"{level}/cpu.stat", _FILE_LIMIT)
            for level, quota in quotas.items()
            if isinstance(quota, float)
        ]
        self._previous: list[Maybe[Throttling]] = []

    def is_like(self, other: _Cpu) -> bool:
        """Tell whether the process is in the same cgroup under the same quota."""
        return self.path == other.path and self.quota == other.quota

    def throttled(self) -> Maybe[float]:
        """Return throttled periods per period since the last call, of the quota that throttles most."""
        if isinstance(self.quota, Missing):
            return self.quota
        if self.quota is None:
            return 0.0
        counters = [_throttling(file.read()) for file in self._files]
        previous, self._previous = self._previous, counters
        if not previous:
            return Missing("needs two readings")
        ratios: list[float] = []
        for before, after in zip(previous, counters, strict=True):
            if isinstance(before, Missing) or isinstance(after, Missing):
                continue
            periods = after.periods - before.periods
            throttled = max(0, after.throttled - before.throttled)
            # A group that did not run counts no periods and was not throttled.
            ratios.append(min(1.0, throttled / periods) if periods > 0 else 0.0)
        return max(ratios) if ratios else Missing("the kernel does not count throttling here")

    def close(self) -> None:
        for file in self._files:
            file.close()


class _Memory:
    """The memory limits on the path of a process, and the use at the level with the tightest one."""

    def __init__(self, version: int, path: str, levels: tuple[str, ...]) -> None:
        self.version = version
        self.path = path
        name = "memory.max" if version == 2 else "memory.limit_in_bytes"
        limits = {level: _read_limit(f"{level}/{name}") for level in levels}
        self.limit: Maybe[int | None] = _tightest(list(limits.values()))
        at = next((level for level, limit in limits.items() if limit == self.limit and limit), levels[0])
        used = "memory.current" if version == 2 else "memory.usage_in_bytes"
        self._used = KeptFile(f"{at}/{used}", 64)
        cache = parse_flat(_bytes(read_file(f"{at}/memory.stat", _FILE_LIMIT)))
        self._cache_bytes = cache.get(b"inactive_file" if version == 2 else b"total_inactive_file", 0)
        self._events = KeptFile(
            f"{levels[0]}/{'memory.events' if version == 2 else 'memory.oom_control'}", _FILE_LIMIT
        )

    def used(self) -> Maybe[int]:
        data = self._used.read()
        if isinstance(data, Missing):
            return Missing("its cgroup keeps no account of memory") if isinstance(data, Absent) else data
        used = parse_limit(data)
        if used is None:
            return Missing("its memory use could not be understood")
        return max(0, used - self._cache_bytes)

    def oom_kills(self) -> Maybe[int]:
        data = self._events.read()
        if isinstance(data, Absent):
            return Missing("its cgroup does not count kills")
        if isinstance(data, Missing):
            return data
        return parse_flat(data).get(b"oom_kill", Missing("this kernel does not count kills"))

    def close(self) -> None:
        self._used.close()
        self._events.close()


class CgroupSource:
    """Reads the cgroup of one process, which is that of its training.

    Limits and throttling are the tightest over all levels up to the root of what is mounted here.
    Memory used is that of the level with the tightest limit, without inactive page cache (as the
    kubelet's working set: the kernel drops that before it kills; a DataLoader fills the rest of any limit
    with pages of the dataset). The kills are those of its own cgroup and what is below. Where the process
    is, limits and page cache are looked up every 5 s, the rest at every reading.
    """

    def __init__(self, pid: int, proc_root: str = "/proc") -> None:
        self._pid = pid
        self._root = proc_root
        self._due_seconds = float("-inf")
        self._found: bytes = b""
        self._cpu: Maybe[_Cpu] = Missing("not read")
        self._memory: Maybe[_Memory] = Missing("not read")

    def read(self, now: Instant) -> Maybe[CgroupReading]:
        """Return limits and use at `now`; throttling is since the last reading."""
        if now.monotonic_seconds >= self._due_seconds:
            missing = self._look_up()
            if missing is not None:
                return missing
            self._due_seconds = now.monotonic_seconds + _LOOK_UP_SECONDS
        cpu, memory = self._cpu, self._memory
        shown = _shown(cpu, memory)
        if isinstance(shown, Missing):
            return shown
        return CgroupReading(
            version=shown.version,
            path=clean(shown.path, limit=1024),
            cpu_quota_cores=cpu if isinstance(cpu, Missing) else cpu.quota,
            cpu_throttled_ratio=cpu if isinstance(cpu, Missing) else cpu.throttled(),
            memory_limit_bytes=memory if isinstance(memory, Missing) else memory.limit,
            memory_used_bytes=memory if isinstance(memory, Missing) else memory.used(),
            memory_oom_kills=memory if isinstance(memory, Missing) else memory.oom_kills(),
        )

    def close(self) -> None:
        """Give the descriptors back."""
        for part in (self._cpu, self._memory):
            if not isinstance(part, Missing):
                part.close()
        self._due_seconds = float("-inf")

    def _look_up(self) -> Missing | None:
        data = read_file(f"{self._root}/{self._pid}/cgroup", _FILE_LIMIT)
        if isinstance(data, Missing):
            self.close()
            return Missing("the process is gone") if isinstance(data, Absent) else data
        mounts = parse_mounts(_bytes(read_file(f"{self._root}/self/mountinfo", _MOUNTINFO_LIMIT)))
        paths = parse_paths(data)
        cpu, memory = find_levels("cpu", paths, mounts), find_levels("memory", paths, mounts)
        old_cpu, old_memory = self._cpu, self._memory
        self._memory = memory if isinstance(memory, Missing) else _Memory(*memory)
        if not isinstance(old_memory, Missing):
            old_memory.close()
        fresh = cpu if isinstance(cpu, Missing) else _Cpu(*cpu)
        if not isinstance(old_cpu, Missing):
            if not isinstance(fresh, Missing) and fresh.is_like(old_cpu):
                return None  # go on with the counters of the last reading
            old_cpu.close()
        self._cpu = fresh
        return None


def _shown(cpu: Maybe[_Cpu], memory: Maybe[_Memory]) -> Maybe[_Cpu | _Memory]:
    """Return the part whose path is shown: v1 has one for CPU and one for memory."""
    if isinstance(cpu, Missing):
        return memory
    if isinstance(memory, Missing) or isinstance(cpu.quota, float) or len(cpu.path) >= len(memory.path):
        return cpu
    return memory


def _quota(version: int, level: str) -> Maybe[float | None]:
    if version == 2:
        data = read_file(f"{level}/cpu.max", 128)
        return _unless_absent(data) if isinstance(data, Missing) else parse_quota(data)
    quota = read_file(f"{level}/cpu.cfs_quota_us", 64)
    period = read_file(f"{level}/cpu.cfs_period_us", 64)
    if isinstance(quota, Missing) or isinstance(period, Missing):
        return _unless_absent(quota if isinstance(quota, Missing) else period)
    return parse_quota(quota + b" " + period)


def _read_limit(path: str) -> Maybe[int | None]:
    data = read_file(path, 64)
    return _unless_absent(data) if isinstance(data, Missing) else parse_limit(data)


def _unless_absent(data: Maybe[bytes]) -> Missing | None:
    """Return None for a file that is not there: the root, or a level without the controller, has no limit."""
    if isinstance(data, Absent) or not isinstance(data, Missing):
        return None
    return Missing("no permission to read its cgroup") if isinstance(data, Denied) else data


def _tightest(values: list[Maybe[N | None]]) -> Maybe[N | None]:
    known = [value for value in values if value is not None and not isinstance(value, Missing)]
    if known:
        return min(known)
    return next((value for value in values if isinstance(value, Missing)), None)


def _throttling(data: Maybe[bytes]) -> Maybe[Throttling]:
    if isinstance(data, Missing):
        return data
    values = parse_flat(data)
    if b"nr_periods" not in values or b"nr_throttled" not in values:
        return Missing("the kernel does not count throttling here")
    return Throttling(values[b"nr_periods"], values[b"nr_throttled"])


def _bytes(data: Maybe[bytes]) -> bytes:
    return b"" if isinstance(data, Missing) else data
