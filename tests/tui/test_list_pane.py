"""A list whose cursor stays on its entry, and a text that scrolls."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import App, ComposeResult

from gpumon.paint.row import Row, Span
from gpumon.tui.list_pane import Entry, ListPane, ScrollPane
from gpumon.tui.widgets.frame import Frame
from tests.tui.fakes import fake_frame
from tests.tui.pilot import piloted


class _Names(ListPane):
    names: tuple[str, ...] = tuple(f"row{number}" for number in range(20))

    def heading(self, frame: Frame, width: int) -> Row:
        del frame, width
        return (Span("names", "dim"),)

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        del frame, width
        return [Entry(name, (Span(name),)) for name in self.names]


class _Numbers(ScrollPane):
    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        del frame, width
        return [(Span(f"line {number}"),) for number in range(30)]


class _Listing(App[None]):
    def __init__(self, pane: ScrollPane) -> None:
        super().__init__()
        self.pane = pane
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.pane.focus()
        self.pane.show(fake_frame(seconds=1))

    def on_list_pane_chosen(self, event: ListPane.Chosen) -> None:
        self.chosen.append(event.key)


async def test_the_cursor_stays_on_its_entry_when_entries_move() -> None:
    """New order, same entry."""
    names = _Names()
    async with piloted(_Listing(names), (30, 12)) as pilot:
        await pilot.press("down", "j", "down")
        names.names = ("new", *reversed(_Names.names))
        names.redraw()
        await pilot.pause()

        assert names.key == "row3"
        assert "▶ row3" in names.text


async def test_the_cursor_stays_on_its_row_when_its_entry_goes() -> None:
    """An entry that ends leaves the cursor where it was."""
    names = _Names()
    async with piloted(_Listing(names), (30, 12)) as pilot:
        await pilot.press("down")
        names.names = ("row0", "row2", "row3")
        names.redraw()
        await pilot.pause()

        assert names.key == "row2"


async def test_keys_move_the_cursor_and_keep_it_in_view() -> None:
    """End, Home, page keys and k go where they say, and the heading stays."""
    names = _Names()
    async with piloted(_Listing(names), (30, 12)) as pilot:
        seen: list[str | None] = []
        for key in ("end", "k", "home", "pagedown", "pageup", "up"):
            await pilot.press(key)
            seen.append(names.key)
            assert f"▶ {names.key}" in names.text
            assert "names" in names.text

        assert ["row19", "row18", "row0", "row8", "row0", "row0"] == seen


async def test_enter_chooses_and_so_does_a_click_on_the_cursor() -> None:
    """A click moves the cursor first; on the cursor it chooses."""
    names = _Names()
    app = _Listing(names)
    async with piloted(app, (30, 12)) as pilot:
        await pilot.press("enter")
        await pilot.click(names, offset=(5, 4))
        await pilot.pause()
        after_click = names.key
        await pilot.click(names, offset=(5, 4))
        await pilot.pause()

        assert after_click == "row2"
        assert ["row0", "row2"] == app.chosen


async def test_an_empty_list_takes_keys_and_clicks() -> None:
    """Nothing is chosen where there is nothing."""
    names = _Names()
    names.names = ()
    app = _Listing(names)
    async with piloted(app, (30, 12)) as pilot:
        await pilot.press("down", "end", "enter")
        await pilot.click(names, offset=(5, 3))

        assert names.key is None
        assert app.chosen == []


async def test_keys_for_the_rest_are_named_where_there_is_a_rest_and_they_work() -> None:
    """Beside the count of rows, while the pane has the focus."""
    pane = _Numbers()
    async with piloted(_Listing(pane), (30, 12)) as pilot:
        focused = pane.text
        pilot.app.set_focus(None)
        await pilot.pause()
        unfocused = pane.text
        await pilot.resize_terminal(30, 40)
        pane.focus()
        await pilot.pause()

        assert "↑ ↓ 1-10 of 30" in focused
        assert "1-10 of 30" in unfocused
        assert "↑" not in unfocused
        assert "↑" not in pane.text


async def test_a_text_scrolls_to_its_end_and_says_where_it_is() -> None:
    """Keys and the wheel move it; the box tells which rows are shown."""
    numbers = _Numbers()
    async with piloted(_Listing(numbers), (30, 12)) as pilot:
        await pilot.press("end")
        at_end = numbers.text
        await pilot.press("home", "down")
        await pilot._post_mouse_events([events.MouseScrollDown], numbers)
        await pilot.pause()

        assert "line 29" in at_end
        assert "21-30 of 30" in at_end
        assert "5-14 of 30" in numbers.text
