"""Per-core busy, iowait and steal time from /proc/stat."""

from __future__ import annotations

from typing import NamedTuple

from gpumon.model.host import CoreReading
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.proc_file import KeptFile

# 900 cores; the kernel's cpu lines come first, and what follows (interrupts) may be far longer.
_SIZE_LIMIT = 64 * 1024


class CoreTimes(NamedTuple):
    """Clock ticks of one core since boot: running, idle, idle with I/O outstanding, stolen.

    `busy` is user + nice + system + irq + softirq. Guest time is left out: the kernel counts it in user
    and nice already (account_guest_time in kernel/sched/cputime.c).
    """

    busy: int
    idle: int
    iowait: int
    steal: int


def parse_core_times(data: bytes) -> dict[int, CoreTimes]:
    """Parse the cpuN lines of /proc/stat; a line that is cut or not understood is left out."""
    cores: dict[int, CoreTimes] = {}
    for line in data.split(b"\n")[:-1]:
        if not line.startswith(b"cpu"):
            break
        fields = line.split()
        try:
            core = int(fields[0][3:])
            user, nice, system, idle = map(int, fields[1:5])
            iowait, irq, softirq, steal = (*map(int, fields[5:9]), 0, 0, 0, 0)[:4]
        except ValueError:
            continue  # the sum line "cpu", or garbage
        cores[core] = CoreTimes(user + nice + system + irq + softirq, idle, iowait, steal)
    return cores


class CoreSource:
    """Shares of time of every core since the last reading, from one kept descriptor."""

    def __init__(self, proc_root: str = "/proc") -> None:
        self._file = KeptFile(f"{proc_root}/stat", _SIZE_LIMIT)
        self._previous: dict[int, CoreTimes] | None = None

    def read(self) -> Maybe[tuple[CoreReading, ...]]:
        """Return the online cores in order.

        A core that has just come online is left out until its second reading. Counters may go back by a
        little (iowait does, says proc_stat(5)): such a step counts as zero.
        """
        data = self._file.read()
        if isinstance(data, Missing):
            return data
        times = parse_core_times(data)
        if not times:
            return Missing("/proc/stat lists no cores")
        previous, self._previous = self._previous, times
        if previous is None:
            return Missing("needs two readings")
        cores = tuple(
            _reading(core, previous[core], times[core]) for core in sorted(times) if core in previous
        )
        known = tuple(core for core in cores if core is not None)
        return known or Missing("no core has counted any time since the last reading")

    @property
    def online(self) -> tuple[int, ...]:
        """The cores of the newest reading, in order."""
        return tuple(sorted(self._previous or ()))

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()


def _reading(core: int, before: CoreTimes, after: CoreTimes) -> CoreReading | None:
    busy = max(0, after.busy - before.busy)
    idle = max(0, after.idle - before.idle)
    iowait = max(0, after.iowait - before.iowait)
    steal = max(0, after.steal - before.steal)
    total = busy + idle + iowait + steal
    if not total:
        return None
    return CoreReading(core, busy / total, iowait / total, steal / total)
