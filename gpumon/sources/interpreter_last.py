"""The last step of each epoch, which most trainings make with fewer images: how long it takes.

Seen by looks: from the one that finds the epoch's last batch delivered to the one that finds the loop gone on
to validation, a checkpoint or the next epoch. The full steps of the same epoch are measured in the same way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate
from math import hypot, sqrt

from gpumon.sources.interpreter_reading import IteratorReading, LastStepsReading, LoopReading

# Steps of the same batch differ by 5 to 15 % (Lotus, IISWC'24); and in those of a training that accumulates
# gradients an optimizer steps, or not.
_SPREAD_RATIO = 0.10
_MOST_ENDS = 15
# Looks that far apart tell nothing of a step of that length.
_MOST_ERROR_RATIO = 0.5
# The standard error of a median of three or more, per that of their mean.
_MEDIAN_ERROR = 1.25
_LEAST_ERROR_SECONDS = 1e-6
# A step of fewer images is no longer than a full one; one that is by so many errors had something else in it.
_MOST_DEVIATIONS = 3.0
# Looks are some 25 to 50 ms apart: half of a short step, and an end comes but once an epoch. Around it
# glances tell its moments to a sixteenth of a step, as long as waking up is little of that.
_GLANCES_PER_STEP, _LEAST_GLANCE_SECONDS, _MOST_GLANCES = 16, 0.004, 64


@dataclass(frozen=True, slots=True)
class _Moment:
    """When something happened: at `seconds`, give or take half of the time between two looks."""

    seconds: float
    half: float

    @property
    def error(self) -> float:
        """The standard error: as likely at any time between the looks."""
        return self.half / sqrt(3.0)


@dataclass(frozen=True, slots=True)
class _End:
    """The last step of an epoch and the mean of the full ones before it, in seconds."""

    seconds: float
    error: float
    full_seconds: float
    full_error: float


def batches_to_last(train: IteratorReading, loop: LoopReading) -> int | None:
    """Return how many batches an epoch has where the last is smaller than the others, else None.

    None also where the loop expects another number: then its images are not what they seem.
    """
    last, size, images = train.last_batch_size, train.batch_size, train.images
    if not last or not size or not images or last == size:
        return None
    batches = -(-images // size)
    return batches if loop.batches in (None, batches) else None


class LastSteps:
    """Times the last steps of the epochs of one loader, of `batches` each; does nothing while that is None.

    The first epoch is left out: a batch of another size makes the GPU's libraries search and allocate once.
    """

    def __init__(self) -> None:
        """Know nothing of the loader yet."""
        self.batches: int | None = None
        self._ends: deque[_End] = deque(maxlen=_MOST_ENDS)
        self._reading: LastStepsReading | None = None
        self._has_begun = False
        self._in_loop = False
        self._looked = 0.0
        self._step_seconds = 0.0
        self.restart()

    def restart(self) -> None:
        """Begin in the middle of an epoch of another iterator; what was measured stays."""
        self._count: int | None = None
        self._counted = 0.0
        self._first: tuple[int, _Moment] | None = None
        self._last: _Moment | None = None
        self._full: tuple[float, float] | None = None
        self._looks = self._waiting = 0
        self._glances = 0

    def use(self, batches: int | None) -> None:
        """Take that for the number of batches of an epoch from now on; None where nothing can be learnt."""
        if batches != self.batches:
            self.batches = batches
            self._ends.clear()
            self._reading = None
            self.restart()

    def look(self, now: float, *, in_loop: bool, waits: bool, is_glance: bool = False) -> None:
        """Take in a look at the main thread: in its training loop, and there waiting for a batch.

        A glance was taken because of the end: it counts for that alone, not for how much of the time waits.
        """
        if self._last is not None and (waits or not in_loop):
            self._end(now)
        self._glances += is_glance
        if in_loop and self._first is not None and not is_glance:
            self._looks += 1
            self._waiting += waits
        self._in_loop, self._looked = in_loop, now

    def count(self, now: float, count: int) -> None:
        """Take in how many batches the loader has delivered so far; after the look of the same moment."""
        before, since = self._count, self._counted
        self._count, self._counted = count, now
        batches = self.batches
        if batches is None or before is None or count == before:
            return
        if count < before:
            self.restart()
            return
        # Of several that came meanwhile the last one came in the last part of that time.
        half = (now - since) / (count - before) / 2
        moment = _Moment(now - half, half)
        self._last = None
        if self._first is None or (count - 1) // batches != (self._first[0] - 1) // batches:
            self._first, self._looks, self._waiting = (count, moment), 0, 0
            self._glances = 0
        if count % batches == 0 and self._in_loop:
            if count == batches and not self._has_begun:
                self._has_begun = True
                return
            self._full = self._full_steps(count, moment)
            self._last = moment

    def count_stays(self) -> None:
        """Take in that the newest look found no other number of batches."""
        self._counted = self._looked

    @property
    def glance_seconds(self) -> float | None:
        """How soon to glance again, between two looks; None but from the last batch but one to the end."""
        batches, count = self.batches, self._count
        if batches is None or count is None or not self._step_seconds or self._glances >= _MOST_GLANCES:
            return None
        if self._last is None and (count + 1) % batches:
            return None
        waits = self._waiting / self._looks if self._looks else 0.0
        return max(self._step_seconds * (1.0 - waits) / _GLANCES_PER_STEP, _LEAST_GLANCE_SECONDS)

    def seconds_left(self, delivered: int, batches_per_second: float) -> float:
        """Return in how many seconds the last batch of the epoch is due, for ever where nothing is learnt."""
        self._step_seconds = 1.0 / batches_per_second if batches_per_second > 0 else 0.0
        if self.batches is None or batches_per_second <= 0:
            return float("inf")
        return (-delivered % self.batches) / batches_per_second

    def reading(self) -> LastStepsReading | None:
        """Return what the ends of epochs so far tell, None before the first."""
        return self._reading

    def _full_steps(self, count: int, last: _Moment) -> tuple[float, float] | None:
        """Return the mean length of the steps before the last one, without waiting, and its error."""
        if self._first is None:
            return None
        steps, first = count - self._first[0], self._first[1]
        span = last.seconds - first.seconds
        if steps < 1 or span <= 0 or not self._looks:
            return None
        seconds = span * (1.0 - self._waiting / self._looks) / steps
        # With no look or all of them waiting the share is not known exactly either.
        share = (self._waiting + 0.5) / (self._looks + 1.0)
        by_share = span * sqrt(share * (1.0 - share) / self._looks)
        by_looks = hypot(first.error, last.error, by_share) / steps
        return seconds, hypot(by_looks, _SPREAD_RATIO * seconds / sqrt(steps))

    def _end(self, now: float) -> None:
        last, full, self._last = self._last, self._full, None
        if last is None or full is None:
            return
        half = (now - max(self._looked, last.seconds)) / 2
        end = _Moment(now - half, half)
        seconds, error = end.seconds - last.seconds, hypot(last.error, end.error)
        most = full[0] + _MOST_DEVIATIONS * hypot(error, _SPREAD_RATIO * full[0])
        if full[0] > 0 and 0 < seconds <= most and error <= _MOST_ERROR_RATIO * full[0]:
            self._ends.append(_End(seconds, error, *full))
            self._reading = _reading(self._ends)


def _reading(ends: Collection[_End]) -> LastStepsReading:
    """Return what all ends tell together."""
    # An epoch in which the training stood still for a while must not count for all of that; one of which only
    # the last steps were seen hardly counts.
    full, full_error = _middle([(end.full_seconds, end.full_error) for end in ends])
    # By the looks' precision, and not by how long it took: short ones would count for more.
    weights = [1.0 / (end.error**2 + (_SPREAD_RATIO * full) ** 2) for end in ends]
    total = sum(weights)
    seconds = sum(weight * end.seconds for weight, end in zip(weights, ends, strict=True)) / total
    return LastStepsReading(len(ends), seconds, total**-0.5, full, full_error)


def _middle(found: Collection[tuple[float, float]]) -> tuple[float, float]:
    """Return the median of (value, standard error) by their precision, and its standard error."""
    weights = sorted((value, max(error, _LEAST_ERROR_SECONDS) ** -2) for value, error in found)
    total = sum(weight for _, weight in weights)
    below = accumulate(weight for _, weight in weights)
    middle = next(value for (value, _), so_far in zip(weights, below, strict=True) if so_far >= total / 2)
    return middle, (_MEDIAN_ERROR if len(weights) > 2 else 1.0) * total**-0.5
