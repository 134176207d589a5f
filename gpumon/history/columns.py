"""Columns of a chart: absolute stretches of time with their low, mean and high, computed once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from gpumon.history.chunk import Rows

# Finished columns kept over all series: about 5 MB. 128 cores of 120 columns are 15 360.
_KEPT_COLUMNS = 40_000
# A frame reads each of its series once: one that was not read while all others were so often is not in it.
_KEPT_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Bucket:
    """One column: the lowest, mean and highest number in its stretch of time."""

    low: float
    mean: float
    high: float


def column_of(seconds: float, width: float) -> int:
    """Return the column (c * width, (c + 1) * width] that holds a moment."""
    return ceil(seconds / width) - 1


def bucket_of(rows: tuple[Rows, ...], metric: str, label: str, column: int, width: float) -> Bucket | None:
    """Return one column of a series from rows in order of time, or None where nothing is known.

    A row belongs to the column of its end, and to the columns before it that it covers and no other row
    ends in: at 1 Hz a column of 0.3 s shows the row that covers it. So a row never reaches back into a
    column that was there before it.
    """
    low_seconds, high_seconds = column * width, (column + 1) * width
    lows: list[float] = []
    means: list[float] = []
    highs: list[float] = []
    for part in rows:
        if not part.count or part.chunk.ends[part.count - 1] <= low_seconds:
            continue
        first = part.after(low_seconds)
        last = part.after(high_seconds, first)
        if first == last and not means:
            covers = part.chunk.starts[first] <= low_seconds
            last += covers
            if not covers:
                return None
        means += part.numbers(metric, label, first, last, 1)
        if part.chunk.stride > 1:
            lows += part.numbers(metric, label, first, last, 0)
            highs += part.numbers(metric, label, first, last, 2)
        if last < part.count:
            break
        if part.chunk.ends[part.count - 1] >= high_seconds:
            break
    if not means:
        return None
    if len(means) == 1 and not lows:
        return Bucket(means[0], means[0], means[0])
    # Rows of one number may stand beside rows of three.
    low, high = min(means), max(means)
    if lows:
        low, high = min(low, *lows), max(high, *highs)
    # Rounding may push the mean of equal numbers past them.
    return Bucket(low, min(max(sum(means) / len(means), low), high), high)


class _Kept(NamedTuple):
    """The finished columns of a series from number `first` on; `read` is the number of their last reading."""

    first: int
    columns: tuple[Bucket | None, ...]
    read: int


class Columns:
    """Finished columns of the series that are asked for again and again.

    They never change, so that a frame computes only what is new. Readers in several threads may share
    one: entries are replaced whole, and a lost entry is only computed again.
    """

    __slots__ = ("_kept", "_reads")

    def __init__(self) -> None:
        """Start with nothing kept."""
        # The one read last is the last.
        self._kept: dict[tuple[str, str, float, bool], _Kept] = {}
        self._reads = 0

    def read(
        self,
        rows: tuple[Rows, ...],
        metric: str,
        label: str,
        *,
        width: float,
        first: int,
        last: int,
        is_thinned: bool = False,
    ) -> tuple[Bucket | None, ...]:
        """Return columns first..last, of which `last` may still change.

        `is_thinned` tells that the rows are stretches: what is kept of them is not mixed with what is not.
        """
        key = (metric, label, width, is_thinned)
        there = self._kept.pop(key, None)
        kept_first, kept, _ = there or (first, (), 0)
        if not kept_first <= first <= kept_first + len(kept):
            kept_first, kept = first, ()
        result = kept[first - kept_first : last - kept_first]
        if len(result) < last - first:
            new = range(first + len(result), last)
            result += tuple(bucket_of(rows, metric, label, column, width) for column in new)
        newest = bucket_of(rows, metric, label, last, width)
        if first + len(result) >= kept_first + len(kept):
            kept_first, kept = first, result
        self._reads += 1
        self._kept[key] = _Kept(kept_first, kept, self._reads)
        self._let_go(is_new=there is None)
        return (*result, newest)

    def _let_go(self, *, is_new: bool) -> None:
        """Drop what is looked at no more, as of another width or of a training that is gone."""
        # Another reader may have dropped it, or added one meanwhile.
        with suppress(RuntimeError, StopIteration, KeyError):
            while self._reads - self._oldest().read > _KEPT_ROUNDS * len(self._kept):
                del self._kept[next(iter(self._kept))]
            # A series that is there already hardly becomes longer.
            excess = sum(len(each.columns) for each in self._kept.values()) - _KEPT_COLUMNS if is_new else 0
            while excess > 0 and len(self._kept) > 1:
                excess -= len(self._oldest().columns)
                del self._kept[next(iter(self._kept))]

    def _oldest(self) -> _Kept:
        return next(iter(self._kept.values()))
