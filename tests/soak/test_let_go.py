"""What is closed is let go: the dashboard stays open for weeks."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

from rich._unicode_data import load as load_cell_table
from rich.cells import cached_cell_len
from rich.segment import Segment
from textual._styles_cache import StylesCache
from textual.geometry import Region
from textual.widget import Widget

from gpumon.tui.heap import forget_drawn
from gpumon.tui.runs_reading import FoundRuns
from gpumon.tui.screens.runs import RunList, RunsScreen
from gpumon.tui.widgets.pane import Pane
from tests.tui.screen import Dashboard, dashboard


def _line_caches() -> int:
    """Return how many caches of lines there are: each widget has one."""
    gc.collect()
    return sum(isinstance(each, StylesCache) for each in gc.get_objects())


async def _open_and_close(shown: Dashboard, times: int) -> None:
    for _ in range(times):
        await shown.press("?")
        await shown.press("escape")


async def test_screens_that_were_closed_keep_no_lines() -> None:
    """Opened and closed again and again, a screen leaves behind no more than after the first time."""
    async with dashboard("starved") as shown:
        await _open_and_close(shown, 2)
        before = _line_caches()
        await _open_and_close(shown, 3)
        # A closed screen ends in a task of its own.
        for _ in range(100):
            if _line_caches() <= before:
                break
            await shown.settle()

        assert _line_caches() <= before


async def test_a_place_that_was_left_keeps_no_past() -> None:
    """It may not be seen again for days; come back to, it shows the newest frame."""
    async with dashboard("starved") as shown:
        await shown.press("5")
        left = shown.app.screen
        await shown.press("1")

        assert all(pane.frame is None for pane in left.query(Pane))
        await shown.press("5")
        assert shown.app.screen is left
        assert all(pane.frame is not None for pane in left.query(Pane) if pane.display)


async def test_a_screen_that_is_covered_keeps_what_it_shows() -> None:
    """It may show through what was opened on top of it."""
    async with dashboard("starved") as shown:
        covered = shown.app.screen
        await shown.press("?")

        assert covered is not shown.app.screen
        assert all(pane.frame is not None for pane in covered.query(Pane) if pane.display)


async def test_a_screen_that_was_closed_keeps_no_past() -> None:
    """What it is made of refers to each other, and is found as garbage much later."""
    async with dashboard("starved") as shown:
        await shown.press("?")
        panes = list(shown.app.screen.query(Pane))
        await shown.press("escape")

        assert panes
        assert [(None, [], [])] * len(panes) == [(pane.frame, pane._rows, pane._strips) for pane in panes]


async def test_a_closed_list_of_runs_keeps_none(tmp_path: Path) -> None:
    """Each run in it has hundreds of blocks of numbers."""
    async with dashboard("starved") as shown:
        screen = RunsScreen(tmp_path / "runs.sqlite")
        shown.app.push_screen(screen)
        await shown.settle()
        listed = screen.query_one(RunList)
        listed.found = FoundRuns(trouble="as many as there are")
        await shown.press("escape")

        assert FoundRuns() == listed.found


def _remembered() -> list[int]:
    """Return how much each of three caches of what was drawn has: one of a module, two of a class."""
    caches = (cached_cell_len, Region.intersection, Segment._split_cells)
    return [cache.cache_info().currsize for cache in caches]


def test_what_was_drawn_is_forgotten() -> None:
    """Textual and Rich would keep some thousand texts and regions; the table of wide characters stays."""
    for number in range(100):
        Region(number, 0, 10, 10).intersection(Region(0, 0, 20, 20))
        Segment(f"text 世 {number}").split_cells(5)
        cached_cell_len(f"text 世 {number}")
    table = load_cell_table()
    assert min(_remembered()) >= 100

    forget_drawn()

    assert [0, 0, 0] == _remembered()
    assert load_cell_table() is table


async def test_a_place_that_was_left_does_not_know_its_earlier_sizes() -> None:
    """Each widget would know how large its box was at sixteen sizes of the terminal."""
    async with dashboard("starved") as shown:
        left = shown.app.screen
        assert any(len(pane._box_model_cache) for pane in left.query(Pane))
        await shown.press("5")

        assert [] == [pane for pane in left.query(Pane) if len(pane._box_model_cache)]


async def test_what_was_drawn_is_forgotten_each_minute() -> None:
    """Also where nobody touches a key for days: numbers change, and their texts with them."""
    async with dashboard("starved") as shown:
        timers = [timer for timer in shown.app._timers if timer._callback == shown.app._forget]

        assert [60.0] == [timer._interval for timer in timers]
        assert max(_remembered()) > 0
        shown.app._forget()
        assert [0, 0, 0] == _remembered()


async def test_screens_are_found_soon_after_they_were_closed() -> None:
    """What they are made of refers to each other: Python by itself would let 10 MB of them pile up."""
    closed = []
    gc.disable()
    try:
        async with dashboard("starved") as shown:
            for _ in range(3):
                await shown.press("?")
                closed.append(weakref.ref(shown.app.screen))
                await shown.press("escape")
            while shown.app._will_sweep:
                await shown.settle()
            # What was shown last may still hold the one that was closed last.
            assert [None, None] == [screen() for screen in closed[:2]]
    finally:
        gc.enable()


async def test_of_screens_that_are_closed_one_after_the_other_two_never_lie_about() -> None:
    """Opened and closed faster than once a second, all of them would stay until the second is over."""
    closed = []
    gc.disable()
    try:
        async with dashboard("starved") as shown:
            for _ in range(4):
                await shown.press("?")
                closed.append(weakref.ref(shown.app.screen))
                await shown.press("escape")
                assert sum(screen() is not None for screen in closed) <= 2
    finally:
        gc.enable()


async def test_whoever_refers_to_a_closed_screen_does_not_hold_its_widgets() -> None:
    """The last message of a widget tells who sent it, and stays until there is another one."""
    async with dashboard("starved") as shown:
        await shown.press("?")
        screen = shown.app.screen
        widgets = [weakref.ref(widget) for widget in screen.walk_children(Widget)]
        await shown.press("escape")
        while shown.app._will_sweep:
            await shown.settle()
        gc.collect()

        assert not screen.is_running
        assert len(widgets) >= 4
        assert [] == [widget() for widget in widgets if widget() is not None]
