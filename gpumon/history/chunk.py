"""Rows of numbers over time, append-only, so that a reader may hold a prefix while the owner goes on."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from math import nan

_EMPTY: dict[str, array[float]] = {}


class Chunk:
    """Rows that cover (start, end] of monotonic seconds, with one column for each (metric, label).

    `stride` is the numbers a cell has: 1 (a value) or 3 (low, mean, high). Numbers are float32: a
    thousandth of a percent, or 1 KiB of 16 GiB. A column may be shorter than the rows: the rest is not
    known (NaN). Only its owner appends; rows and numbers that are there never change.
    """

    __slots__ = ("columns", "ends", "number", "starts", "stride")

    def __init__(self, number: int, stride: int = 1) -> None:
        """Make an empty chunk; `number` says which absolute stretch of time it holds."""
        self.number = number
        self.stride = stride
        self.starts: array[float] = array("d")
        self.ends: array[float] = array("d")
        self.columns: dict[str, dict[str, array[float]]] = {}

    def add_row(self, start: float, end: float) -> None:
        """Begin a row that covers (start, end]."""
        self.starts.append(start)
        self.ends.append(end)

    def put(self, metric: str, label: str, *cell: float) -> None:
        """Write the cell of the newest row; `cell` has `stride` numbers."""
        columns = self.columns.get(metric)
        if columns is None:
            columns = self.columns[metric] = {}
        column = columns.get(label)
        if column is None:
            column = columns[label] = array("f")
        behind = (len(self.ends) - 1) * self.stride - len(column)
        if behind > 0:
            column.extend([nan] * behind)
        column.extend(cell)

    def put_numbers(self, metric: str, numbers: Iterable[tuple[str, float | None]]) -> None:
        """Write the numbers of a metric by label into the newest row, one a cell; None is not known."""
        columns = self.columns.get(metric, _EMPTY)
        before = len(self.ends) - 1
        for label, number in numbers:
            if number is None:
                continue
            column = columns.get(label)
            # As a rule the row before has a number, too.
            if column is not None and len(column) == before:
                column.append(number)
            else:
                self.put(metric, label, number)

    def labels(self, metric: str) -> tuple[str, ...]:
        """Return the labels of `metric` that have a column."""
        return tuple(self.columns.get(metric, _EMPTY))


@dataclass(frozen=True, slots=True)
class Rows:
    """The first `count` rows of a chunk: what was there at one moment."""

    chunk: Chunk
    count: int

    def after(self, seconds: float, low: int = 0) -> int:
        """Return the index of the first row that ends after `seconds`, or `count`."""
        return bisect_right(self.chunk.ends, seconds, low, self.count)

    def numbers(self, metric: str, label: str, first: int, last: int, part: int) -> list[float]:
        """Return the known numbers of rows first..last-1; `part` 0 is low, 1 mean, 2 high."""
        column = self.chunk.columns.get(metric, _EMPTY).get(label)
        if column is None:
            return []
        stride = self.chunk.stride
        offset = part if stride > 1 else 0
        # NaN is the only number that differs from itself.
        return [x for x in column[first * stride + offset : last * stride : stride] if x == x]  # noqa: PLR0124 - NaN

    def extremes(self, metric: str, label: str, first: int, last: int) -> tuple[float, float, float] | None:
        """Return low, mean and high of rows first..last-1, or None where nothing is known."""
        means = self.numbers(metric, label, first, last, 1)
        if not means:
            return None
        lows = highs = means
        if self.chunk.stride > 1:
            lows = self.numbers(metric, label, first, last, 0) or means
            highs = self.numbers(metric, label, first, last, 2) or means
        return min(lows), sum(means) / len(means), max(highs)
