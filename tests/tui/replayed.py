"""The dashboard on a recording in memory, which the test plays by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from gpumon.model.sample import Sample
from gpumon.monitor.replay import ReplayFeed
from gpumon.recording.mark import Mark
from gpumon.settings import Settings
from gpumon.tui.app import GpumonApp
from gpumon.tui.appearance import appearance
from tests.tui.pilot import piloted
from tests.tui.screen import TERMINAL, Screen
from tests.unit.monitor_parts import FakeClock
from tests.unit.recorded import Recorded


class Replayed(Screen):
    """A dashboard on a replay without a thread: `press` and `play` let the replay do what is due."""

    def __init__(self, app: GpumonApp, pilot: Pilot[int], feed: ReplayFeed, clock: FakeClock) -> None:
        super().__init__(app, pilot)
        self.feed = feed
        self.clock = clock

    @property
    def at(self) -> int:
        """The sequence number of the sample that is shown."""
        frame = self.app.frame
        assert frame is not None
        return frame.report.sample.sequence

    async def press(self, *keys: str) -> None:
        """Press keys one by one, and wait until the replay has obeyed and all is drawn."""
        for key in keys:
            await self.pilot.press(key)
            await self.play(0.0)

    async def play(self, seconds: float) -> None:
        """Let time go by."""
        for _ in range(max(1, round(seconds))):
            self.clock.seconds += min(seconds, 1.0)
            self.feed.turn()
        await self.settle()


@asynccontextmanager
async def replayed(
    samples: Sequence[Sample],
    marks: Sequence[Mark] = (),
    size: tuple[int, int] = (80, 24),
    *,
    full_from: float | None = None,
    seconds: float | None = None,
    **settings: Any,
) -> AsyncIterator[Replayed]:
    """Run a dashboard on samples, from `seconds` of their monotonic time on."""
    chosen = Settings(**settings)
    clock = FakeClock()
    feed = ReplayFeed(Recorded(samples, marked=marks, full_from=full_from), clock, seconds)
    app = GpumonApp(feed, chosen, clock, appearance(chosen, TERMINAL), replay=feed)
    async with piloted(app, size, notifications=True) as pilot:
        running = Replayed(app, pilot, feed, clock)
        await running.settle()
        yield running
