"""How busy each process kept a GPU, from the driver's newest record per process."""

from __future__ import annotations

from collections.abc import Iterable

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.nvml_calls import NOTHING_NEWER, NvmlCalls
from gpumon.sources.nvml_structs import RecordBuffer

_US = 1_000_000
_CLOCK_SLACK_US = 2 * _US
# A record stands for the sample period it was taken in, at most a second; then the process was idle.
_STANDS_SECONDS = 1.0
# From here on the GPU was busy enough that some process must have been.
_BUSY_RATIO = 0.2
_NEW = "nvmlDeviceGetProcessesUtilizationInfo"
_MIG = Missing("not measured while MIG is on")


class ProcessUtilization:
    """Reads one GPU's utilisation per process.

    A record is a mean since `lastSeen`, so the first question reaches back one second only (0 would
    yield a long stale mean). Records above 100 % and records not newer than the last are garbage that
    drivers do return (nvtop #110). Blackwell answers the old function with zeros only: where those
    contradict the GPU's own utilisation the new function is asked, and kept if it knows more.
    """

    def __init__(self, calls: NvmlCalls) -> None:
        self._calls = calls
        self._last_seen_us = 0
        self._buffer = RecordBuffer()
        self._asks_new = False
        self._newest: tuple[float, dict[int, float]] = (0.0, {})

    def read(self, now: Instant, busy_ratio: Maybe[float], *, mig: bool) -> Maybe[dict[int, float]]:
        """Return {PID: busy ratio}, by the driver's PIDs; a process that did nothing has no record."""
        if mig:
            return _MIG
        now_us = int(now.unix_seconds * _US)
        if self._last_seen_us == 0 or self._last_seen_us > now_us + _CLOCK_SLACK_US:
            self._last_seen_us = now_us - _US
        answer = self._ask_new() if self._asks_new else self._buffer.ask(self._calls, self._last_seen_us)
        if isinstance(answer, Missing) and answer is not NOTHING_NEWER and not self._asks_new:
            newer = self._ask_new()
            if not isinstance(newer, Missing):
                self._asks_new, answer = True, newer
        if answer is NOTHING_NEWER:
            seconds, ratios = self._newest
            return ratios if now.monotonic_seconds - seconds < _STANDS_SECONDS else {}
        if isinstance(answer, Missing):
            return answer
        newest_us, ratios = _sound(answer, self._last_seen_us, now_us)
        if not self._asks_new and not any(ratios.values()) and _is_busy(busy_ratio):
            newest_us, ratios = self._try_new(newest_us, ratios, now_us)
        self._last_seen_us = newest_us
        self._newest = (now.monotonic_seconds, ratios)
        return ratios

    def _ask_new(self) -> Maybe[list[tuple[int, int, int]]]:
        answer = self._calls.ask(_NEW, self._last_seen_us)
        if isinstance(answer, Missing):
            return answer
        return [(int(each.pid), int(each.timeStamp), int(each.smUtil)) for each in answer]

    def _try_new(self, newest_us: int, ratios: dict[int, float], now_us: int) -> tuple[int, dict[int, float]]:
        answer = self._ask_new()
        if isinstance(answer, Missing):
            return newest_us, ratios
        other_us, others = _sound(answer, self._last_seen_us, now_us)
        if not any(others.values()):
            return newest_us, ratios
        self._asks_new = True
        return other_us, others


def _is_busy(busy_ratio: Maybe[float]) -> bool:
    return isinstance(busy_ratio, float) and busy_ratio > _BUSY_RATIO


def _sound(
    found: Iterable[tuple[int, int, int]], last_seen_us: int, now_us: int
) -> tuple[int, dict[int, float]]:
    """Return the newest timestamp and the newest sound ratio of each PID."""
    newest_us = last_seen_us
    stamps: dict[int, int] = {}
    ratios: dict[int, float] = {}
    for pid, stamp, percent in found:
        if pid <= 0 or percent > 100 or not last_seen_us < stamp <= now_us + _CLOCK_SLACK_US:
            continue
        newest_us = max(newest_us, stamp)
        if stamp > stamps.get(pid, 0):
            stamps[pid], ratios[pid] = stamp, percent / 100
    return newest_us, ratios
