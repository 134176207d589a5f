"""Lines of braille dots: two columns and four rows of dots in each cell."""

from __future__ import annotations

from collections.abc import Sequence

from gpumon.paint.glyphs import glyphs
from gpumon.paint.row import Row, runs

_BLANK = 0x2800
# Bits of the dots of a cell by (column, row from the top): Unicode, Braille Patterns.
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_ROLES = ("line_a", "line_b")


def lines(
    series: Sequence[Sequence[float | None]],
    *,
    width: int,
    height: int,
    low: float = 0.0,
    high: float = 1.0,
    ascii_only: bool = False,
) -> list[Row]:
    """Return `height` rows of `width` cells with at most two series, each of up to 2 * width values.

    Values are spread from the left, two a cell. A missing value breaks the line. In a cell that both
    series cross the dots of both are drawn and the second one's role is kept.
    """
    if width <= 0 or height <= 0:
        return []
    dots: list[list[int]] = [[0] * width for _ in range(height)]
    owner: list[list[int]] = [[-1] * width for _ in range(height)]
    for number, values in enumerate(series[:2]):
        previous: int | None = None
        for x, value in enumerate(values[: 2 * width]):
            level = _level(value, low, high, height * 4)
            if level is None:
                previous = None
                continue
            for dot in _between(previous, level):
                cell_x, row = x // 2, height - 1 - dot // 4
                dots[row][cell_x] |= _BITS[x % 2][3 - dot % 4]
                owner[row][cell_x] = number
            previous = level
    glyph = glyphs(ascii_only)
    marks = (glyph.line_a, glyph.line_b)

    def character(row: int, x: int) -> str:
        if not dots[row][x]:
            return " "
        return marks[owner[row][x]] if ascii_only else chr(_BLANK + dots[row][x])

    return [
        runs((character(row, x), _ROLES[owner[row][x]] if owner[row][x] >= 0 else "") for x in range(width))
        for row in range(height)
    ]


def _level(value: float | None, low: float, high: float, full: int) -> int | None:
    """Return the row of dots from the bottom, or None."""
    if value is None or value != value or high <= low:  # noqa: PLR0124 (NaN differs from itself)
        return None
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return min(full - 1, int(share * full))


def _between(previous: int | None, level: int) -> range:
    """Return the dots that join a column to the one before it, without the one that is drawn already."""
    if previous is None or previous == level:
        return range(level, level + 1)
    return range(previous + 1, level + 1) if level > previous else range(level, previous)
