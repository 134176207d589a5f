"""The position in a recording: the window that the live monitor had there, built by the same history."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from math import inf, isfinite, nextafter
from typing import Protocol

from gpumon.history.extremes import Extremes
from gpumon.history.history import FULL_SECONDS, RECENT_SAMPLES, History
from gpumon.history.window import Window
from gpumon.model.report import Report
from gpumon.model.sample import Sample
from gpumon.monitor.replay_thinned import Between
from gpumon.recording.mark import Mark
from gpumon.recording.schema import RecordingError

# What a window may depend on: an hour in chunks of ten minutes that are dropped whole. What is read is a
# chunk more, so that one can step back from where one has jumped to.
_NEEDED_SECONDS = FULL_SECONDS + 600.0
_WARM_SECONDS = _NEEDED_SECONDS + 600.0
# What is read first where one is in haste: what the charts show, and the samples that a verdict rests on.
_HASTY_SECONDS = 300.0
# Windows that were passed, to step back through: the samples they hold are what they cost.
_KEPT_WINDOWS = 300
# How far back the sample before a moment is looked for: a gap is rare, and then may be long.
_BACK_SECONDS = (10.0, 150.0, 7200.0)
# Where one sample a minute is left, charts hold it; what is longer is a gap.
_LONGEST_HELD_SECONDS = 150.0
# Moments and intervals of a machine: a file may hold any number. Until the year 5138.
_LARGEST_SECONDS = 1e11


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

    @property
    def prior(self) -> str:
        """What earlier runs taught of the trainings, as gpumon.recording.learned reads it; empty: nothing."""
        ...

    def samples(self, start_seconds: float, end_seconds: float) -> Iterator[Sample]:
        """Yield the samples from `start_seconds` to `end_seconds`, oldest first."""
        ...

    def stretches(self, start_seconds: float, end_seconds: float) -> Iterator[Extremes]:
        """Yield low, mean and high of all measures over the stretches that touch that time, in order."""
        ...

    def reports(self, start_seconds: float, end_seconds: float) -> Iterator[Report]:
        """Yield what was told live of these samples; where nothing was told nothing is yielded."""
        ...

    def marks(self) -> tuple[Mark, ...]:
        """Return what happened when, oldest first."""
        ...


class _Stretch:
    """The history from one moment on, read sample by sample.

    `passed` are windows to step back through: only those that are as they were live, apart from the
    newest one, and with `in_haste` all.
    """

    def __init__(self, recorded: Recorded, start_seconds: float, *, in_haste: bool = False) -> None:
        self._full_from_seconds = recorded.full_from_seconds
        is_all = in_haste or start_seconds <= recorded.first_seconds
        self._whole_from_seconds = -inf if is_all else start_seconds + _NEEDED_SECONDS
        self._until_whole = 0 if is_all else RECENT_SAMPLES
        self._is_whole = True
        self.history = History()
        before = _before(recorded, start_seconds)
        self._before_seconds = -inf
        if before is not None:
            self.history.append(before)
            self._before_seconds = _moment(before)
        self.passed: deque[Window] = deque(maxlen=_KEPT_WINDOWS)
        self._between = Between(recorded.stretches(start_seconds, self._full_from_seconds))
        self._ahead = _samples(recorded, start_seconds, inf)
        self._recorded = recorded
        self.next = next(self._ahead, None)

    @property
    def reached_seconds(self) -> float:
        """The moment of the newest sample that was read."""
        return _moment(self.passed[-1].newest) if self.passed else -inf

    def forward(self) -> bool:
        """Read the next sample; return False at the end."""
        if self.next is None:
            return False
        following = next(self._ahead, None)
        self._append(self.next)
        if not self._is_whole:
            self.passed.clear()
        self.passed.append(self.history.window())
        self._until_whole -= 1
        self._is_whole = self._until_whole <= 0 and _moment(self.next) >= self._whole_from_seconds
        self.next = following
        return True

    def look_again(self) -> None:
        """At the end, look for samples that were written meanwhile."""
        self._ahead = _samples(self._recorded, nextafter(self.reached_seconds, inf), inf)
        self.next = next(self._ahead, None)

    def _append(self, sample: Sample) -> None:
        """Add a sample; in the thinned part with what is known of the time since the one before."""
        moment = _moment(sample)
        is_thinned = moment < self._full_from_seconds
        # The first one of the full part stands for itself.
        end = moment if is_thinned else moment - sample.interval_seconds
        past = self._between.take(max(self.reached_seconds, self._before_seconds), end)
        self.history.append_thinned(past, sample if is_thinned and past else None)
        if not is_thinned or not past:
            self.history.append(self._held(sample))

    def _held(self, sample: Sample) -> Sample:
        """Return a sample of the thinned part as one that stands for the time since the one before."""
        gap = _moment(sample) - self.reached_seconds
        if _moment(sample) >= self._full_from_seconds:
            return sample
        is_held = sample.interval_seconds < gap <= _LONGEST_HELD_SECONDS
        return replace(sample, interval_seconds=gap) if is_held else sample


class Past:
    """Where one is in a recording. Raises LookupError where there is no sample at all.

    One thread owns it; the windows it hands out may go anywhere. Going forward appends to the history,
    going back takes a window that was passed, and any other move builds the history anew from the hour
    before: so the window at a moment is the same on every way to it. With `hasty` such a move reads only
    some minutes, until `complete` has read the hour.
    """

    def __init__(self, recorded: Recorded, seconds: float | None = None, *, hasty: bool = False) -> None:
        """Begin at the newest sample not after `seconds` (None: at the first one)."""
        if not (isfinite(recorded.first_seconds) and isfinite(recorded.last_seconds)):
            message = "the recording lies at no moment of time"
            raise LookupError(message)
        self._recorded = recorded
        self._hasty = hasty
        self._is_complete = True
        self._filling: _Stretch | None = None
        self._shown, self._index = self._build(recorded.first_seconds if seconds is None else seconds)

    @property
    def window(self) -> Window:
        """The window here."""
        return self._shown.passed[self._index]

    @property
    def seconds(self) -> float:
        """The monotonic moment of the sample here."""
        return _moment(self.window.newest)

    @property
    def is_complete(self) -> bool:
        """Whether the history is that of the live monitor."""
        return self._is_complete

    def next_seconds(self) -> float | None:
        """Return the moment of the next sample, or None at the end."""
        if self._index + 1 < len(self._shown.passed):
            return _moment(self._shown.passed[self._index + 1].newest)
        return None if self._shown.next is None else _moment(self._shown.next)

    def forward(self) -> bool:
        """Go to the next sample; return False at the end."""
        if self._index + 1 < len(self._shown.passed):
            self._index += 1
            return True
        if self._shown.next is None:
            self._shown.look_again()
        if not self._shown.forward():
            return False
        self._index = len(self._shown.passed) - 1
        return True

    def back(self) -> bool:
        """Go to the sample before; return False at the beginning."""
        if self._index > 0:
            self._index -= 1
            return True
        before = _before(self._recorded, self.seconds)
        if before is None:
            return False
        self._shown, self._index = self._build(_moment(before))
        return True

    def seek(self, seconds: float) -> None:
        """Go to the newest sample that is not after `seconds`, or to the first one."""
        if _moment(self._shown.passed[0].newest) <= seconds <= self._shown.reached_seconds:
            self._index = self._index_at(seconds)
        elif 0.0 < seconds - self._shown.reached_seconds <= self._reads_at_once_seconds:
            while self._shown.next is not None and _moment(self._shown.next) <= seconds:
                self._shown.forward()
            self._index = len(self._shown.passed) - 1
        else:
            self._shown, self._index = self._build(seconds)

    def complete(self, may_go_on: Callable[[], bool] = lambda: True) -> bool:
        """Read what is still missing of the history; return False where `may_go_on` ended it before.

        Where the recording is broken before this, what was read in haste is all there is.
        """
        if self._is_complete:
            return True
        if self._filling is None:
            self._filling = self._from_the_hour(self._shown.reached_seconds)
        # For good, where it cannot be read.
        filling, self._filling, self._is_complete = self._filling, None, True
        while filling.reached_seconds < self._shown.reached_seconds:
            if not may_go_on():
                self._filling, self._is_complete = filling, False
                return False
            if not filling.forward():
                return True
        here = self.seconds
        self._shown = filling
        self._index = self._index_at(here)
        return True

    @property
    def _reads_at_once_seconds(self) -> float:
        return _HASTY_SECONDS if self._hasty else _WARM_SECONDS

    def _index_at(self, seconds: float) -> int:
        moments = [_moment(window.newest) for window in self._shown.passed]
        return max(0, bisect_right(moments, seconds) - 1)

    def _build(self, seconds: float) -> tuple[_Stretch, int]:
        """Return the stretch up to the newest sample not after a moment, and the place in it."""
        first_seconds = self._recorded.first_seconds
        here = _before(self._recorded, nextafter(max(seconds, first_seconds), inf))
        if here is None:
            message = "the recording holds no sample"
            raise LookupError(message)
        seconds = _moment(here)
        is_hasty = self._hasty and seconds - _HASTY_SECONDS > first_seconds
        if is_hasty:
            stretch = _Stretch(self._recorded, seconds - _HASTY_SECONDS, in_haste=True)
        else:
            stretch = self._from_the_hour(seconds)
        while stretch.reached_seconds < seconds and stretch.forward():
            pass
        # Only now: where the recording is broken, one stays where one was.
        self._filling, self._is_complete = None, not is_hasty
        return stretch, len(stretch.passed) - 1

    def _from_the_hour(self, here: float) -> _Stretch:
        """Return a stretch, not read yet, of the hour before and twice the samples that a window has."""
        back = _WARM_SECONDS
        while here - back > self._recorded.first_seconds:
            samples = _samples(self._recorded, here - back, here)
            if sum(1 for _ in islice(samples, 2 * RECENT_SAMPLES)) == 2 * RECENT_SAMPLES:
                break
            # They are far apart, or there is a gap.
            back *= 2
        return _Stretch(self._recorded, here - back)


def _samples(recorded: Recorded, start_seconds: float, end_seconds: float) -> Iterator[Sample]:
    """Yield samples as they are recorded. Raises RecordingError for one that no clock can have told of."""
    for sample in recorded.samples(start_seconds, end_seconds):
        now = sample.instant
        told = (now.unix_seconds, now.monotonic_seconds, sample.interval_seconds)
        if not all(0.0 <= seconds <= _LARGEST_SECONDS for seconds in told):
            raise RecordingError("the recording is broken: a sample lies at no moment of time")
        yield sample


def _before(recorded: Recorded, seconds: float) -> Sample | None:
    """Return the newest sample before a moment, or None where there is none."""
    if seconds <= recorded.first_seconds:
        return None
    found: Sample | None = None
    for back_seconds in (*_BACK_SECONDS, inf):
        for sample in _samples(recorded, seconds - back_seconds, nextafter(seconds, -inf)):
            if _moment(sample) < seconds:
                found = sample
        if found is not None:
            break
    return found


def _moment(sample: Sample) -> float:
    return sample.instant.monotonic_seconds
