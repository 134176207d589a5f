"""A virtual GPU as a source: the same readings as a real one, labelled simulated."""

from __future__ import annotations

import math

from gpumon.model.clock import Instant
from gpumon.model.gpu import (
    BusySample,
    DriverReading,
    DriverState,
    GpuProcess,
    GpuReading,
    GpusReading,
    GpuState,
)
from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean
from gpumon.sources.proc_file import read_file
from gpumon.sources.thread_state import state_letter
from gpumon.sources.timeline import TimelineError, TimelineHeader, TimelineReader

# Finer than the tick, like a driver's own buffer (help of nvidia-smi: 1/6 s to 1 s by the product).
_PERIOD_SECONDS = 1 / 6
_NOT_SIMULATED = Missing("not simulated")


class VirtualGpuSource:
    """Reads the timeline file of one virtual GPU."""

    def __init__(self, path: str, index: int = 0) -> None:
        """Prepare to read `path`; the file may appear later."""
        self._path = path
        self._index = index
        self._reader: TimelineReader | None = None
        self._since = 0
        self._previous: Instant | None = None
        self._carried: list[tuple[float, float]] = []

    def read(self, now: Instant) -> GpusReading:
        """Return the virtual GPU at `now`; the driver's state says why if there is none."""
        try:
            if self._reader is None:
                self._reader = TimelineReader(self._path)
            header = self._reader.header()
            lives = _lives(header.pid)
            if not lives and self._reader.is_replaced():
                self.close()
                self._reader = TimelineReader(self._path)
                header = self._reader.header()
                lives = _lives(header.pid)
            fresh = self._reader.intervals(self._since, header)
        except TimelineError as error:
            self.close()
            text = f"the virtual GPU's timeline {error}"
            return GpusReading(DriverReading(DriverState.FAILED, text, simulated=True))
        self._since = header.written
        busy, samples = self._busy(now, fresh, header.busy_since if lives else 0.0)
        self._previous = now
        driver = DriverReading(
            DriverState.OK, "virtual GPU, simulated", "simulated", "simulated", simulated=True
        )
        return GpusReading(driver, (self._reading(header, busy, samples, lives=lives),))

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        self._since = 0

    def _busy(
        self, now: Instant, fresh: list[tuple[float, float]], busy_since: float
    ) -> tuple[Maybe[float], tuple[BusySample, ...]]:
        """Return the busy ratio since the previous reading, and in periods within it.

        `busy_since` is when a work began that still goes on, 0.0 for none.
        """
        end = now.unix_seconds
        intervals = self._carried + fresh
        if busy_since > 0.0:
            intervals = [*intervals, (busy_since, end)]
        # A clock step or a broken writer must not poison the ratio.
        intervals = [(a, b) for a, b in intervals if math.isfinite(a) and math.isfinite(b) and a <= b]
        previous, self._carried = self._previous, []
        if previous is None or end <= previous.unix_seconds:
            return Missing("needs two readings"), ()
        start = previous.unix_seconds
        self._carried = [(a, b) for a, b in fresh if b > end]
        pieces = max(1, round((end - start) / _PERIOD_SECONDS))
        width = (end - start) / pieces
        samples = tuple(
            BusySample(start + (piece + 1) * width, _covered(intervals, start + piece * width, width))
            for piece in range(pieces)
        )
        return sum(sample.gpu_busy_ratio for sample in samples) / pieces, samples

    def _reading(
        self, header: TimelineHeader, busy: Maybe[float], samples: tuple[BusySample, ...], *, lives: bool
    ) -> GpuReading:
        # The memory of a process that was killed is given back, as a driver does.
        process = GpuProcess(header.pid, header.process_memory_used_bytes)
        return GpuReading(
            index=self._index,
            uuid=clean(header.uuid, 64),
            name=clean(header.name, 64),
            state=GpuState.OK,
            simulated=True,
            gpu_busy_ratio=busy,
            busy_samples=samples,
            busy_sample_period_seconds=_PERIOD_SECONDS,
            gpu_busy_source="virtual GPU",
            gpu_memory_busy_ratio=_NOT_SIMULATED,
            gpu_sm_busy_ratio=_NOT_SIMULATED,
            gpu_tensor_busy_ratio=_NOT_SIMULATED,
            gpu_memory_bandwidth_ratio=_NOT_SIMULATED,
            gpu_memory_used_bytes=header.memory_used_bytes if lives else 0,
            gpu_memory_reserved_bytes=header.memory_reserved_bytes,
            gpu_memory_total_bytes=header.memory_total_bytes,
            processes=(process,) if lives else (),
            gpu_temperature_celsius=header.temperature_celsius or _NOT_SIMULATED,
            gpu_temperature_slowdown_celsius=_NOT_SIMULATED,
            gpu_power_watts=header.power_watts or _NOT_SIMULATED,
            gpu_power_limit_watts=_NOT_SIMULATED,
            gpu_energy_joules=_NOT_SIMULATED,
            gpu_sm_clock_hertz=header.sm_clock_hertz or _NOT_SIMULATED,
            gpu_sm_clock_max_hertz=_NOT_SIMULATED,
            gpu_memory_clock_hertz=_NOT_SIMULATED,
            gpu_fan_ratio=_NOT_SIMULATED,
            gpu_pcie_generation=_NOT_SIMULATED,
            gpu_pcie_generation_max=_NOT_SIMULATED,
            gpu_pcie_width=_NOT_SIMULATED,
            gpu_pcie_width_max=_NOT_SIMULATED,
            gpu_pcie_receive_bytes_per_second=_NOT_SIMULATED,
            gpu_pcie_transmit_bytes_per_second=_NOT_SIMULATED,
            gpu_throttle_power_ratio=_NOT_SIMULATED,
            gpu_throttle_thermal_ratio=_NOT_SIMULATED,
            gpu_throttle_brake_ratio=_NOT_SIMULATED,
            gpu_throttle_reasons=_NOT_SIMULATED,
            gpu_ecc_corrected_errors=_NOT_SIMULATED,
            gpu_ecc_uncorrected_errors=_NOT_SIMULATED,
            gpu_performance_state=_NOT_SIMULATED,
            gpu_mig_mode=_NOT_SIMULATED,
            gpu_compute_capability=_NOT_SIMULATED,
        )


def _lives(pid: int) -> bool:
    """Tell whether the training that writes the timeline is still there (it works on this machine)."""
    data = read_file(f"/proc/{pid}/stat", 4096)
    return not isinstance(data, Missing) and state_letter(data) not in {"", "Z", "X"}


def _covered(intervals: list[tuple[float, float]], start: float, width: float) -> float:
    """Return the share of [start, start + width] that the intervals (one GPU: disjoint) cover."""
    end = start + width
    total = sum(min(b, end) - max(a, start) for a, b in intervals if a < end and b > start)
    return min(1.0, max(0.0, total / width))
