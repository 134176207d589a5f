"""Horizontal gauges: one share, or several that add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpumon.paint.glyphs import glyphs
from gpumon.paint.row import Row, Span, runs

_EIGHTHS = 8


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a stacked gauge: its amount, look, and the character of its cells ("" for solid)."""

    amount: float
    role: str
    glyph: str = ""


def gauge(ratio: float | None, width: int, *, role: str = "bar", ascii_only: bool = False) -> Row:
    """Return a bar of `width` cells filled to `ratio` in eighths of a cell; dashes where it is unknown."""
    if width <= 0:
        return ()
    glyph = glyphs(ascii_only)
    if ratio is None or ratio != ratio:  # noqa: PLR0124 (NaN differs from itself)
        return (Span(glyph.dash * width, "bar_rest"),)
    full = width * _EIGHTHS
    eighths = max(1 if ratio > 0 else 0, round(min(1.0, max(0.0, ratio)) * full))
    whole, rest = divmod(eighths, _EIGHTHS)
    filled = glyph.parts[_EIGHTHS] * whole + (glyph.parts[rest] if rest else "")
    spans = (Span(filled, role), Span(glyph.rest * (width - len(filled)), "bar_rest"))
    return tuple(span for span in spans if span.text)


def stacked_gauge(
    parts: Sequence[Part], total: float, width: int, *, limit: float | None = None, ascii_only: bool = False
) -> Row:
    """Return a bar of `width` cells in which each part takes its share of `total`, the rest is free.

    A part above zero gets at least one cell while there is room. `limit` marks the cell where it lies.
    """
    if width <= 0:
        return ()
    glyph = glyphs(ascii_only)
    cells: list[tuple[str, str]] = []
    if total > 0:
        sum_so_far = 0.0
        for part in parts:
            if not part.amount > 0:  # also NaN
                continue
            sum_so_far += part.amount
            end = min(width, max(len(cells) + 1, round(min(1.0, sum_so_far / total) * width)))
            cells.extend([(part.glyph or glyph.parts[_EIGHTHS], part.role)] * (end - len(cells)))
    cells.extend([(glyph.rest, "free")] * (width - len(cells)))
    if limit is not None and total > 0 and 0 <= limit < total:
        at = min(width - 1, int(limit / total * width))
        cells[at] = ("|" if ascii_only else "│", "limit")
    return runs(cells[:width])
