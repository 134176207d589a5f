"""How busy a GPU was: the driver's own sample buffer, drained by one question a tick."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from gpumon.history.stats import quantile
from gpumon.model.clock import Instant
from gpumon.model.gpu import BusySample
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.nvml_calls import NvmlCalls
from gpumon.sources.nvml_structs import SampleBuffer

# NVML stamps samples with CLOCK_REALTIME in microseconds.
_US = 1_000_000
# How far a sample may lie in the future before the wall clock must have been set back.
_CLOCK_SLACK_US = 2 * _US
# A sample is taken to cover at most so many periods: what lies before it was not measured.
_GAP_PERIODS = 3
_NEVER_SAMPLED = Missing("the driver has not sampled this GPU yet")
_NO_PERIOD = Missing("the driver keeps no samples of this GPU")
_MIG = Missing("not measured while MIG is on")


@dataclass(frozen=True, slots=True)
class BusyReading:
    """Busy ratios of one tick, the samples behind them, and where they come from."""

    ratio: Maybe[float]
    memory_ratio: Maybe[float]
    samples: tuple[BusySample, ...] = ()
    period_seconds: Maybe[float] = _NO_PERIOD
    source: str = "nvml samples"


class BusyBuffer:
    """Reads one GPU's utilisation.

    `nvmlDeviceGetSamples` yields every sample since the last one seen; each covers the time since the
    one before it, so the mean is weighted by time. The period differs between products (10 to 200 ms in
    the field, up to 1 s by the header) and is read from the timestamps. `nvmlDeviceGetUtilizationRates`,
    one rounded number of the newest period, is the fallback.
    """

    def __init__(self, calls: NvmlCalls) -> None:
        self._calls = calls
        self._buffer = SampleBuffer()
        self._last_seen_us = 0
        self._newest: BusySample | None = None
        self._period: Maybe[float] = _NO_PERIOD

    def read(self, now: Instant, *, mig: bool) -> BusyReading:
        """Return what the GPU did since the last read (at first: in the last second)."""
        if mig:
            return BusyReading(_MIG, _MIG, period_seconds=_MIG)
        rates = self._calls.ask("nvmlDeviceGetUtilizationRates")
        memory_ratio = rates if isinstance(rates, Missing) else _percent(rates.memory)
        now_us = int(now.unix_seconds * _US)
        if self._last_seen_us == 0 or self._last_seen_us > now_us + _CLOCK_SLACK_US:
            self._last_seen_us, self._newest = now_us - _US, None
        answer = self._buffer.ask(self._calls, self._last_seen_us)
        taken = [] if isinstance(answer, Missing) else self._take(answer, now_us)
        if taken:
            return self._mean(taken, memory_ratio)
        newest = self._newest
        if newest is not None and now.unix_seconds - newest.unix_seconds < self._patience():
            # Ticks finer than the driver's own: nothing newer is known.
            return BusyReading(newest.gpu_busy_ratio, memory_ratio, (), self._period)
        ratio = rates if isinstance(rates, Missing) else _percent(rates.gpu)
        if isinstance(ratio, Missing) and answer == []:
            ratio = _NEVER_SAMPLED
        return BusyReading(ratio, memory_ratio, (), self._period, "nvml utilization rates")

    def _patience(self) -> float:
        return 2 * self._period if isinstance(self._period, float) else 0.0

    def _take(self, answer: list[tuple[int, float | None]], now_us: int) -> list[tuple[int, float]]:
        """Return (microseconds, ratio) of the sound samples: newer than the last, in order, 0 to 100 %."""
        taken: list[tuple[int, float]] = []
        last = self._last_seen_us
        for stamp, percent in answer:
            if not last < stamp <= now_us + _CLOCK_SLACK_US:
                continue
            last = stamp
            if percent is not None and 0 <= percent <= 100:
                taken.append((stamp, percent / 100))
        return taken

    def _mean(self, taken: list[tuple[int, float]], memory_ratio: Maybe[float]) -> BusyReading:
        stamps = [stamp for stamp, _ in taken]
        if self._newest is not None:
            stamps.insert(0, self._last_seen_us)
        gaps = [later - earlier for earlier, later in pairwise(stamps)]
        if gaps:
            self._period = quantile(gaps, 0.5) / _US
        longest_us = _GAP_PERIODS * self._period * _US if isinstance(self._period, float) else _US
        if len(gaps) < len(taken):
            # The very first sample: nothing tells when it began, so it weighs one period.
            gaps.insert(0, int(longest_us / _GAP_PERIODS))
        weights = [min(gap, longest_us) for gap in gaps]
        total = sum(weight * ratio for weight, (_, ratio) in zip(weights, taken, strict=True))
        samples = tuple(BusySample(stamp / _US, ratio) for stamp, ratio in taken)
        self._last_seen_us, self._newest = taken[-1][0], samples[-1]
        return BusyReading(total / sum(weights), memory_ratio, samples, self._period)


def _percent(value: int) -> Maybe[float]:
    # Drivers have been seen to report more than 100 % (nvtop #110): that is no reading.
    return value / 100 if 0 <= value <= 100 else Missing(f"the driver reports {value} %")
