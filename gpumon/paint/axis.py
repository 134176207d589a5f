"""Axes: marks of time under a chart and of values beside it."""

from __future__ import annotations

from collections.abc import Callable

from gpumon.paint.numbers import bytes_text, span_text
from gpumon.paint.row import Span, pad

_STEPS_SECONDS = (
    *(5.0, 10.0, 15.0, 30.0),
    *(60.0, 120.0, 300.0, 600.0, 900.0, 1800.0),
    *(3600.0, 7200.0, 10800.0, 21600.0, 43200.0, 86400.0),
)
_LABEL_CELLS = 12


def time_axis(span_seconds: float, width: int, *, now: str = "now") -> Span:
    """Return the marks under a chart of the last `span_seconds`: `-4m   -3m ...   now`, `width` cells."""
    if width <= 0:
        return Span("", "axis")
    cells = [" "] * width
    _write(cells, width - len(now), now)
    labels = max(1, width // _LABEL_CELLS)
    step = next((s for s in _STEPS_SECONDS if span_seconds / s <= labels), _STEPS_SECONDS[-1])
    mark = step
    while mark <= span_seconds * 1.0001:
        text = "-" + span_text(mark)
        at = round(width * (1 - mark / span_seconds))
        _write(cells, at if mark >= span_seconds * 0.9999 else at - len(text) // 2, text)
        mark += step
    return Span("".join(cells), "axis")


def value_axis(height: int, top: float, text: Callable[[float], str], width: int) -> list[Span]:
    """Return `height` labels of `width` cells, uppermost first: top and 0, quarters and half with room."""
    labels = [" " * width] * height
    if height <= 0:
        return []
    quarters = 4 if height >= 9 else 2 if height >= 5 else 1
    for share in (part / quarters for part in range(quarters + 1)):
        row = round((height - 1) * (1 - share))
        labels[row] = pad(text(top * share).rjust(width), width)
    return [Span(label, "axis") for label in labels]


def percent_label(ratio: float) -> str:
    """Return an axis label for a ratio: `50%`."""
    return f"{ratio * 100:.0f}%"


def bytes_label(value: float) -> str:
    """Return an axis label for bytes: `6.0 GB`."""
    return bytes_text(value)


def _write(cells: list[str], at: int, text: str) -> None:
    """Write `text` into free cells only, one blank kept on both sides."""
    end = at + len(text)
    if at < 0 or end > len(cells):
        return
    if any(cell != " " for cell in cells[max(0, at - 1) : end + 1]):
        return
    cells[at:end] = text
