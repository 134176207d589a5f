"""Columns of a chart: absolute stretches of time with their low, mean and high, computed once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from math import ceil

from gpumon.history.chunk import Rows

# Finished columns kept over all series: about 4 MB. 128 cores of 120 columns are 15 360.
_KEPT_COLUMNS = 40_000


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


class Columns:
    """Finished columns of every series that was asked for.

    They never change, so that a frame computes only what is new. Readers in several threads may share
    one: entries are replaced whole, and a lost entry is only computed again.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        """Start with nothing kept."""
        self._kept: dict[tuple[str, str, float, bool], tuple[int, tuple[Bucket | None, ...]]] = {}

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
        kept_first, kept = self._kept.get(key, (first, ()))
        if not kept_first <= first <= kept_first + len(kept):
            kept_first, kept = first, ()
        result = kept[first - kept_first : last - kept_first]
        if len(result) < last - first:
            new = range(first + len(result), last)
            result += tuple(bucket_of(rows, metric, label, column, width) for column in new)
        newest = bucket_of(rows, metric, label, last, width)
        if result is not kept and first + len(result) >= kept_first + len(kept):
            # The newest last: series of a width or of a training that nobody looks at any more go first.
            self._kept.pop(key, None)
            self._kept[key] = (first, result)
            while len(self._kept) > 1 and len(self._kept) * len(result) > _KEPT_COLUMNS:
                self._drop_oldest()
        return (*result, newest)

    def _drop_oldest(self) -> None:
        # Another reader may have dropped it, or added one meanwhile.
        with suppress(RuntimeError, StopIteration):
            self._kept.pop(next(iter(self._kept)), None)
