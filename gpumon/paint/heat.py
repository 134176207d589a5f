"""Heat: one cell for each core and stretch of time, in five levels that read without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpumon.paint.glyphs import glyphs
from gpumon.paint.row import Row, runs

LEVELS = 5
_ROLES = tuple(f"heat{number}" for number in range(LEVELS))


@dataclass(frozen=True, slots=True)
class Band:
    """One row of heat: the positions of the cores it stands for, mean and highest value of each column."""

    members: tuple[int, ...]
    means: tuple[float | None, ...]
    highest: tuple[float | None, ...]


def level(ratio: float) -> int:
    """Return the level 0 to 4 of a ratio: steps of 20 %."""
    if ratio >= 1.0:
        return LEVELS - 1
    return int(ratio * LEVELS) if ratio > 0.0 else 0


def heat_row(
    means: Sequence[float | None], highest: Sequence[float | None] = (), *, ascii_only: bool = False
) -> Row:
    """Return a row of one cell for each column: ink by the mean, colour by the highest.

    A missing value is a gap. Without `highest` colour and ink say the same.
    """
    ink = glyphs(ascii_only).heat
    tops = highest if len(highest) == len(means) else means
    cells: list[tuple[str, str]] = []
    for mean, top in zip(means, tops, strict=True):
        if mean is None or mean != mean:  # noqa: PLR0124 (NaN differs from itself)
            cells.append((" ", ""))
            continue
        at = level(mean)
        hottest = at if top is None or top is mean else max(at, level(top))
        cells.append((ink[at], _ROLES[hottest]))
    return runs(cells)


def fold(cores: Sequence[Sequence[float | None]], groups: Sequence[Sequence[int]]) -> list[Band]:
    """Return a band for each group of cores (their positions in `cores`, of equally many columns each).

    A missing value is left out of its column's mean.
    """
    return [Band(tuple(group), *_mean_and_highest([cores[at] for at in group])) for group in groups]


def _mean_and_highest(
    cores: Sequence[Sequence[float | None]],
) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    if len(cores) == 1:
        return tuple(cores[0]), tuple(cores[0])
    means: list[float | None] = []
    highest: list[float | None] = []
    for column in zip(*cores, strict=True):
        seen = [value for value in column if value is not None]
        means.append(sum(seen) / len(seen) if seen else None)
        highest.append(max(seen) if seen else None)
    return tuple(means), tuple(highest)
