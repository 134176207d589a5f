"""What was seen before a recording begins, so that one that begins late holds the hour before."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from gpumon.history.extremes import Numbers
from gpumon.history.history import FULL_SECONDS, RECENT_SAMPLES
from gpumon.history.window import Window
from gpumon.model.report import Attachment, TrainingReport
from gpumon.model.sample import Sample
from gpumon.recording.followed import Followed
from gpumon.recording.mark import Mark
from gpumon.recording.marking import Marking
from gpumon.recording.schema import Entry
from gpumon.recording.sharing import shared
from gpumon.recording.thinning import TIERS, WHOLE_SECONDS

_MINUTES = int(FULL_SECONDS / WHOLE_SECONDS) + 1
# An hour of a training whose epochs take seconds has some thousand.
_MOST_MARKS = 5000
# Whole samples in one portion: about as much as a minute of numbers.
_PORTION_SAMPLES = 5

_Words: TypeAlias = tuple[Attachment | None, tuple[TrainingReport, ...]]
_NOTHING_TOLD: _Words = (None, ())


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of a backlog: the numbers of samples that are gone, then samples with what was told of them."""

    numbers: Iterator[Numbers]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a recording begins with: one sample a minute, then every sample that is left; oldest first.

    `window` has the numbers of the samples between those of `minutes`. `marks` are those of all that time,
    `marking` goes on with the next report; it belongs to whoever takes the backlog. One that `is_urgent` is
    written without a rest: what a simulated clock goes by meanwhile would be more than a recorder can hold.
    """

    minutes: tuple[Entry, ...]
    recent: tuple[Entry, ...]
    marks: tuple[Mark, ...]
    marking: Marking
    window: Window
    is_urgent: bool = False

    @property
    def newest_sequence(self) -> int:
        """The number of the newest sample in it."""
        return self.recent[-1].sample.sequence

    @property
    def seconds(self) -> float:
        """How long it is, from its first to its newest sample."""
        first = (*self.minutes, *self.recent)[0].sample
        return _moment(self.recent[-1].sample) - _moment(first)

    def portions(self) -> Iterator[Portion]:
        """Yield it in parts of some milliseconds each; numbers are read when they are asked for."""
        reached = _moment((*self.minutes, *self.recent)[0].sample)
        for entry in self.minutes:
            yield Portion(self._numbers(reached, entry), (entry,))
            reached = _moment(entry.sample)
        numbers = self._numbers(reached, self.recent[0])
        for first in range(0, len(self.recent), _PORTION_SAMPLES):
            yield Portion(numbers, self.recent[first : first + _PORTION_SAMPLES])
            numbers = iter(())

    def _numbers(self, after_seconds: float, entry: Entry) -> Iterator[Numbers]:
        return self.window.numbers(after_seconds, _moment(entry.sample), TIERS[0].seconds)


class BacklogKeeper:
    """Keeps what a recording of a feed would begin with. May be used from any thread.

    The newest samples and the numbers of the hour are the history's. Kept besides are one sample a minute,
    what was told of these and of the newest ones, and the marks of the hour.
    """

    def __init__(self, feed: Followed) -> None:
        """Begin with the newest report, and take every one from now on."""
        self._feed = feed
        self._lock = threading.Lock()
        self._marking = Marking()
        self._marks: deque[Mark] = deque(maxlen=_MOST_MARKS)
        self._minutes: deque[Entry] = deque(maxlen=_MINUTES)
        self._told: deque[tuple[int, _Words]] = deque(maxlen=RECENT_SAMPLES)
        self._take()
        feed.subscribe(self._take)

    def backlog(self) -> Backlog | None:
        """Return what there is now, or None before the first report."""
        window = self._feed.window()
        with self._lock:
            told = dict(self._told)
            minutes, marks, marking = tuple(self._minutes), tuple(self._marks), self._marking.copy()
        # A sample that is newer than the last report comes with its own.
        newest = max(told, default=-1)
        samples = () if window is None else window.samples
        recent = tuple(
            Entry(sample, *told.get(sample.sequence, _NOTHING_TOLD))
            for sample in samples
            if sample.sequence <= newest
        )
        if window is None or not recent:
            return None
        first, last = _moment(recent[0].sample), _moment(recent[-1].sample)
        minutes = tuple(entry for entry in minutes if last - FULL_SECONDS <= _moment(entry.sample) < first)
        return Backlog(minutes, recent, _marks((*minutes, *recent)[0], marks), marking, window)

    def _take(self) -> None:
        report = self._feed.report()
        if report is None:
            return
        sample = report.sample
        with self._lock:
            # A feed may call for the same report twice.
            if self._told and sample.sequence <= self._told[-1][0]:
                return
            before = self._told[-1][1] if self._told else _NOTHING_TOLD
            told = shared((report.attachment, report.trainings), before)
            self._told.append((sample.sequence, told))
            self._marks.extend(self._marking.read(report))
            while self._marks and self._marks[0].monotonic_seconds < _moment(sample) - FULL_SECONDS:
                self._marks.popleft()
            if not self._minutes or _minute(self._minutes[-1].sample) != _minute(sample):
                self._minutes.append(Entry(sample, *told))


def _marks(first: Entry, marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """Return the marks of a recording that begins with `first`; what holds there already stands in front."""
    report = first.report()
    told = () if report is None else Marking().read(report)
    moment = _moment(first.sample)
    return (*told, *(mark for mark in marks if report is None or mark.monotonic_seconds > moment))


def _minute(sample: Sample) -> int:
    return int(_moment(sample) // WHOLE_SECONDS)


def _moment(sample: Sample) -> float:
    return sample.instant.monotonic_seconds
