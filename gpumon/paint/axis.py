"""Axes: marks of time under a chart and of values beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log10

from gpumon.paint.numbers import bytes_text, percent, span_text
from gpumon.paint.row import Row, Span, pad, runs

_STEPS_SECONDS = (
    *(5.0, 10.0, 15.0, 30.0),
    *(60.0, 120.0, 300.0, 600.0, 900.0, 1800.0),
    *(3600.0, 7200.0, 10800.0, 21600.0, 43200.0, 86400.0),
)
_LABEL_CELLS = 12


@dataclass(frozen=True, slots=True)
class Mark:
    """A glyph on the time axis for what happened in a column, and a word that follows it where it has room.

    An urgent one takes the place of a label that is in its way; others wait until they have moved past it.
    """

    glyph: str
    role: str
    word: str = ""
    is_urgent: bool = False


# The same in every second, under three charts.
@lru_cache(maxsize=32)
def time_axis(span_seconds: float, width: int, *, now: str = "now") -> Span:
    """Return the marks under a chart of the last `span_seconds`: `-4m   -3m ...   now`, `width` cells."""
    if width <= 0:
        return Span("", "axis")
    cells = [" "] * width
    _write(cells, width - len(now), now)
    for seconds, text in reversed(time_ticks(span_seconds, max(1, width // _LABEL_CELLS))[:-1]):
        at = round(width * (1 + seconds / span_seconds))
        _write(cells, at if at == 0 else at - len(text) // 2, text)
    return Span("".join(cells), "axis")


def marked(axis: str, marks: Sequence[Mark | None], *, free: str = " ", role: str = "axis") -> Row:
    """Return an axis with the marks of its cells, from its first one on.

    `free` are the characters a mark may stand on. A word is written where a free cell is left behind it.
    """
    cells = [(character, role) for character in axis]
    places = [(at, mark) for at, mark in enumerate(marks[: len(cells)]) if mark is not None]
    for at, mark in places:
        if mark.is_urgent:
            _clear_label(cells, at, free, role)
    placed = [(at, mark) for at, mark in places if cells[at][0] in free]
    for at, mark in placed:
        cells[at] = (mark.glyph, mark.role)
    for at, mark in placed:
        end = at + 1 + len(mark.word)
        room = "".join(character for character, _ in cells[at + 1 : end + 1])
        if mark.word and len(room) > len(mark.word) and not room.strip(free):
            cells[at + 1 : end] = [(character, mark.role) for character in mark.word]
    return runs(cells)


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
    """Return an axis label for a ratio: `50 %`, as everywhere else."""
    return percent(ratio, 0)


def bytes_label(value: float) -> str:
    """Return an axis label for bytes: `6.0 GiB`."""
    return bytes_text(value)


def round_ticks(top: float, count: int) -> list[float]:
    """Return at most `count` + 1 round values (steps of 1, 2 or 5) from 0 to at least `top`."""
    if top <= 0 or count < 1:
        return [0.0, 1.0]
    rough = top / count
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.9999)
    return [step * mark for mark in range(ceil(top / step * 0.9999) + 1)]


def time_ticks(span_seconds: float, count: int) -> list[tuple[float, str]]:
    """Return at most `count` + 2 marks of the last `span_seconds` as (seconds, negative; label)."""
    step = _step(span_seconds, count)
    marks = range(int(span_seconds / step * 1.0001), 0, -1)
    return [*((-mark * step, "-" + span_text(mark * step)) for mark in marks), (0.0, "now")]


def clock_ticks(
    until_unix_seconds: float, span_seconds: float, count: int, text: Callable[[float], str]
) -> list[tuple[float, str]]:
    """Return at most `count` + 1 marks at round times of day as (seconds to the end, negative; label)."""
    step = _step(span_seconds, count)
    first = ceil((until_unix_seconds - span_seconds) / step)
    marks = (mark * step for mark in range(first, floor(until_unix_seconds / step) + 1))
    return [(mark - until_unix_seconds, text(mark)) for mark in marks]


def _step(span_seconds: float, count: int) -> float:
    return next((s for s in _STEPS_SECONDS if span_seconds / s <= max(1, count)), _STEPS_SECONDS[-1])


def _clear_label(cells: list[tuple[str, str]], at: int, free: str, role: str) -> None:
    """Let nothing but a free cell stand where a label covers one."""
    first = last = at
    while first > 0 and cells[first - 1][0] not in free:
        first -= 1
    while last < len(cells) and cells[last][0] not in free:
        last += 1
    if cells[at][0] not in free:
        cells[first:last] = [(free[0], role)] * (last - first)


def _write(cells: list[str], at: int, text: str) -> None:
    """Write `text` into free cells only, one blank kept on both sides."""
    end = at + len(text)
    if at < 0 or end > len(cells):
        return
    if any(cell != " " for cell in cells[max(0, at - 1) : end + 1]):
        return
    cells[at:end] = text
