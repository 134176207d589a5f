"""The dashboard on a terminal that gets all it sends: by the brush, by Textual, and by both in turn."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from rich.console import Console, RenderableType
from textual._compositor import CompositorUpdate
from textual.screen import Screen

import gpumon.tui.app
from gpumon.settings import Settings
from gpumon.tui.app import GpumonApp
from gpumon.tui.appearance import appearance
from tests.tui.fake_feed import FakeClock, FakeFeed
from tests.tui.fakes import VARIANTS
from tests.tui.pane_app import spread_cells
from tests.tui.pilot import ExactPilot, piloted
from tests.tui.screen import SIZES, TERMINAL

_SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|\n")
_CONSOLE = Console(color_system="truecolor", width=10_000)
_KEYS = (
    *("1", "2", "3", "4", "5", "6", "z", "m", "i", "question_mark", "plus", "minus", "tab"),
    *("escape", "escape", "escape", "enter", "down", "g", "ctrl+p"),
)


class StyledCells:
    """A terminal of cells, each with its character and the codes it was sent in."""

    def __init__(self, size: tuple[int, int]) -> None:
        columns, rows = size
        self.rows = [[(" ", "")] * columns for _ in range(rows)]
        self._x = self._y = 0
        self._codes = ""

    def feed(self, text: str) -> None:
        """Take what is sent."""
        position = 0
        for match in _SEQUENCE.finditer(text):
            self._write(text[position : match.start()])
            position = match.end()
            if match.group(2) == "H":
                row, column = match.group(1).split(";")
                self._x, self._y = int(column) - 1, int(row) - 1
            elif match.group(2) == "m":
                self._codes = "" if match.group(1) == "0" else self._codes + match.group()
        self._write(text[position:])

    def _write(self, text: str) -> None:
        for cell in spread_cells(text):
            # Beside it lies what was drawn for a larger size, right before it is all drawn anew.
            if self._y < len(self.rows) and self._x < len(self.rows[0]):
                self.rows[self._y][self._x] = (cell, self._codes)
            self._x += 1


class WatchedApp(GpumonApp):
    """A dashboard that sends to cells, and counts in which way."""

    # Textual looks beside the module of the class.
    CSS_PATH = str(Path(gpumon.tui.app.__file__).with_name("app.tcss"))

    def __init__(self, feed: FakeFeed, size: tuple[int, int]) -> None:
        settings = Settings()
        super().__init__(feed, settings, FakeClock(), appearance(settings, TERMINAL), environ=TERMINAL)
        self.cells = StyledCells(size)
        self.by_brush = self.by_textual = 0

    def send_cells(self, sent: str) -> None:
        """Take what the brush sends."""
        self.by_brush += 1
        self.cells.feed(sent)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Take what Textual sends."""
        update: object = renderable
        if isinstance(update, CompositorUpdate) and not self._batch_count:
            self.by_textual += 1
            self.cells.feed(update.render_segments(_CONSOLE))
        super()._display(screen, renderable)

    def whole(self) -> StyledCells:
        """Return what a full repaint would show."""
        cells = StyledCells(self.size)
        screens = self._background_screens
        update: object = self.screen._compositor.render_update(full=True, screen_stack=screens)
        assert isinstance(update, CompositorUpdate)
        cells.feed(update.render_segments(_CONSOLE))
        return cells


async def _do_something(chance: Random, app: WatchedApp, feed: FakeFeed, pilot: ExactPilot[int]) -> None:
    """Do one of the things that change the screen besides a new second."""
    what = chance.random()
    if what < 0.2:
        await pilot.press(chance.choice(_KEYS))
    elif what < 0.25:
        app.tell(f"a word {chance.random()}")
    elif what < 0.3:
        # Of its own size a terminal tells nothing.
        size = chance.choice([size for size in SIZES if size != tuple(app.size)])
        app.cells = StyledCells(size)
        await pilot.resize_terminal(*size)
    elif what < 0.4:
        feed.set(chance.choice(VARIANTS), feed.seconds)
    elif what < 0.45:
        app.action_theme(1)


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_is_between_two_frames_the_terminal_shows_the_screen(seed: int) -> None:
    """Through keys, toasts, the palette, other sizes and themes each cell is as a full repaint has it."""
    chance = Random(seed)  # noqa: S311 - a reproducible walk
    feed = FakeFeed("starved", seconds=60)
    app = WatchedApp(feed, SIZES[0])
    async with piloted(app, SIZES[0], notifications=True) as pilot:
        await pilot.pause()
        for _ in range(100):
            await _do_something(chance, app, feed, pilot)
            for _ in range(chance.randint(1, 3)):
                feed.advance()
                if chance.random() < 0.7:
                    await pilot.pause()
            await pilot.pause()
            assert app.is_running
            assert app.whole().rows == app.cells.rows
        assert app.by_brush > 20
        assert app.by_textual > 20


async def test_a_second_of_the_overview_is_sent_by_the_brush_alone() -> None:
    """Where nothing but time goes by, Textual draws nothing: a message from any pane would cost more."""
    feed = FakeFeed("starved", seconds=60)
    app = WatchedApp(feed, SIZES[2])
    async with piloted(app, SIZES[2]) as pilot:
        await pilot.pause()
        feed.advance()
        await pilot.pause()
        before = app.by_textual
        for _ in range(10):
            feed.advance()
            await pilot.pause()
        assert 10 == app.by_brush - 1
        assert before == app.by_textual
        assert app.whole().rows == app.cells.rows
