"""A dashboard on a training with epochs, validations, checkpoints, and a finding that comes and goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from gpumon.history.history import window_of
from gpumon.model.clock import Instant
from gpumon.model.finding import Severity
from gpumon.model.sample import Sample
from gpumon.model.training import Phase
from gpumon.monitor.episodes import Episode
from gpumon.settings import Settings
from gpumon.tui.app import GpumonApp
from gpumon.tui.appearance import appearance
from gpumon.tui.widgets.frame import Frame, View
from tests.tui.fake_feed import FakeClock, FakeFeed
from tests.tui.fakes import (
    MAIN_PID,
    START_MONOTONIC_SECONDS,
    START_UNIX_SECONDS,
    fake_report,
    fake_sample,
)
from tests.tui.pilot import piloted
from tests.tui.screen import TERMINAL, Dashboard

# An epoch: training, then 6 s of validation and 4 s of a checkpoint.
EPOCH_SECONDS = 60
VALIDATION_AT, CHECKPOINT_AT = 50, 56


def eventful_sample(second: int) -> Sample:
    """Return the sample of one second."""
    sample = fake_sample("starved", second)
    reading = sample.trainings[0]
    epoch, within = divmod(second, EPOCH_SECONDS)
    phase = Phase.TRAIN
    if within >= VALIDATION_AT:
        phase = Phase.VALIDATE if within < CHECKPOINT_AT else Phase.CHECKPOINT
    reading = replace(reading, phase=phase, progress=replace(reading.progress, epoch=epoch))
    return replace(sample, trainings=(reading,))


def episode(
    began: int, over: int | None, severity: Severity = Severity.WARNING, name: str = "starved-local-disk"
) -> Episode:
    """Return a stay of a finding from one second to another."""
    gone = None if over is None else instant(over)
    return Episode(MAIN_PID, name, severity, "the disk is slow", instant(began), gone)


def instant(second: int) -> Instant:
    """Return the moment of a second."""
    return Instant(START_UNIX_SECONDS + second, START_MONOTONIC_SECONDS + second)


def eventful_frame(
    seconds: int, *episodes: Episode, view: View | None = None, variant: str = "starved"
) -> Frame:
    """Return the frame after that many seconds."""
    window = window_of(eventful_sample(second) for second in range(1, seconds + 1))
    report = replace(fake_report(variant, second=seconds), sample=window.newest)
    chosen = view or View(now_unix_seconds=window.newest.instant.unix_seconds)
    return Frame(report, window, chosen, episodes)


class EventfulFeed(FakeFeed):
    """A feed of this training."""

    def set(self, variant: str, seconds: int) -> None:
        """Be at that second, with what a variant reports, and tell the listeners."""
        self.variant, self.seconds = variant, seconds
        frame = eventful_frame(seconds, variant=variant)
        self._made = (frame.report, frame.window)
        for listener in self._listeners:
            listener()


@asynccontextmanager
async def eventful(
    size: tuple[int, int] = (80, 24), *, seconds: int = 200, variant: str = "starved", **settings: Any
) -> AsyncIterator[Dashboard]:
    """Run a dashboard on this training."""
    chosen = Settings(**settings)
    feed = EventfulFeed(variant, seconds=seconds)
    app = GpumonApp(feed, chosen, FakeClock(), appearance(chosen, TERMINAL))
    async with piloted(app, size, notifications=True) as pilot:
        running = Dashboard(app, feed, pilot)
        await running.settle()
        yield running
