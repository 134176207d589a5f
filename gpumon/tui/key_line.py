"""The bottom line: where one is, the keys, and what gpumon costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import events

from gpumon.model.measure import known
from gpumon.paint.numbers import bytes_text
from gpumon.paint.row import Row, Span, row_width, spread
from gpumon.tui.keys import PLACES
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane


class Item(NamedTuple):
    """A key with its word, and the action that a click on it runs."""

    key: str
    word: str
    action: str
    role: str = "key"


_PAUSE = Item("space", "pause", "app.pause")
_PAUSED = Item("space", "PAUSED", "app.pause", "simulated")
_HELP = Item("?", "help", "app.help")
_QUIT = Item("q", "quit", "app.leave(0)")
_BACK = Item("esc", "back", "app.back")


class KeyLine(Pane):
    """Places and keys. Words are left out, last ones first, where the line is too short for them."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; }"
    FRAMED = False

    def __init__(self, place: str, extra: Sequence[Item] = ()) -> None:
        super().__init__()
        self._place = place
        self._extra = tuple(extra)
        self._extents: list[tuple[int, int, str]] = []

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the one row."""
        del height
        cost = self._cost(frame) if width >= 100 else ()
        for places, extra in ((2, 2), (1, 2), (1, 1), (0, 1), (0, 0)):
            row = self._row(places, extra)
            if row_width(row) + (row_width(cost) + 2 if cost else 0) <= width:
                break
        return [spread(row, cost, width)]

    def on_click(self, event: events.Click) -> None:
        """Run what stands under the pointer."""
        for start, end, action in self._extents:
            if start <= event.x < end:
                self.call_later(self.run_action, action)

    def _row(self, places: int, extra: int) -> Row:
        """Return the row; 2 words for all, 1 for the current place only (keys: the first), 0 digits only."""
        spans: list[Span] = [Span(" ")]
        self._extents = []
        at = 1

        def put(item: Item, words: bool, word_role: str = "") -> None:
            nonlocal at
            text = f" {item.word}" if words else ""
            start = at
            spans.extend((Span(item.key, item.role), Span(text, word_role), Span("  ")))
            at += len(item.key) + len(text) + 2
            self._extents.append((start, at - 2, item.action))

        for place in PLACES:
            here = place.mode == self._place
            words = places == 2 or (places == 1 and here)
            item = Item(place.key, place.title, f"app.place('{place.mode}')")
            put(item, words, "value" if here else "dim")
        for item in self._keys(extra):
            put(item, extra > 0 or item.role != "key", "dim" if item.role == "key" else item.role)
        return tuple(spans)

    def _keys(self, extra: int) -> tuple[Item, ...]:
        pause = _PAUSED if getattr(self.app, "paused", False) else _PAUSE
        own = self._extra if extra == 2 else ()
        last = (_HELP, _QUIT) if self._place else (_BACK, _HELP, _QUIT)
        return (*own, pause, *last)

    @staticmethod
    def _cost(frame: Frame) -> Row:
        own = frame.report.sample.self_reading
        cpu, memory = known(own.cpu_ratio), known(own.memory_bytes)
        cpu_text = "" if cpu is None else f" {cpu * 100:.1f} % CPU"
        memory_text = "" if memory is None else f" {bytes_text(memory)}"
        return (Span(f"gpumon{cpu_text}{memory_text} ", "dim"),)
