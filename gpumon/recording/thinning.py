"""The past in steps: low, mean and high of every measure over stretches that grow with age."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gpumon.history.extremes import Numbers
from gpumon.model.metrics import METRICS
from gpumon.model.sample import Sample
from gpumon.recording.schema import RecordingError, pack, unpack

# What a series is numbered with: 16 bits.
_MOST_SERIES = 65_535
_CELL_BYTES = 2 + 3 * 4


@dataclass(frozen=True, slots=True)
class Tier:
    """Stretches of one length, and how long they are kept (None: for good)."""

    seconds: float
    kept_seconds: float | None


TIERS = (Tier(10.0, 24 * 3600.0), Tier(60.0, 72 * 3600.0), Tier(600.0, None))
# Of what is older than the full part one whole sample is left in this time.
WHOLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One series over one stretch: `total` is the sum of `count` numbers."""

    low: float
    total: float
    count: int
    high: float

    def joined(self, other: Cell) -> Cell:
        """Return the cell of both stretches together."""
        return Cell(
            min(self.low, other.low),
            self.total + other.total,
            self.count + other.count,
            max(self.high, other.high),
        )


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch that is over: (start, end] of monotonic seconds, and its cells by number of the series."""

    tier: int
    start_seconds: float
    end_seconds: float
    cells: dict[int, Cell]


class SeriesNumbers(Protocol):
    """Numbers the series."""

    def number(self, metric: str, label: str) -> int:
        """Return the number of a series, a new one at its first sight."""
        ...


class Thinning:
    """Folds samples into stretches. A stretch is that of the clock, and holds the samples in (start, end]."""

    def __init__(self, series: SeriesNumbers) -> None:
        """Start empty."""
        self._series = series
        self._numbers: dict[tuple[str, str], int] = {}
        self._column: int | None = None
        self._values: dict[int, list[float]] = {}
        self._coarse: list[tuple[int, dict[int, Cell]]] = []

    def add(self, sample: Sample) -> list[Stretch]:
        """Take in the next sample; return the stretches that are over by it."""
        closed = self._advance(sample.instant.monotonic_seconds)
        values = self._values
        for metric in METRICS:
            for label, value in metric.read(sample):
                # NaN, which differs from itself, is no number to fold.
                if value is None or value != value:  # noqa: PLR0124 - NaN
                    continue
                number = self._numbers.get((metric.name, label)) or self._new(metric.name, label)
                if number in values:
                    values[number].append(value)
                elif number:
                    values[number] = [value]
        return closed

    def add_numbers(self, numbers: Numbers) -> list[Stretch]:
        """Take in the next samples by their numbers, of one stretch at most; return what is over by it."""
        closed = self._advance(numbers.end_seconds)
        for key, row in numbers.values.items():
            number = self._numbers.get(key) or self._new(*key)
            if number and row:
                self._values.setdefault(number, []).extend(row)
        return closed

    def close(self) -> list[Stretch]:
        """Return the stretches that are not over yet: the recording ends here."""
        if self._column is None:
            return []
        closed = self._close()
        for tier, (column, cells) in enumerate(self._coarse, 1):
            closed.append(_stretch(tier, column, cells))
        self._coarse = []
        self._column = None
        return closed

    def _advance(self, seconds: float) -> list[Stretch]:
        """Go on to a moment; return the stretches that are over by it."""
        closed: list[Stretch] = []
        column = _column_of(seconds, TIERS[0].seconds)
        if self._column is not None and column > self._column:
            closed = self._close()
        if self._column is None or column > self._column:
            self._column = column
        return closed

    def _new(self, metric: str, label: str) -> int:
        if len(self._numbers) >= _MOST_SERIES:
            return 0
        number = self._series.number(metric, label)
        self._numbers[metric, label] = number
        return number

    def _close(self) -> list[Stretch]:
        """Close the finest stretch, and fold it into the coarser ones."""
        column = self._column or 0
        values, self._values = self._values, {}
        cells = {key: Cell(min(row), sum(row), len(row), max(row)) for key, row in values.items()}
        closed = [_stretch(0, column, cells)]
        coarse: list[tuple[int, dict[int, Cell]]] = []
        end = (column + 1) * TIERS[0].seconds
        for tier in range(1, len(TIERS)):
            own = _column_of(end, TIERS[tier].seconds)
            before = self._coarse[tier - 1] if self._coarse else (own, {})
            if before[0] != own:
                closed.append(_stretch(tier, *before))
                before = (own, {})
            folded = before[1]
            for key, cell in cells.items():
                folded[key] = folded[key].joined(cell) if key in folded else cell
            coarse.append((own, folded))
        self._coarse = coarse
        return closed


def to_blob(cells: dict[int, Cell]) -> bytes:
    """Return cells as bytes: numbers of series, lows, means, highs; little-endian, float32."""
    keys = sorted(cells)
    means = [cells[key].total / cells[key].count for key in keys]
    numbers = array("f", [*(cells[key].low for key in keys), *means, *(cells[key].high for key in keys)])
    return pack(_bytes(array("H", keys)) + _bytes(numbers))


def cells_of(blob: bytes) -> Iterator[tuple[int, float, float, float]]:
    """Yield number of the series, low, mean and high. Raises RecordingError for garbage."""
    plain = unpack(blob)
    count, rest = divmod(len(plain), _CELL_BYTES)
    if rest:
        raise RecordingError("the recording is broken: a stretch is cut short")
    keys: array[int] = array("H", plain[: 2 * count])
    numbers: array[float] = array("f", plain[2 * count :])
    if sys.byteorder == "big":
        keys.byteswap()
        numbers.byteswap()
    return zip(keys, numbers[:count], numbers[count : 2 * count], numbers[2 * count :], strict=True)


def cell_of(blob: bytes, series: frozenset[int]) -> tuple[float, float, float] | None:
    """Return low, mean and high of one of these series. Raises RecordingError for garbage."""
    return next(((low, mean, high) for key, low, mean, high in cells_of(blob) if key in series), None)


def _bytes(numbers: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _column_of(seconds: float, width: float) -> int:
    """Return the column (c * width, (c + 1) * width] that holds a moment."""
    return -int(-seconds // width) - 1


def _stretch(tier: int, column: int, cells: dict[int, Cell]) -> Stretch:
    width = TIERS[tier].seconds
    return Stretch(tier, column * width, (column + 1) * width, cells)
