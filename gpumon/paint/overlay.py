"""What is laid over rows that are painted already: a cursor, and the marks of an axis."""

from __future__ import annotations

from collections.abc import Sequence

from gpumon.paint.axis import Mark, marked
from gpumon.paint.row import Row, Span, row_text, runs

# An empty cell of a picture of dots.
_BLANKS = " \u2800"
# What an axis is drawn with; letters and corners are left alone.
_AXIS = "─┬┴┼-"


def with_cursor(rows: Sequence[Row], x: int, *, bottom: int, line: str) -> list[Row]:
    """Return rows with a vertical line through column `x` of the rows above `bottom`.

    Where something is drawn already its cell gets the role `cursor` instead. Cells are one column wide.
    """
    return [_with_cell(row, x, line) if y < bottom else row for y, row in enumerate(rows)]


def with_marks(row: Row, left: int, marks: Sequence[Mark | None]) -> Row:
    """Return a row that is an axis with marks, the first of them at column `left`."""
    text = row_text(row)
    body = marked(text[left : left + len(marks)], marks, free=_AXIS)
    return (Span(text[:left], "axis"), *body, Span(text[left + len(marks) :], "axis"))


def _with_cell(row: Row, x: int, line: str) -> Row:
    cells = [(character, role) for text, role in row for character in text]
    if not 0 <= x < len(cells):
        return row
    character = cells[x][0]
    cells[x] = (line, "value") if character in _BLANKS else (character, "cursor")
    return runs(cells)
