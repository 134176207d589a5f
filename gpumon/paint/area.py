"""A filled area of eighth blocks: one series, perhaps a second one stacked on it."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TypeAlias

from gpumon.paint.glyphs import glyphs
from gpumon.paint.row import Row, runs

_EIGHTHS = 8
_Cell: TypeAlias = tuple[str, str]


def area(
    values: Sequence[float | None],
    *,
    height: int,
    top: float,
    role: str = "gpu",
    stacked: Sequence[float | None] = (),
    stacked_role: str = "wait",
    stacked_glyph: str = "",
    limit: float | None = None,
    peak: float | None = None,
    ascii_only: bool = False,
) -> list[Row]:
    """Return `height` rows of len(values) cells, the uppermost first; `top` is the value of the upper edge.

    `stacked` stands on `values`, drawn as `stacked_glyph`; the cell in which it begins has the role
    `role+stacked_role`. `limit` and `peak` are lines through the cells that are free. A column without a
    value is empty; a value of zero is a dim base line.
    """
    if height <= 0:
        return []
    glyph = glyphs(ascii_only)
    full = height * _EIGHTHS
    lower = _all_eighths(values, top, full)
    # Most charts have nothing stacked, so that this is asked for each of their columns.
    upper = lower
    if stacked:
        upper = [
            low if low is None or not more else max(low, _eighths(_sum(value, more), top, full) or 0)
            for low, value, more in zip(lower, values, _padded(stacked, len(values)), strict=True)
        ]
    lines: dict[int, tuple[str, str]] = {}
    for level, mark, line_role in ((peak, glyph.peak, "peak"), (limit, glyph.limit, "limit")):
        eighths = _eighths(level, top, full)
        if eighths is not None and level is not None and level <= top * 1.0001:
            lines[min(height - 1, max(0, eighths - 1) // _EIGHTHS)] = (mark, line_role)
    shade = (stacked_glyph or glyph.waited, stacked_role)
    free = [lines.get(y, (" ", "")) for y in range(height)]
    levels = [(character, role) for character in glyph.levels]
    # In ASCII a shade is too little ink to have a background of its kind beside it.
    edge_role = role if ascii_only else f"{role}+{stacked_role}"
    edges = [(character, edge_role) for character in glyph.levels]
    zero = (glyph.baseline, "axis")
    # Many columns are as high as another one.
    found: dict[tuple[int | None, int | None], list[_Cell]] = {}
    columns: list[list[_Cell]] = []
    for pair in zip(lower, upper, strict=True):
        column = found.get(pair)
        if column is None:
            low, high = pair
            if low is None or high is None:
                column = free
            else:
                column = _column(low, high, free, (levels, edges), shade) or [zero, *free[1:]]
            found[pair] = column
        columns.append(column)
    if not columns:
        return [()] * height
    return [runs(row) for row in reversed(list(zip(*columns, strict=True)))]


def _column(
    low: int, high: int, free: list[_Cell], looks: tuple[list[_Cell], list[_Cell]], shade: _Cell
) -> list[_Cell] | None:
    """Return the cells of a column from below, or None where nothing is filled.

    A shaded cell has no eighths: it is drawn from half a cell on.
    """
    levels, edges = looks
    whole, part = divmod(low, _EIGHTHS)
    cells = [levels[_EIGHTHS]] * whole
    if part:
        cells.append(edges[part] if high - low >= (_EIGHTHS - part) / 2 else levels[part])
    shaded = (high + _EIGHTHS // 2) // _EIGHTHS - len(cells)
    if shaded > 0:
        cells += [shade] * shaded
    return [*cells, *free[len(cells) :]] if cells else None


def _all_eighths(values: Sequence[float | None], top: float, full: int) -> list[int | None]:
    """Return `_eighths` of each value, without a call for those that lie within the chart."""
    if not 0 < top < inf:
        return [_eighths(value, top, full) for value in values]
    return [
        max(1, round(value / top * full))
        if value is not None and 0 < value < top
        else _eighths(value, top, full)
        for value in values
    ]


def _eighths(value: float | None, top: float, full: int) -> int | None:
    """Return how many of `full` eighths a value fills; one at least where it is above zero."""
    if value is None or value != value:  # noqa: PLR0124 (NaN is the one number that differs from itself)
        return None
    if value <= 0 or not 0 < top < inf:
        return 0
    share = value / top
    return full if share >= 1 else max(1, round(share * full))


def _sum(value: float | None, more: float | None) -> float | None:
    return None if value is None else value + (more or 0.0)


def _padded(values: Sequence[float | None], width: int) -> Sequence[float | None]:
    return [*values[:width], *([None] * (width - len(values)))]
