"""The bar of a replay: where one is in the recording, what happened when, and how fast it plays."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

from gpumon.model.text import clean
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import duration
from gpumon.paint.row import Row, Span, clip, pad, row_width, runs
from gpumon.recording.mark import MarkKind
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from gpumon.monitor.replay_state import ReplayState

_LEAST_TIMELINE = 16
# Words about what happened last: as many as leave the timeline its greater part.
_WORDS_SHARE = 0.35
_WORDS_FROM_WIDTH = 100
_LEAST_WORDS = 8
_TIME_CELLS = 6
_SPEED_CELLS = 5


class ReplayBar(Pane):
    """One line: `> x1  12m05s of 1h02m  14:03:20 [----|--^-----]  what happened last`."""

    DEFAULT_CSS = "ReplayBar { height: 1; }"
    FRAMED = False

    class Sought(Message):
        """A click on the timeline: go there."""

        def __init__(self, seconds: float) -> None:
            super().__init__()
            self.seconds = seconds

    def __init__(self) -> None:
        super().__init__()
        self._line = (0, 0)

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the line."""
        del height
        state = frame.view.replay
        if state is None:
            return []
        glyph = glyphs(frame.view.ascii)
        head = _head(state, glyph)
        tail = _tail(state, glyph, width, width - row_width(head) - _LEAST_TIMELINE - 2)
        room = width - row_width(head) - row_width(tail) - 2
        self._line = (row_width(head) + 1, max(0, room))
        if room < _LEAST_TIMELINE:
            return [head]
        edges = (Span(glyph.left_edge, "dim"), Span(glyph.right_edge, "dim"))
        return [(*head, edges[0], *_timeline(state, room, glyph), edges[1], *tail)]

    def on_click(self, event: events.Click) -> None:
        """Go to the moment under the pointer."""
        state = None if self.frame is None else self.frame.view.replay
        start, cells = self._line
        if state is not None and start <= event.x < start + cells:
            share = (event.x - start) / max(1, cells - 1)
            self.post_message(self.Sought(state.first_seconds + share * state.length_seconds))


def _head(state: ReplayState, glyph: Glyphs) -> Row:
    moment = datetime.fromtimestamp(state.now.unix_seconds, tz=timezone.utc).astimezone()
    sign, role = (glyph.cursor + " ", "good") if state.playing else ("II", "dim")
    elapsed = duration(state.elapsed_seconds, _TIME_CELLS)
    return (
        Span(f" {sign} ", role),
        Span(f"{glyph.times}{state.speed:g}".ljust(_SPEED_CELLS), "value"),
        Span(elapsed, "value"),
        Span(f" of {duration(state.length_seconds)}  ", "dim"),
        Span(f"{moment:%H:%M:%S} "),
    )


def _tail(state: ReplayState, glyph: Glyphs, width: int, room: int) -> Row:
    """Return what is in the way, else what happened last."""
    mark = state.newest_mark
    is_wide = width >= _WORDS_FROM_WIDTH
    if state.trouble:
        text, role = state.trouble, "danger"
    elif state.is_seeking:
        text, role = "reading the hour before ...", "info"
    elif state.is_thinned:
        text, role = "thinned: findings as told live", "dim"
    elif is_wide and state.marks:
        text, role = "" if mark is None else mark.text, "dim"
    else:
        return ()
    cells = min(room, int(width * _WORDS_SHARE))
    if cells < _LEAST_WORDS:
        return ()
    words = clip(clean(text), cells - 1, glyph.ellipsis)
    # Always as wide: the line beside it must not change its length with every word.
    return (Span(" " + (pad(words, cells - 1) if is_wide else words), role),)


def _timeline(state: ReplayState, cells: int, glyph: Glyphs) -> Row:
    """Return the recording as a line: what was passed, what is thinned, and where something happened."""
    line = [glyph.limit] * cells
    length = max(state.length_seconds, 1e-9)

    def cell(seconds: float) -> int:
        share = min(1.0, max(0.0, (seconds - state.first_seconds) / length))
        return round(share * (cells - 1))

    here = cell(state.now.monotonic_seconds)
    if state.full_from_seconds > state.first_seconds:
        thinned = cell(state.full_from_seconds)
        line[:thinned] = [glyph.peak] * thinned
    roles = ["bar" if at < here else "bar_rest" for at in range(cells)]
    for mark in state.marks:
        at = cell(mark.monotonic_seconds)
        if mark.kind is MarkKind.FINDING:
            line[at], roles[at] = glyph.up, "warn"
        elif mark.kind in (MarkKind.ENDED, MarkKind.GAP) and line[at] != glyph.up:
            line[at], roles[at] = glyph.ring, "dim"
    line[here], roles[here] = glyph.bullet, "value"
    return tuple(runs(zip(line, roles, strict=True)))
