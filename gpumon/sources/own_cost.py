"""What gpumon itself costs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.sample import SelfReading
from gpumon.sources.proc_file import KeptFile


class OwnCostSource:
    """Reads gpumon's own CPU time (all threads, children excluded) and resident memory, in about 2 us."""

    def __init__(
        self, proc_root: str = "/proc", cpu_seconds: Callable[[], float] = time.process_time
    ) -> None:
        self._statm = KeptFile(f"{proc_root}/self/statm", 256)
        self._cpu_seconds = cpu_seconds
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._previous: tuple[float, float] | None = None

    def read(self, now: Instant) -> SelfReading:
        """Return cores used since the last reading, and bytes resident now."""
        return SelfReading(self._cpu(now), self._memory())

    def close(self) -> None:
        """Give the descriptor back."""
        self._statm.close()

    def _cpu(self, now: Instant) -> Maybe[float]:
        used = self._cpu_seconds()
        previous, self._previous = self._previous, (now.monotonic_seconds, used)
        if previous is None:
            return Missing("needs two readings")
        seconds = now.monotonic_seconds - previous[0]
        if seconds <= 0:
            return Missing("no time has passed since the last reading")
        return max(0.0, used - previous[1]) / seconds

    def _memory(self) -> Maybe[int]:
        data = self._statm.read()
        if isinstance(data, Missing):
            return data
        try:
            return int(data.split()[1]) * self._page_bytes
        except (ValueError, IndexError):
            return Missing("its statm file could not be understood")
