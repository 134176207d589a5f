"""Pressure stall information of the host."""

from __future__ import annotations

import re

from gpumon.model.clock import Instant
from gpumon.model.host import PressureReading
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.proc_file import Absent, KeptFile

_TOTAL = re.compile(rb"^(some|full) [^\n]*\btotal=(\d{1,20})$", re.MULTILINE)


def parse_pressure(data: bytes) -> dict[str, int]:
    """Parse a file of /proc/pressure to microseconds stalled since boot, by "some" and "full"."""
    return {kind.decode(): int(total) for kind, total in _TOTAL.findall(data)}


class PressureSource:
    """Shares of time in which tasks stalled, from the `total=` counters.

    The kernel's own avg10 lags by ten seconds; the counters give the interval itself.
    Source: docs.kernel.org/accounting/psi.html.
    """

    def __init__(self, proc_root: str = "/proc") -> None:
        self._files = {
            name: KeptFile(f"{proc_root}/pressure/{name}", 256) for name in ("cpu", "io", "memory")
        }
        self._previous: dict[str, tuple[float, dict[str, int]]] = {}

    def read(self, now: Instant) -> PressureReading:
        """Return the shares of the time since the last reading."""
        cpu = self._ratios("cpu", now)
        io = self._ratios("io", now)
        memory = self._ratios("memory", now)
        return PressureReading(
            cpu_some_ratio=_of(cpu, "some"),
            io_some_ratio=_of(io, "some"),
            io_full_ratio=_of(io, "full"),
            memory_some_ratio=_of(memory, "some"),
            memory_full_ratio=_of(memory, "full"),
        )

    def close(self) -> None:
        """Give the descriptors back."""
        for file in self._files.values():
            file.close()

    def _ratios(self, name: str, now: Instant) -> Maybe[dict[str, float]]:
        data = self._files[name].read()
        if isinstance(data, Absent):
            return Missing("this kernel keeps no pressure information (no /proc/pressure)")
        if isinstance(data, Missing):
            return data
        totals = parse_pressure(data)
        previous = self._previous.get(name)
        self._previous[name] = (now.monotonic_seconds, totals)
        if previous is None:
            return Missing("needs two readings")
        seconds = now.monotonic_seconds - previous[0]
        if seconds <= 0:
            return Missing("no time has passed since the last reading")
        return {
            kind: min(1.0, max(0, total - previous[1][kind]) / 1e6 / seconds)
            for kind, total in totals.items()
            if kind in previous[1]
        }


def _of(ratios: Maybe[dict[str, float]], kind: str) -> Maybe[float]:
    if isinstance(ratios, Missing):
        return ratios
    return ratios.get(kind, Missing("this kernel does not report it"))
