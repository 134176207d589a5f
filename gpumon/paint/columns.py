"""Where the columns of a chart stand, so that a new second changes few cells."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from math import ceil
from typing import TypeVar

T = TypeVar("T")

# A chart that moved every second would send all its cells every second.
_STEP_SECONDS = 5.0
_PEN_GAP = 2


class Layout(str, Enum):
    """How a chart goes on: `STEP` moves left when several columns are full; `PEN` sweeps over itself."""

    STEP = "step"
    PEN = "pen"


def newest_column(seconds: float, column_seconds: float) -> int:
    """Return the number of the column (c * width, (c + 1) * width] that holds a moment."""
    return ceil(seconds / column_seconds) - 1


def arrange(
    values: Sequence[T | None],
    newest: int,
    column_seconds: float,
    layout: Layout = Layout.STEP,
) -> tuple[T | None, ...]:
    """Return the columns in their places on the screen; None where there is none.

    `values` are the columns up to column number `newest`, oldest first, one for each place. With `STEP`
    the newest is at most 5 s from the right edge, and the picture stands still for 5 s. With `PEN`
    column c stands at c modulo the width and two empty columns run ahead of the newest.
    """
    width = len(values)
    if not width or column_seconds <= 0:
        return tuple(values)
    if layout is Layout.PEN:
        gap = min(_PEN_GAP, width - 1)
        placed: list[T | None] = [None] * width
        for back in range(width - gap):
            placed[(newest - back) % width] = values[width - 1 - back]
        return tuple(placed)
    step = min(width, max(1, ceil(_STEP_SECONDS / column_seconds)))
    blank = step - 1 - newest % step
    return (*values[blank:], *((None,) * blank))
