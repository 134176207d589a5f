"""A small app of panes, and a terminal that takes what it sends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from rich.console import Console, RenderableType
from textual._compositor import ChopsUpdate
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen

from gpumon.paint.row import character_width
from gpumon.tui.widgets.cell_update import CellCompositor
from gpumon.tui.widgets.frame import Frame, View
from gpumon.tui.widgets.pane import Pane
from tests.tui.fakes import fake_frame
from tests.tui.pilot import piloted

_SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


class Recorder(CellCompositor):
    """A compositor that keeps every partial update, as it is sent to the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.full_updates = 0

    def render_update(
        self, full: bool = False, screen_stack: list[Screen[object]] | None = None, simplify: bool = False
    ) -> RenderableType | None:
        """Return the update, and keep what it sends."""
        update = super().render_update(full, screen_stack, simplify)
        if isinstance(update, ChopsUpdate):
            self.sent.append(update.render_segments(Console(color_system="truecolor", width=10_000)))
        elif update is not None:
            self.full_updates += 1
        return update


class PaneApp(App[None]):
    """Panes below each other."""

    CSS = "Screen { overflow: hidden; }"

    def __init__(self, *panes: Pane) -> None:
        super().__init__()
        self.panes = panes
        self.recorder = Recorder()

    def get_default_screen(self) -> Screen[None]:
        """Return a screen whose updates are kept."""
        screen: Screen[None] = Screen()
        screen._compositor = self.recorder
        return screen

    def compose(self) -> ComposeResult:
        """Build the panes."""
        yield from self.panes

    def show(self, frame: Frame) -> None:
        """Show a frame in all panes."""
        for pane in self.panes:
            pane.show(frame)

    def lines(self) -> list[str]:
        """Return what the screen shows."""
        strips = self.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]


class TerminalCells:
    """A terminal that understands cursor moves and text: what a user sees after partial updates."""

    def __init__(self, lines: list[str]) -> None:
        self.cells = [spread_cells(line) for line in lines]

    def feed(self, text: str) -> None:
        """Take what is sent."""
        x = y = 0
        position = 0
        for match in _SEQUENCE.finditer(text):
            x = self._write(text[position : match.start()], x, y)
            position = match.end()
            if match.group(2) == "H":
                row, column = match.group(1).split(";")
                x, y = int(column) - 1, int(row) - 1
        self._write(text[position:], x, y)

    def lines(self) -> list[str]:
        """Return what is shown."""
        return ["".join(row) for row in self.cells]

    def _write(self, text: str, x: int, y: int) -> int:
        for cell in spread_cells(text):
            self.cells[y][x] = cell
            x += 1
        return x


def spread_cells(text: str) -> list[str]:
    """Return the cells of a text: a wide character takes two, a combining one joins the cell before."""
    cells: list[str] = []
    for character in text:
        width = character_width(character)
        if width == 0 and cells:
            cells[-1] += character
        else:
            cells.extend([character, ""][:width])
    return cells


@asynccontextmanager
async def pane_app(
    *panes: Pane, size: tuple[int, int] = (80, 24), variant: str = "starved", view: View | None = None
) -> AsyncIterator[tuple[PaneApp, Pilot[None]]]:
    """Run an app of panes that shows a variant."""
    app = PaneApp(*panes)
    async with piloted(app, size) as pilot:
        frame = fake_frame(variant)
        app.show(frame if view is None else replace(frame, view=view))
        await pilot.pause()
        yield app, pilot
