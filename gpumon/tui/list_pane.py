"""A list with a cursor, and a text that scrolls: both panes, so that only changed cells are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from gpumon.paint.glyphs import glyphs
from gpumon.paint.row import Row, Span, fit, row_text
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane


class Entry(NamedTuple):
    """A row of a list. `key` stays the same while rows move, so that the cursor follows its entry."""

    key: str
    row: Row


class ScrollPane(Pane, can_focus=True):
    """Rows that may be more than fit: moved by keys and by the mouse wheel."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up", tooltip="one row up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down", tooltip="one row down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list.page_up", tooltip="one page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="list.page_down", tooltip="one page down"),
        Binding("home", "move(-1000000)", "First", show=False, id="list.first", tooltip="to the first row"),
        Binding("end", "move(1000000)", "Last", show=False, id="list.last", tooltip="to the last row"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's own parameter name)
        super().__init__(id=id, classes=classes)
        self._top = 0
        self._count = 0
        self._page = 1

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return all rows, whether they fit or not."""
        del frame, width
        return ()

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows that fit, from the first one that is shown."""
        rows = self.rows(frame, width)
        self._count, self._page = len(rows), max(1, height)
        self._top = max(0, min(self._top, self._count - self._page))
        return list(rows[self._top : self._top + height])

    def subtitle(self, frame: Frame) -> Row:
        """Return which rows are shown, where not all of them fit."""
        del frame
        if self._count <= self._page:
            return ()
        last = min(self._count, self._top + self._page)
        return (Span(f"{self._top + 1}-{last} of {self._count}", "dim"),)

    def action_move(self, rows: int) -> None:
        """Move by `rows` rows; negative is up."""
        self._top = max(0, min(self._top + rows, self._count - self._page))
        self.redraw()

    def action_page(self, pages: int) -> None:
        """Move by `pages` pages; negative is up."""
        self.action_move(pages * max(1, self._page - 1))

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


class ListPane(ScrollPane):
    """Entries with a cursor that stays on its entry when entries move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "choose", "Open", show=False, id="list.open", tooltip="open the row under the cursor"
        ),
    ]

    class Chosen(Message):
        """Enter, or a click on the row under the cursor."""

        def __init__(self, pane: ListPane, key: str) -> None:
            super().__init__()
            self.pane = pane
            self.key = key

    class Moved(Message):
        """The cursor is on another entry."""

        def __init__(self, pane: ListPane, key: str) -> None:
            super().__init__()
            self.pane = pane
            self.key = key

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's own parameter name)
        super().__init__(id=id, classes=classes)
        self._cursor = 0
        self._keys: tuple[str, ...] = ()
        self._key: str | None = None
        self._heading_height = 0

    @property
    def key(self) -> str | None:
        """The key of the entry under the cursor, or None in an empty list."""
        return self._key

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return all entries in their order; `width` is what a row has, the cursor's mark left out."""
        del frame, width
        return ()

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
        entries = self.entries(frame, width - 2)
        self._place(tuple(entry.key for entry in entries), page)
        if not entries:
            return [(Span(self.empty(frame), "dim"),)]
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
        if not self._keys:
            return
        cursor = max(0, min(self._cursor + rows, len(self._keys) - 1))
        if cursor == self._cursor:
            return
        self._cursor = cursor
        self._key = self._keys[cursor]
        self.redraw()
        self.post_message(self.Moved(self, self._key))

    def on_focus(self) -> None:
        """Show the cursor as a bar."""
        self.redraw()

    def on_blur(self) -> None:
        """Show the cursor as a mark."""
        self.redraw()

    def action_choose(self) -> None:
        """Say that the entry under the cursor is chosen."""
        if self._key is not None:
            self.post_message(self.Chosen(self, self._key))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row that was clicked; a click on the cursor chooses it."""
        edge = 1 if self.FRAMED else 0
        index = self._top + event.y - edge - self._heading_height
        if not 0 <= index < len(self._keys) or event.y < edge + self._heading_height:
            return
        if index == self._cursor:
            self.action_choose()
        else:
            self.action_move(index - self._cursor)

    def _place(self, keys: tuple[str, ...], page: int) -> None:
        """Keep the cursor on its key, or on its row where the key is gone, and in view."""
        self._keys, self._count, self._page = keys, len(keys), page
        if self._key in keys:
            self._cursor = keys.index(self._key)
        self._cursor = max(0, min(self._cursor, len(keys) - 1))
        self._key = keys[self._cursor] if keys else None
        self._top = max(self._cursor - page + 1, min(self._top, self._cursor))
        self._top = max(0, min(self._top, len(keys) - page))
