"""A GPU's hardware counters (NVML's GPM): SMs, tensor cores and memory bandwidth at work."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.nvml_calls import DriverGoneError, GpuLostError, NvmlCalls, reason
from gpumon.sources.nvml_structs import GpmBuffer

# NVML_GPM_METRIC_* of nvml.h, in percent.
_SM, _ANY_TENSOR, _MEMORY_BANDWIDTH = 2, 5, 10
# One question a second at most, however fast the ticks are (nvml.h: more than 0.1 s between samples).
_LEAST_SECONDS = 0.9
_NO_COUNTERS = Missing("this GPU has no such counters (Hopper and newer, GeForce from Blackwell on)")
_FIRST = Missing("it needs two readings")
_MIG = Missing("not measured while MIG is on")


@dataclass(frozen=True, slots=True)
class GpmReading:
    """Means since the last reading, as shares."""

    sm_busy_ratio: Maybe[float]
    tensor_busy_ratio: Maybe[float]
    memory_bandwidth_ratio: Maybe[float]


class GpmCounters:
    """Reads one GPU's hardware counters; whether it has them is asked once."""

    def __init__(self, calls: NvmlCalls) -> None:
        self._calls = calls
        self._buffer: GpmBuffer | None = None
        self._has_counters = True
        self._taken_at: float | None = None
        self._newest = _nothing(_FIRST)

    def read(self, now: Instant, *, mig: bool) -> GpmReading:
        """Return the counters' means since the last read. Raises GpuLostError and DriverGoneError."""
        if mig:
            return _nothing(_MIG)
        buffer = self._buffer or self._open()
        if isinstance(buffer, Missing):
            return _nothing(buffer)
        taken_at = self._taken_at
        if taken_at is not None and now.monotonic_seconds - taken_at < _LEAST_SECONDS:
            return self._newest
        failed = buffer.sample(self._calls)
        if failed is not None:
            self._taken_at = None
            return _nothing(failed)
        self._taken_at = now.monotonic_seconds
        self._newest = _nothing(_FIRST) if taken_at is None else self._ask(buffer)
        return self._newest

    def forget(self) -> None:
        """Ask anew whether the GPU has counters."""
        self.close()
        self._has_counters = True

    def close(self) -> None:
        """Give back what the driver lent."""
        # A driver or GPU that is gone takes nothing back, and keeps nothing.
        with suppress(GpuLostError, DriverGoneError):
            if self._buffer is not None:
                self._buffer.close(self._calls)
        self._buffer, self._taken_at, self._newest = None, None, _nothing(_FIRST)

    def _open(self) -> Maybe[GpmBuffer]:
        if not self._has_counters:
            return _NO_COUNTERS
        support = self._calls.ask("nvmlGpmQueryDeviceSupport")
        if isinstance(support, Missing):
            return support
        self._has_counters = bool(support.isSupportedDevice)
        if not self._has_counters:
            return _NO_COUNTERS
        buffer = GpmBuffer((_SM, _ANY_TENSOR, _MEMORY_BANDWIDTH))
        failed = buffer.open(self._calls)
        if failed is not None:
            buffer.close(self._calls)
            return failed
        self._buffer = buffer
        return buffer

    def _ask(self, buffer: GpmBuffer) -> GpmReading:
        answer = buffer.ask(self._calls)
        if isinstance(answer, Missing):
            return _nothing(answer)
        found = {metric: _ratio(result, percent) for metric, result, percent in answer}
        return GpmReading(found[_SM], found[_ANY_TENSOR], found[_MEMORY_BANDWIDTH])


def _nothing(missing: Missing) -> GpmReading:
    return GpmReading(missing, missing, missing)


def _ratio(result: int, percent: float) -> Maybe[float]:
    if result != 0:
        return reason(result)
    # Rounding may end a little above 100 %.
    if not math.isfinite(percent) or not 0 <= percent < 101:
        return Missing(f"the driver reports {percent:.0f} %")
    return min(1.0, percent / 100)
