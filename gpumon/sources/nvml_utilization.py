"""How busy each process kept a GPU, from the driver's newest record per process."""

from __future__ import annotations

from typing import Any

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.nvml_calls import NOTHING_NEWER, NvmlCalls

_US = 1_000_000
_CLOCK_SLACK_US = 2 * _US
# A record stands for the sample period it was taken in, at most a second; then the process was idle.
_STANDS_SECONDS = 1.0
# From here on the GPU was busy enough that some process must have been.
_BUSY_RATIO = 0.2
_OLD = "nvmlDeviceGetProcessUtilization"
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
        self._function = _OLD
        self._newest: tuple[float, dict[int, float]] = (0.0, {})

    def read(self, now: Instant, busy_ratio: Maybe[float], *, mig: bool) -> Maybe[dict[int, float]]:
        """Return {PID: busy ratio}, by the driver's PIDs; a process that did nothing has no record."""
        if mig:
            return _MIG
        now_us = int(now.unix_seconds * _US)
        if self._last_seen_us == 0 or self._last_seen_us > now_us + _CLOCK_SLACK_US:
            self._last_seen_us = now_us - _US
        answer = self._calls.ask(self._function, self._last_seen_us)
        if isinstance(answer, Missing) and answer is not NOTHING_NEWER and self._function == _OLD:
            newer = self._calls.ask(_NEW, self._last_seen_us)
            if not isinstance(newer, Missing):
                self._function, answer = _NEW, newer
        if answer is NOTHING_NEWER:
            seconds, ratios = self._newest
            return ratios if now.monotonic_seconds - seconds < _STANDS_SECONDS else {}
        if isinstance(answer, Missing):
            return answer
        newest_us, ratios = _sound(answer, self._last_seen_us, now_us)
        if self._function == _OLD and not any(ratios.values()) and _is_busy(busy_ratio):
            newest_us, ratios = self._try_new(newest_us, ratios, now_us)
        self._last_seen_us = newest_us
        self._newest = (now.monotonic_seconds, ratios)
        return ratios

    def _try_new(self, newest_us: int, ratios: dict[int, float], now_us: int) -> tuple[int, dict[int, float]]:
        answer = self._calls.ask(_NEW, self._last_seen_us)
        if isinstance(answer, Missing):
            return newest_us, ratios
        other_us, others = _sound(answer, self._last_seen_us, now_us)
        if not any(others.values()):
            return newest_us, ratios
        self._function = _NEW
        return other_us, others


def _is_busy(busy_ratio: Maybe[float]) -> bool:
    return isinstance(busy_ratio, float) and busy_ratio > _BUSY_RATIO


def _sound(records: Any, last_seen_us: int, now_us: int) -> tuple[int, dict[int, float]]:
    """Return the newest timestamp and the newest sound ratio of each PID."""
    newest_us = last_seen_us
    stamps: dict[int, int] = {}
    ratios: dict[int, float] = {}
    for record in records:
        pid, stamp, percent = int(record.pid), int(record.timeStamp), int(record.smUtil)
        if pid <= 0 or percent > 100 or not last_seen_us < stamp <= now_us + _CLOCK_SLACK_US:
            continue
        newest_us = max(newest_us, stamp)
        if stamp > stamps.get(pid, 0):
            stamps[pid], ratios[pid] = stamp, percent / 100
    return newest_us, ratios
