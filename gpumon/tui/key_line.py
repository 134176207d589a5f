"""The bottom line: where one is, the keys, and what gpumon costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, cast

from textual import events
from textual.screen import Screen

from gpumon.model.measure import known
from gpumon.paint.numbers import bytes_text
from gpumon.paint.row import Row, Span, row_width, spread
from gpumon.tui.key_map import shown_as
from gpumon.tui.keys import PLACES
from gpumon.tui.list_pane import ListPane
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane


class Item(NamedTuple):
    """A key as it is shown, its word, and the key that a click stands for."""

    shown: str
    word: str
    key: str
    role: str = ""


class _Wording(NamedTuple):
    """Which words there is room for: of all places, of this place, of help; which keys are shown besides.

    `sources` is the word of the key for sources, which every screen has, as it has `pause` and `help`.
    """

    all_places: bool
    this_place: bool
    own_keys: bool
    words: bool
    pause: bool = True
    help: bool = True
    sources: bool = True


class _Paused(Protocol):
    paused: bool
    is_replay: bool

    def moved_keys(self, screen: Screen[object]) -> Mapping[str, str]: ...


_PAUSE = Item("space", "pause", "space")
_PAUSED = Item("space", "PAUSED", "space", "simulated")
_PLAY = Item("space", "play", "space")
# In a replay its keys stand where the place's own ones do.
_REPLAY = (
    Item(", .", "step", "full_stop"),
    Item("< >", "speed", "greater_than_sign"),
    Item("n", "finding", "n"),
)
_SOURCES = Item("i", "sources", "i")
_HELP = Item("?", "help", "question_mark")
_QUIT = Item("q", "quit", "q")
_BACK = Item("esc", "back", "escape")

# The arrow keys in ASCII, a cell each.
_ASCII_ARROWS = str.maketrans("←→↑↓", "<>^v")

# gpumon's own cost is shown wherever it does not take the place of the keys, and apart from them.
_COST_FROM_WIDTH = 110
_COST_GAP_CELLS = 3

_WORDINGS = (
    _Wording(all_places=True, this_place=True, own_keys=True, words=True),
    _Wording(all_places=False, this_place=True, own_keys=True, words=True),
    # For 80 columns: a place's own keys are of more use than the names of the other places and of pause.
    _Wording(all_places=False, this_place=True, own_keys=True, words=True, pause=False),
    _Wording(
        all_places=False, this_place=True, own_keys=True, words=True, pause=False, help=False, sources=False
    ),
    _Wording(all_places=True, this_place=True, own_keys=False, words=True),
    _Wording(all_places=True, this_place=True, own_keys=False, words=True, pause=False),
    # For 80 columns: pause and the word sources go before the names of the places, but never the word PAUSED
    # nor the word help: who is here for the first time looks for that.
    _Wording(all_places=True, this_place=True, own_keys=False, words=True, pause=False, sources=False),
    _Wording(all_places=False, this_place=True, own_keys=False, words=True),
    _Wording(all_places=False, this_place=False, own_keys=False, words=True),
    _Wording(all_places=False, this_place=False, own_keys=False, words=False),
)


# The overview is where the names of the places are learned: its own keys are left out before them.
_OVERVIEW_WORDINGS = tuple(wording for wording in _WORDINGS if wording.all_places or not wording.own_keys)


# A replay's keys are new to most: they go last.
_REPLAY_WORDINGS = (
    _Wording(all_places=True, this_place=True, own_keys=True, words=True),
    _Wording(all_places=False, this_place=True, own_keys=True, words=True),
    _Wording(all_places=False, this_place=True, own_keys=True, words=True, sources=False),
    _Wording(all_places=False, this_place=False, own_keys=True, words=True),
    _Wording(all_places=False, this_place=False, own_keys=False, words=True),
    _Wording(all_places=False, this_place=False, own_keys=False, words=False),
)


class KeyLine(Pane):
    """Places and keys, in as many words as there is room for. A click on one is its key."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; }"
    FRAMED = False

    def __init__(self, place: str, own: Sequence[Item] = ()) -> None:
        super().__init__()
        self._place = place
        self._own = self._first = tuple(own)
        self._is_ascii = False
        self._extents: list[tuple[int, int, str]] = []
        # Keys that the user has moved, with where to.
        self._moved: Mapping[str, str] = {}

    def offer(self, own: Sequence[Item]) -> None:
        """Show other keys of the place, as for a pane that is over the whole screen."""
        if self._own != tuple(own):
            self._own = tuple(own)
            self.redraw()

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the one row."""
        del height
        self._moved = cast("_Paused", self.app).moved_keys(self.screen)
        self._is_ascii = frame.view.ascii
        wordings: Sequence[_Wording] = _WORDINGS
        cost = self._cost(frame) if width >= _COST_FROM_WIDTH else ()
        if frame.view.replay is not None:
            wordings = _REPLAY_WORDINGS
        elif self._place == PLACES[0].mode and self._own == self._first:
            wordings = _OVERVIEW_WORDINGS
        row: Row = ()
        room = width - (row_width(cost) + _COST_GAP_CELLS if cost else 0)
        for wording in wordings:
            row = self._row(wording)
            if row_width(row) <= room:
                break
        return [spread(row, cost, width)]

    def on_click(self, event: events.Click) -> None:
        """Press the key under the pointer."""
        for start, end, key in self._extents:
            if start <= event.x < end:
                focused = self.screen.focused
                if focused is not None and not isinstance(focused, Pane):
                    # A line that text is typed into would take the key for a letter.
                    self.screen.set_focus(next(iter(self.screen.query(ListPane)), None))
                self.app.simulate_key(key)

    def _row(self, wording: _Wording) -> Row:
        spans: list[Span] = []
        self._extents = []
        at = 0

        def put(item: Item, text: str, role: str, gap: str = " ") -> None:
            nonlocal at
            if self._moved:
                item = item._replace(
                    shown=shown_as(item.shown, self._moved), key=self._moved.get(item.key, item.key)
                )
            if self._is_ascii:
                item = item._replace(shown=item.shown.translate(_ASCII_ARROWS))
            start = at + len(gap)
            at = start + len(item.shown) + len(text)
            spans.extend((Span(gap), Span(item.shown, item.role or "key"), Span(text, role)))
            self._extents.append((start, at, item.key))

        for place in PLACES:
            here = place.mode == self._place
            shown = wording.all_places or (here and wording.this_place)
            text = f" {place.title}" if shown else ""
            put(Item(place.key, place.title, place.key), text, "value" if here else "dim")
        for index, item in enumerate(self._keys(wording)):
            shown = wording.words or bool(item.role)
            shown = shown and (wording.help or item is not _HELP)
            shown = shown and (wording.sources or item is not _SOURCES)
            text = f" {item.word}" if shown else ""
            put(item, text, item.role or "dim", "  " if index == 0 else " ")
        return tuple(span for span in spans if span.text)

    def _keys(self, wording: _Wording) -> tuple[Item, ...]:
        app = cast("_Paused", self.app)
        own = self._own if wording.own_keys else ()
        if app.is_replay:
            pause: tuple[Item, ...] = (_PLAY if app.paused else _PAUSE,)
            own = _REPLAY if wording.own_keys else ()
        else:
            pause = (_PAUSED,) if app.paused else (_PAUSE,) if wording.pause else ()
        return (*own, *pause, _SOURCES, *(() if self._place else (_BACK,)), _HELP, _QUIT)

    @staticmethod
    def _cost(frame: Frame) -> Row:
        own = frame.report.sample.self_reading
        cpu, memory = known(own.cpu_ratio), known(own.memory_bytes)
        cpu_text = "" if cpu is None else f" {cpu * 100:.1f} % CPU"
        memory_text = "" if memory is None else f" {bytes_text(memory)}"
        return (Span(f"gpumon{cpu_text}{memory_text} ", "dim"),)
