"""A list with a cursor, and a text that scrolls: both panes, so that only changed cells are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from gpumon.paint.glyphs import glyphs
from gpumon.paint.row import Row, Span, clip, fit, row_text
from gpumon.tui.filter import holds, rows_that_hold
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane

_MOST_FILTER_CELLS = 24
# In front of each entry: the cursor or blanks.
_MARK_CELLS = 2


class Entry(NamedTuple):
    """A row of a list. `key` stays the same while rows move, so that the cursor follows its entry.

    `text` is what a filter looks into; empty: the row as it stands there.
    """

    key: str
    row: Row
    text: str = ""


class ScrollPane(Pane, can_focus=True):
    """Rows that may be more than fit: moved by keys and by the mouse wheel, and filtered by a text."""

    # What a row is called where the filter leaves none.
    ROW_NOUN: ClassVar[str] = "row"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up", tooltip="one row up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down", tooltip="one row down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list.page_up", tooltip="one page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="list.page_down", tooltip="one page down"),
        Binding("home", "move(-1000000)", "First", show=False, id="list.first", tooltip="to the first row"),
        Binding("end", "move(1000000)", "Last", show=False, id="list.last", tooltip="to the last row"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._top = 0
        self._count = 0
        self._page = 1
        self._wanted = ""

    @property
    def wanted(self) -> str:
        """The text that is filtered by; empty for everything."""
        return self._wanted

    def want(self, text: str) -> None:
        """Show only what holds every word of that text."""
        self._wanted = text.strip().lower()
        self.redraw()

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return all rows, whether they fit or not."""
        del frame, width
        return ()

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows that fit, from the first one that is shown."""
        rows = self.rows(frame, width)
        if self._wanted:
            rows = rows_that_hold(rows, self._wanted) or [(Span(self._none_holds(frame), "dim"),)]
        self._count, self._page = len(rows), max(1, height)
        self._top = max(0, min(self._top, self._count - self._page))
        return list(rows[self._top : self._top + height])

    def subtitle(self, frame: Frame) -> Row:
        """Return the filter, and which rows are shown where not all of them fit, with the keys for others."""
        spans: list[Span] = []
        if self._wanted:
            text = clip(self._wanted, _MOST_FILTER_CELLS, glyphs(frame.view.ascii).ellipsis)
            spans.append(Span(f"filter: {text}", "warn"))
        if self._count > self._page:
            last = min(self._count, self._top + self._page)
            gap = " " if spans else ""
            if self.has_focus:
                spans.append(Span(f"{gap}{frame.view.keys('↑ ↓')}", "key"))
                gap = " "
            spans.append(Span(f"{gap}{self._top + 1}-{last} of {self._count}", "dim"))
        return tuple(spans)

    def action_move(self, rows: int) -> None:
        """Move by `rows` rows; negative is up."""
        self._top = max(0, min(self._top + rows, self._count - self._page))
        self.redraw()

    def action_page(self, pages: int) -> None:
        """Move by `pages` pages; negative is up."""
        self.action_move(pages * max(1, self._page - 1))

    def on_focus(self) -> None:
        """Show which keys move it, and the cursor of a list as a bar."""
        self.redraw()

    def on_blur(self) -> None:
        """Show no keys, and the cursor of a list as a mark."""
        self.redraw()

    def to_top(self) -> None:
        """Show the beginning, as for a new text."""
        self._top = 0

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down by the mouse wheel."""
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up by the mouse wheel."""
        event.stop()
        self.action_move(-3)

    def _none_holds(self, frame: Frame) -> str:
        """Return what stands there when the filter leaves nothing."""
        text = clip(self._wanted, _MOST_FILTER_CELLS, glyphs(frame.view.ascii).ellipsis)
        return f"no {self.ROW_NOUN} holds '{text}': {frame.view.keys('esc')} shows all"


class DetailPane(ScrollPane):
    """The entry under the cursor of a list, in full; enter chooses it as in the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "choose", "Open", show=False, id="list.open", tooltip="open the row under the cursor"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._key: str | None = None

    def of(self, key: str | None) -> None:
        """Show the entry with that key, from its beginning."""
        if key != self._key:
            self._key = key
            self.to_top()
            self.redraw()

    def action_choose(self) -> None:
        """Say that the entry is chosen."""
        if self._key is not None:
            self.post_message(ListPane.Chosen(self, self._key))


class ListPane(ScrollPane):
    """Entries with a cursor that stays on its entry when entries move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "choose", "Open", show=False, id="list.open", tooltip="open the row under the cursor"
        ),
    ]

    class Chosen(Message):
        """Enter, or a click on the row under the cursor."""

        def __init__(self, pane: ScrollPane, key: str) -> None:
            super().__init__()
            self.pane = pane
            self.key = key

    class Moved(Message):
        """The cursor is on another entry."""

        def __init__(self, pane: ListPane, key: str) -> None:
            super().__init__()
            self.pane = pane
            self.key = key

    def __init__(self) -> None:
        super().__init__()
        self._cursor = 0
        self._is_moved = False
        self._keys: tuple[str, ...] = ()
        self._key: str | None = None
        self._heading_height = 0

    @property
    def key(self) -> str | None:
        """The key of the entry under the cursor, or None in an empty list."""
        self._place_before_drawn()
        return self._key

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return all entries in their order; `width` is what a row has, the cursor's mark left out."""
        del frame, width
        return ()

    def start(self, frame: Frame) -> str | None:
        """Return the key of the entry on which the cursor stands until it is moved; None: on the first."""
        del frame
        return None

    def show(self, frame: Frame) -> None:
        """Take the newest frame; a cursor that nobody has moved goes where the list starts."""
        key = None if self._is_moved else self.start(frame)
        if key is not None:
            self._key = key
        super().show(frame)

    def heading(self, frame: Frame, width: int) -> Row:
        """Return the row that stays above the entries, or an empty one."""
        del frame, width
        return ()

    def empty(self, frame: Frame) -> str:
        """Return what stands there when there are no entries."""
        del frame
        return "nothing here"

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the heading and the entries around the cursor."""
        heading = self.heading(frame, width - 2)
        self._heading_height = 1 if heading and height > 2 else 0
        page = max(1, height - self._heading_height)
        entries = self._kept(frame, width - _MARK_CELLS)
        self._place(tuple(entry.key for entry in entries), page)
        if not entries:
            return [(Span(self._none_holds(frame) if self._wanted else self.empty(frame), "dim"),)]
        glyph = glyphs(frame.view.ascii)
        drawn = [(Span("  "), *heading)] if self._heading_height else []
        for index in range(self._top, min(self._top + page, len(entries))):
            row = entries[index].row
            mark = glyph.cursor + " "
            if index == self._cursor and self.has_focus:
                drawn.append((Span(mark + row_text(fit(row, width - 2)), "cursor"),))
            elif index == self._cursor:
                drawn.append((Span(mark, "dim"), *row))
            else:
                drawn.append((Span("  "), *row))
        return drawn

    def action_move(self, rows: int) -> None:
        """Move the cursor by `rows` entries; negative is up."""
        self._place_before_drawn()
        if not self._keys:
            return
        self._is_moved = True
        cursor = max(0, min(self._cursor + rows, len(self._keys) - 1))
        if cursor == self._cursor:
            return
        self._cursor = cursor
        self._key = self._keys[cursor]
        self.redraw()
        self.post_message(self.Moved(self, self._key))

    def action_choose(self) -> None:
        """Say that the entry under the cursor is chosen."""
        key = self.key
        if key is not None:
            self.post_message(self.Chosen(self, key))

    def go_to(self, key: str) -> None:
        """Put the cursor on the entry with that key, where there is one."""
        self._place_before_drawn()
        if key in self._keys:
            self.action_move(self._keys.index(key) - self._cursor)

    def to_top(self) -> None:
        """Put the cursor on the first entry, as for new ones."""
        super().to_top()
        self._cursor, self._key = 0, None

    def heading_clicked(self, column: int) -> None:
        """Do what a click on the heading stands for; `column` counts from the beginning of the rows."""

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row that was clicked; a click on the cursor chooses it."""
        edge = 1 if self.FRAMED else 0
        row = event.y - edge - self._heading_height
        if self._heading_height and row == -1:
            self.heading_clicked(event.x - edge - _MARK_CELLS)
            return
        index = self._top + row
        if not 0 <= row < self._page or index >= len(self._keys):
            return
        if index == self._cursor:
            self.action_choose()
        else:
            self.action_move(index - self._cursor)

    def _kept(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return the entries that the filter leaves."""
        entries = self.entries(frame, width)
        if not self._wanted:
            return entries
        return [entry for entry in entries if holds(entry.text or row_text(entry.row), self._wanted)]

    def _place_before_drawn(self) -> None:
        """Put the cursor on an entry of a list that has a frame and was not drawn yet.

        A key that was typed ahead, as over a slow link, may come before the first drawing.
        """
        if not self._keys and self.frame is not None:
            entries = self._kept(self.frame, max(1, self.size.width - _MARK_CELLS))
            self._place(tuple(entry.key for entry in entries), self._page)

    def _place(self, keys: tuple[str, ...], page: int) -> None:
        """Keep the cursor on its key, or on its row where the key is gone, and in view."""
        self._keys, self._count, self._page = keys, len(keys), page
        if self._key in keys:
            self._cursor = keys.index(self._key)
        self._cursor = max(0, min(self._cursor, len(keys) - 1))
        self._key = keys[self._cursor] if keys else None
        self._top = max(self._cursor - page + 1, min(self._top, self._cursor))
        self._top = max(0, min(self._top, len(keys) - page))
