"""Lines with axes and title, drawn by plotext 6 (the only file that knows it).

plotext's figure is one for the whole process: call `plot` from the UI thread only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpumon.paint.row import Row, row_text, runs
from gpumon.tui.lean_import import OPENSSL, PLOTEXT_EXTRAS, left_out

with left_out(*OPENSSL, hollow=PLOTEXT_EXTRAS):
    import plotext

Point = tuple[float, float]

# plotext colours by RGB; these stand for our roles until `_cells` reads them back, so that theme,
# 16 colours and NO_COLOR are decided in one place.
_ROLES = ("line_a", "line_b")
_STAND_INS = ((1, 2, 3), (4, 5, 6))
_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_MARKERS = ("braille", "braille")
_ASCII_MARKERS = ("*", "o")


@dataclass(frozen=True, slots=True)
class Scale:
    """One axis: its ends, and its ticks as (value, label)."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where the lines of a chart are: from column `left` on, in the rows above that of the time axis."""

    left: int
    axis: int


def plot(
    lines: Sequence[Sequence[Point | None]],
    *,
    width: int,
    height: int,
    x: Scale,
    y: Scale,
    ascii_only: bool = False,
) -> list[Row]:
    """Return `height` rows of `width` cells with at most two lines; None breaks a line.

    Later lines are drawn over earlier ones. Of the frame only the two axes are left: a pane has its own.
    """
    if width < 12 or height < 5:
        return []
    # Otherwise a figure is never larger than plotext thinks the terminal is.
    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    # One row and one column more, for the edges that are left out.
    figure.plot_size(width + 1, height + 1)
    figure.theme("colorless")
    for name, scale in (("x", x), ("y", y)):
        ruler = figure.ruler(axis=name)
        ruler.lim(scale.low, scale.high)
        ruler.ticks([value for value, _ in scale.ticks], [label for _, label in scale.ticks])
    markers = _ASCII_MARKERS if ascii_only else _MARKERS
    for points, marker, color in zip(lines, markers, _STAND_INS, strict=False):
        look = plotext.marker(marker, color)
        for piece in _unbroken(points):
            signal = figure.signal([at for at, _ in piece], [value for _, value in piece], marker=look)
            signal.lines()
            figure.draw(signal)
    text = str(figure.build())
    figure.clear()
    return [runs(list(_cells(line))[:width]) for line in text.split("\n")[1 : height + 1]]


def _unbroken(points: Sequence[Point | None]) -> Iterator[list[Point]]:
    """Yield the stretches of a line between its gaps."""
    piece: list[Point] = []
    for point in points:
        if point is not None:
            piece.append(point)
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _cells(line: str) -> Iterator[tuple[str, str]]:
    """Yield the characters of a line of plotext's output with our roles for its colours."""
    role = "axis"
    position = 0
    for match in _SGR.finditer(line):
        yield from ((character, role) for character in line[position : match.start()])
        position = match.end()
        role = _role(match.group(1))
    yield from ((character, role) for character in line[position:])


def _role(parameters: str) -> str:
    for role, (red, green, blue) in zip(_ROLES, _STAND_INS, strict=True):
        if parameters == f"38;2;{red};{green};{blue}":
            return role
    return "axis"


def canvas_of(rows: Sequence[Row]) -> Canvas | None:
    """Return where the lines are in what `plot` returned, or None where its axes are not found."""
    for y in range(len(rows) - 1, 0, -1):
        text = row_text(rows[y])
        left = text.find("└") + 1
        if left > 0:
            return Canvas(left, y)
    return None
