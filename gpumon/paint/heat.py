"""Heat: one cell for each core and stretch of time, in five levels that read without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpumon.paint.glyphs import glyphs
from gpumon.paint.row import Row, runs

LEVELS = 5


@dataclass(frozen=True, slots=True)
class Band:
    """One row of heat: the cores it stands for, and mean and highest value of each column."""

    first: int
    last: int
    means: tuple[float | None, ...]
    highest: tuple[float | None, ...]


def level(ratio: float) -> int:
    """Return the level 0 to 4 of a ratio: steps of 20 %."""
    return min(LEVELS - 1, int(min(1.0, max(0.0, ratio)) * LEVELS))


def cell(mean: float | None, highest: float | None = None, *, ascii_only: bool = False) -> tuple[str, str]:
    """Return character and role of one cell: ink by the mean, colour by the highest."""
    if mean is None or mean != mean:  # noqa: PLR0124 (NaN differs from itself)
        return " ", ""
    ink = level(mean)
    hottest = ink if highest is None else max(ink, level(highest))
    return glyphs(ascii_only).heat[ink], f"heat{hottest}"


def heat_row(
    means: Sequence[float | None], highest: Sequence[float | None] = (), *, ascii_only: bool = False
) -> Row:
    """Return a row of one cell for each column; a missing value is a gap."""
    tops = highest if len(highest) == len(means) else [None] * len(means)
    return runs(cell(mean, top, ascii_only=ascii_only) for mean, top in zip(means, tops, strict=True))


def fold(cores: Sequence[Sequence[float | None]], rows: int) -> list[Band]:
    """Return at most `rows` bands for cores of equally many columns: as many cores in each as are needed.

    A missing value is left out of its column's mean.
    """
    if not cores or rows <= 0:
        return []
    each = -(-len(cores) // rows)
    return [
        Band(
            first,
            min(first + each, len(cores)) - 1,
            *_mean_and_highest(cores[first : first + each]),
        )
        for first in range(0, len(cores), each)
    ]


def _mean_and_highest(
    cores: Sequence[Sequence[float | None]],
) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    means: list[float | None] = []
    highest: list[float | None] = []
    for column in zip(*cores, strict=True):
        seen = [value for value in column if value is not None]
        means.append(sum(seen) / len(seen) if seen else None)
        highest.append(max(seen) if seen else None)
    return tuple(means), tuple(highest)
