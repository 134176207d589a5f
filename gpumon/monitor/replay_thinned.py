"""The thinned part of a recording: low, mean and high of the time between two samples that are left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpumon.history.extremes import Extremes
from gpumon.recording.schema import RecordingError

# One sample a minute is left and a stretch is 10 s or more: far above what lies between two of them.
_MOST_BETWEEN = 1000


class Between:
    """Goes through stretches as they come, from one sample to the next."""

    def __init__(self, stretches: Iterator[Extremes]) -> None:
        """Begin with the first one."""
        self._stretches = stretches
        self._next = next(stretches, None)

    def take(self, start_seconds: float, end_seconds: float) -> tuple[Extremes, ...]:
        """Return what lies in (start, end], cut to it. Moments that were passed do not come again.

        A stretch that is cut keeps its low, mean and high: where in it they lie is not known.
        """
        found: list[Extremes] = []
        while self._next is not None and self._next.start_seconds < end_seconds:
            part = self._next
            start, end = max(part.start_seconds, start_seconds), min(part.end_seconds, end_seconds)
            if start < end:
                found.append(replace(part, start_seconds=start, end_seconds=end))
            if len(found) > _MOST_BETWEEN:
                raise RecordingError("the recording is broken: samples are missing between its stretches")
            if part.end_seconds > end_seconds:
                break
            self._next = next(self._stretches, None)
        return tuple(found)
