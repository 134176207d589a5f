"""GPU memory that grows without end: a leak, or a cache that never comes to rest.

Peaks of a healthy training come ever more rarely: in the newer half of n steps about ln 2 = 0.7 new ones
are expected (record theory), four or more by chance in 1 of 200. So several rises there, spread over both
of its halves, are a trend. A leak may show late: what it keeps comes first from memory that is reserved and
free, which nobody sees. So that is asked of stretches of 12 s to an hour, each half as long as the last.
Where whole epochs were seen their peaks are a better series: the same point of every epoch, judged by
Theil-Sen's slope with Kendall's interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from gpumon.diagnosis.epochs import epochs_with_memory
from gpumon.diagnosis.view import View
from gpumon.history.columns import Bucket
from gpumon.history.stats import theil_sen
from gpumon.model.measure import known

# (Span, columns): the last two minutes by the second, the last hour by 10 s.
_SPANS = ((120.0, 120), (3600.0, 360))
_REST = (3600.0, 120)
# A rise by less than this share of the device is jitter of the driver.
_LEAST_RISE = 0.001
_LEAST_RISES = 4
# So many columns at least, or their newer half would be the start of the training.
_LEAST_COLUMNS = 12
# Chosen: without the first two epochs of a run; 4 of the last 6 rise, by 2 % of the device in all; two
# flat ones are rest. Older epochs than 24 say nothing new, and pairs of them cost time.
_FIRST_EPOCHS = 2
_LAST_EPOCHS = 6
_MOST_EPOCHS = 24
_FLAT_EPOCHS = 2
_LEAST_RISE_IN_ALL = 0.02
# What torch gives back when the driver refuses more: hundreds of MB, of a small device a fiftieth of it.
_FLUSH_BYTES = 100e6
_FLUSH_RATIO = 0.02
# Chosen: a batch asks for a quarter of a device at once at most.
_NEAR_LIMIT = 0.75
# Fitted on simulated leaks: of those with three quarters of the time that they need none filled the memory.
_ODDS_SLOPE = 2.0


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth of a training's GPU memory, and how long the rest lasts at that pace.

    It was seen over `watched_seconds`; over so many whole `epochs`, 0 where it was seen within one.
    """

    bytes_per_second: float
    full_in_seconds: float
    left_seconds: float
    watched_seconds: float = 0.0
    epochs: int = 0

    @property
    def probability(self) -> float:
        """The probability that memory is full before the end: an estimate, as growth may stop.

        Even odds where both take the same time, at most 0.95.
        """
        ratio = self.left_seconds / max(self.full_in_seconds, 1e-9)
        return min(0.95, max(0.0, 0.5 + _ODDS_SLOPE * (ratio - 1.0)))


def growth_of(view: View, total_bytes: int, headroom_bytes: int) -> Growth | None:
    """Return the steady growth of the training's GPU memory, or None where it is not seen to grow.

    `headroom_bytes` is what is left above its peak. Where the time to the end of the run is not known, as
    much time again as was looked at is taken.
    """
    seen = [column for column in memory_of_the_hour(view) if column is not None]
    if seen and max(column.high for column in seen) - min(column.low for column in seen) < (
        _LEAST_RISE * total_bytes
    ):
        return None  # the usual case: it rests
    return _by_epochs(view, total_bytes, headroom_bytes) or _by_columns(view, total_bytes, headroom_bytes)


def memory_of_the_hour(view: View) -> tuple[Bucket | None, ...]:
    """Return the GPU memory of the training within the last hour, by half minutes."""
    return view.once(_memory_of_the_hour)


def _memory_of_the_hour(view: View) -> tuple[Bucket | None, ...]:
    return _series(view, *_REST)


def _series(view: View, span_seconds: float, columns: int) -> tuple[Bucket | None, ...]:
    metric, label = "training_gpu_memory_used_bytes", str(view.pid)
    return view.window.series(metric, label, columns=columns, span_seconds=span_seconds)


def _by_epochs(view: View, total_bytes: int, headroom_bytes: int) -> Growth | None:
    epochs = epochs_with_memory(view)
    # The first epochs of a run are no part of a trend; those of before gpumon looked are not among these.
    unseen = max(0, (known(view.reading.progress.epoch) or 0) - len(epochs))
    ends = list(accumulate(epoch.seconds for epoch in epochs))
    points = [
        (end, epoch.gpu_memory_bytes)
        for end, epoch in zip(ends, epochs, strict=True)
        if epoch.gpu_memory_bytes is not None
    ][max(0, _FIRST_EPOCHS - unseen) :][-_MOST_EPOCHS:]
    peaks = [peak for _, peak in points]
    if len(peaks) < _LAST_EPOCHS:
        return None
    least = _LEAST_RISE * total_bytes
    highest = list(accumulate(peaks, max))
    rising = [after - before >= least for before, after in pairwise(highest)]
    if sum(rising[-_LAST_EPOCHS:]) < _LEAST_RISES or not any(rising[-_FLAT_EPOCHS:]):
        return None
    if highest[-1] - peaks[0] <= _LEAST_RISE_IN_ALL * total_bytes:
        return None
    slope = theil_sen([end for end, _ in points], peaks)
    if slope.low <= 0:
        return None
    watched = points[-1][0] - points[0][0]
    return _growth(view, slope.value, headroom_bytes, watched, len(points))


def _by_columns(view: View, total_bytes: int, headroom_bytes: int) -> Growth | None:
    least = _LEAST_RISE * total_bytes
    for span_seconds, columns in _SPANS:
        width = span_seconds / columns
        marks = [
            _Mark(place * width, one.high, counts=True)
            for place, one in enumerate(_series(view, span_seconds, columns))
            if one is not None
        ]
        highest = max((mark.high for mark in marks), default=0.0)
        newest = _unbroken(marks, total_bytes, _NEAR_LIMIT * (highest + headroom_bytes))
        # So many rises need as much room: the usual case of a training that hardly rises ends here.
        if not newest or newest[-1].high - newest[0].high < 0.999 * _LEAST_RISES * least:
            continue
        newest = _counted(view, newest, span_seconds, columns)
        # Growth may have begun late in the span, when what was reserved and free was used up.
        count = len(newest)
        while count >= _LEAST_COLUMNS:
            slope = _trend(newest[-count:], least)
            if slope is not None:
                room = headroom_bytes + int(highest - marks[-1].high)
                return _growth(view, slope, room, newest[-1].seconds - newest[-count].seconds)
            count = max(_LEAST_COLUMNS, count // 2) if count > _LEAST_COLUMNS else 0
    return None


class _Mark(NamedTuple):
    """The most that was held in a column; `counts` is False where a rise is no part of a trend."""

    seconds: float
    high: float
    counts: bool


def _counted(view: View, marks: list[_Mark], span_seconds: float, columns: int) -> list[_Mark]:
    """Return the marks, those of which a rise says nothing of a trend as such.

    The first validation, and the smaller batch before it, need memory of their own, once: so do the columns
    beside.
    """
    width = span_seconds / columns
    validating = view.window.series(
        "validation_ratio", str(view.pid), columns=columns, span_seconds=span_seconds
    )
    is_validating = [one is not None and one.high > 0 for one in validating]
    if not any(is_validating):
        return marks
    first = is_validating.index(True)
    last = next((place for place in range(first, columns) if not is_validating[place]), columns)
    begins, ends = (first - 1.5) * width, (last + 0.5) * width
    return [_Mark(mark.seconds, mark.high, not begins < mark.seconds < ends) for mark in marks]


def _unbroken(marks: list[_Mark], total_bytes: int, near_limit: float) -> list[_Mark]:
    """Return the newest high-water marks without a flush of the allocator between them.

    Who falls from less than `near_limit` was refused nothing: some frameworks empty the cache at the end of
    an epoch, and what comes back after that is no trend. After a flush memory starts again from what is
    needed. Soon after it those before it say how it went: what was refused more memory while it grew is not
    cured by giving its cache back.
    """
    falls = [
        place
        for place in range(1, len(marks))
        if marks[place - 1].high >= near_limit
        and marks[place - 1].high - marks[place].high > max(_FLUSH_BYTES, _FLUSH_RATIO * total_bytes)
    ]
    bounds = [0, *falls, len(marks)]
    if len(bounds) > 2 and bounds[-1] - bounds[-2] < _LEAST_COLUMNS:
        bounds.pop()
    newest = marks[bounds[-2] : bounds[-1]]
    highest = accumulate((mark.high for mark in newest), max)
    return [_Mark(mark.seconds, high, mark.counts) for mark, high in zip(newest, highest, strict=True)]


def _trend(marks: list[_Mark], least: float) -> float | None:
    """Return the pace since the first rise of the newer half, in bytes a second, where that has a trend."""
    newer = marks[len(marks) // 2 :]
    rises = _rises(newer, least)
    middle = (newer[0].seconds + newer[-1].seconds) / 2
    late = sum(1 for rise in rises if rise.seconds > middle)
    if len(rises) < _LEAST_RISES or not 0 < late < len(rises):
        return None
    first = rises[0]
    return (newer[-1].high - first.high) / (newer[-1].seconds - first.seconds)


def _growth(view: View, slope: float, headroom_bytes: int, watched_seconds: float, epochs: int = 0) -> Growth:
    left = known(view.reading.progress.eta_seconds)
    left_seconds = watched_seconds if left is None else left
    return Growth(slope, headroom_bytes / slope, left_seconds, watched_seconds, epochs)


def _rises(marks: list[_Mark], least: float) -> list[_Mark]:
    """Return the marks at which the high-water mark rose by at least so much."""
    rises: list[_Mark] = []
    highest = marks[0].high
    for mark in marks[1:]:
        if mark.high - highest >= least and mark.counts:
            rises.append(mark)
            highest = mark.high
        elif not mark.counts:
            highest = mark.high
    return rises
