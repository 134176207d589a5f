"""The position in a recording: the window that the live monitor had there, built by the same history."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from math import inf, nextafter
from typing import Protocol

from gpumon.history.history import FULL_SECONDS, History
from gpumon.history.window import Window
from gpumon.model.report import Report
from gpumon.model.sample import Sample
from gpumon.recording.mark import Mark

# What a window may depend on: an hour in chunks of ten minutes that are dropped whole, and a chunk more,
# so that the oldest one kept was begun as it was live.
_WARM_SECONDS = FULL_SECONDS + 1200.0
# Windows that were passed, to step back through: the samples they hold are what they cost.
_KEPT_WINDOWS = 300
# How far back the sample before a moment is looked for: a gap is rare, and then may be long.
_BACK_SECONDS = (10.0, 150.0, 7200.0)


class Recorded(Protocol):
    """What can be replayed: samples in the order of monotonic time. All seconds are monotonic."""

    @property
    def first_seconds(self) -> float:
        """The moment of the first sample."""
        ...

    @property
    def last_seconds(self) -> float:
        """The moment of the last sample."""
        ...

    @property
    def full_from_seconds(self) -> float:
        """The moment from which every sample is there."""
        ...

    def samples(self, start_seconds: float, end_seconds: float) -> Iterator[Sample]:
        """Yield the samples from `start_seconds` to `end_seconds`, oldest first."""
        ...

    def reports(self, start_seconds: float, end_seconds: float) -> Iterator[Report]:
        """Yield what was told live of these samples; where nothing was told nothing is yielded."""
        ...

    def marks(self) -> tuple[Mark, ...]:
        """Return what happened when, oldest first."""
        ...


class Past:
    """Where one is in a recording. Raises LookupError where there is no sample at all.

    One thread owns it; the windows it hands out may go anywhere. Going forward appends to the history,
    going back takes a window that was passed, and any other move builds the history anew from the hour
    before: so the window at a moment is the same on every way to it.
    """

    def __init__(self, recorded: Recorded, seconds: float | None = None) -> None:
        """Begin at the newest sample not after `seconds` (None: at the first one)."""
        self._recorded = recorded
        self._passed: deque[Window] = deque(maxlen=_KEPT_WINDOWS)
        self._index = 0
        self._history = History()
        self._ahead: Iterator[Sample] = iter(())
        self._next: Sample | None = None
        self._build(recorded.first_seconds if seconds is None else seconds)

    @property
    def window(self) -> Window:
        """The window here."""
        return self._passed[self._index]

    @property
    def seconds(self) -> float:
        """The monotonic moment of the sample here."""
        return _moment(self.window.newest)

    def next_seconds(self) -> float | None:
        """Return the moment of the next sample, or None at the end."""
        if self._index + 1 < len(self._passed):
            return _moment(self._passed[self._index + 1].newest)
        return None if self._next is None else _moment(self._next)

    def forward(self) -> bool:
        """Go to the next sample; return False at the end."""
        if self._index + 1 < len(self._passed):
            self._index += 1
            return True
        if self._next is None:
            return False
        self._history.append(self._next)
        self._passed.append(self._history.window())
        self._index = len(self._passed) - 1
        self._next = next(self._ahead, None)
        return True

    def back(self) -> bool:
        """Go to the sample before; return False at the beginning."""
        if self._index > 0:
            self._index -= 1
            return True
        before = self._before(self.seconds)
        if before is None:
            return False
        self._build(_moment(before))
        return True

    def seek(self, seconds: float) -> None:
        """Go to the newest sample that is not after `seconds`, or to the first one."""
        moments = [_moment(window.newest) for window in self._passed]
        if moments[0] <= seconds <= moments[-1]:
            self._index = bisect_right(moments, seconds) - 1
        elif moments[-1] < seconds <= moments[-1] + _WARM_SECONDS:
            self._index = len(moments) - 1
            while self._next is not None and _moment(self._next) <= seconds:
                self.forward()
        else:
            self._build(seconds)

    def _build(self, seconds: float) -> None:
        """Build the history that there was at the newest sample not after a moment."""
        here = self._before(nextafter(max(seconds, self._recorded.first_seconds), inf))
        if here is None:
            message = "the recording holds no sample"
            raise LookupError(message)
        start = _moment(here) - _WARM_SECONDS
        history = History()
        passed: deque[Window] = deque(maxlen=_KEPT_WINDOWS)
        before = self._before(start)
        if before is not None:
            history.append(before)
        ahead = self._recorded.samples(start, inf)
        following = next(ahead, None)
        while following is not None and _moment(following) <= _moment(here):
            history.append(following)
            passed.append(history.window())
            following = next(ahead, None)
        # Only now: where the recording is broken, one stays where one was.
        self._history, self._passed, self._index = history, passed, len(passed) - 1
        self._ahead, self._next = ahead, following

    def _before(self, seconds: float) -> Sample | None:
        """Return the newest sample before a moment, or None where there is none."""
        if seconds <= self._recorded.first_seconds:
            return None
        found: Sample | None = None
        for back_seconds in (*_BACK_SECONDS, inf):
            for sample in self._recorded.samples(seconds - back_seconds, nextafter(seconds, -inf)):
                if _moment(sample) < seconds:
                    found = sample
            if found is not None:
                break
        return found


def _moment(sample: Sample) -> float:
    return sample.instant.monotonic_seconds
