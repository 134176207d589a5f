"""Throughput and busy time of whole disks from /proc/diskstats."""

from __future__ import annotations

import re
from typing import NamedTuple

from gpumon.model.clock import Instant
from gpumon.model.host import DiskReading
from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean
from gpumon.sources.proc_file import KeptFile

_SECTOR_BYTES = 512  # always, whatever the device's own sector size (Documentation/admin-guide/iostats.rst)
# Devices that stand on others (dm, md, loop), that are memory (ram, zram), or that are a second path to
# a device that is listed anyway (nvme0c0n1): counting them too would count their I/O twice.
_NOT_WHOLE = re.compile(r"(loop|ram|zram|dm-|md|sr|fd)\d|nvme\d+c\d+n\d+")
_SIZE_LIMIT = 256 * 1024


class DiskCounters(NamedTuple):
    """Counters of one device since boot."""

    sectors_read: int
    sectors_written: int
    busy_milliseconds: int


def parse_diskstats(data: bytes) -> dict[str, DiskCounters]:
    """Parse /proc/diskstats to the whole disks that have ever done I/O."""
    every: dict[str, DiskCounters] = {}
    for line in data.split(b"\n")[:-1]:
        fields = line.split()
        try:
            name = clean(fields[2].decode("utf-8", "surrogateescape"), limit=64)
            every[name] = DiskCounters(int(fields[5]), int(fields[9]), int(fields[12]))
        except (ValueError, IndexError):
            continue
    return {
        name: counters
        for name, counters in every.items()
        if any(counters) and not _NOT_WHOLE.match(name) and not _is_partition(name, every)
    }


def _is_partition(name: str, names: dict[str, DiskCounters]) -> bool:
    """Tell whether `name` is another listed device's name with a partition number: sda1, nvme0n1p2."""
    stem = name.rstrip("0123456789")
    if stem == name:
        return False
    if stem in names:
        return not stem[-1:].isdigit()
    return stem.endswith("p") and stem[-2:-1].isdigit() and stem[:-1] in names


class DiskSource:
    """Rates of whole disks since the last reading, from one kept descriptor."""

    def __init__(self, proc_root: str = "/proc") -> None:
        self._file = KeptFile(f"{proc_root}/diskstats", _SIZE_LIMIT)
        self._previous: tuple[float, dict[str, DiskCounters]] | None = None

    def read(self, now: Instant) -> Maybe[tuple[DiskReading, ...]]:
        """Return the disks in the kernel's order; one that has just been plugged in comes a reading later."""
        data = self._file.read()
        if isinstance(data, Missing):
            return data
        counters = parse_diskstats(data)
        previous, self._previous = self._previous, (now.monotonic_seconds, counters)
        if previous is None:
            return Missing("needs two readings")
        seconds = now.monotonic_seconds - previous[0]
        if seconds <= 0:
            return Missing("no time has passed since the last reading")
        return tuple(
            _reading(name, previous[1][name], after, seconds)
            for name, after in counters.items()
            if name in previous[1]
        )

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()


def _reading(name: str, before: DiskCounters, after: DiskCounters, seconds: float) -> DiskReading:
    # Counters may wrap at 32 bits (iostats.rst): a step back counts as zero.
    read = max(0, after.sectors_read - before.sectors_read) * _SECTOR_BYTES
    written = max(0, after.sectors_written - before.sectors_written) * _SECTOR_BYTES
    busy = max(0, after.busy_milliseconds - before.busy_milliseconds) / 1000
    return DiskReading(name, read / seconds, written / seconds, min(1.0, busy / seconds))
