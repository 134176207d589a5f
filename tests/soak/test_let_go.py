"""What is closed is let go: the dashboard stays open for weeks."""

from __future__ import annotations

import gc
from pathlib import Path

from textual._styles_cache import StylesCache

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
