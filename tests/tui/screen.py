"""Running the dashboard without a terminal, and reading its screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from rich.segment import Segment
from textual.pilot import Pilot

from gpumon.settings import Settings
from gpumon.tui.app import GpumonApp
from gpumon.tui.appearance import appearance
from gpumon.tui.choices import Choices
from tests.tui.fake_feed import FakeClock, FakeFeed
from tests.tui.pilot import piloted

SIZES = ((80, 24), (120, 36), (200, 50))
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


class Screen:
    """A dashboard that runs, and what is on its screen."""

    def __init__(self, app: GpumonApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    async def settle(self) -> None:
        """Wait until nothing is left to be done."""
        for _ in range(2):
            await self.pilot.pause()

    def segments(self) -> list[list[Segment]]:
        """Return the lines as they would be sent, each as pieces of text with their style."""
        return [list(strip) for strip in self.app.screen._compositor.render_strips()]

    def lines(self) -> list[str]:
        """Return the text of every line of the screen."""
        return ["".join(segment.text for segment in line) for line in self.segments()]

    def text(self) -> str:
        """Return the text of the whole screen."""
        return "\n".join(self.lines())


class Dashboard(Screen):
    """A dashboard on a fake feed, with what a test does to it."""

    def __init__(self, app: GpumonApp, feed: FakeFeed, pilot: Pilot[int]) -> None:
        super().__init__(app, pilot)
        self.feed = feed

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until all is drawn."""
        await self.pilot.press(*keys)
        await self.settle()

    async def advance(self, seconds: int = 1) -> None:
        """Let time go by in the feed."""
        self.feed.advance(seconds)
        await self.settle()


@asynccontextmanager
async def dashboard(
    variant: str = "starved",
    size: tuple[int, int] = (80, 24),
    *,
    seconds: int = 60,
    choices: Choices | None = None,
    **settings: Any,
) -> AsyncIterator[Dashboard]:
    """Run a dashboard on a variant; `settings` are those of Settings, `choices` keeps what is chosen."""
    chosen = Settings(**settings)
    feed = FakeFeed(variant, seconds=seconds)
    app = GpumonApp(feed, chosen, FakeClock(), appearance(chosen, TERMINAL), choices=choices)
    async with piloted(app, size, notifications=True) as pilot:
        running = Dashboard(app, feed, pilot)
        await running.settle()
        yield running
