"""A replay that the test plays by hand."""

from __future__ import annotations

from gpumon.monitor.replay import ReplayFeed
from gpumon.monitor.replay_past import Recorded
from tests.unit.monitor_parts import FakeClock


class Player:
    """A replay whose clock is moved by the test, and which has no thread."""

    def __init__(self, recorded: Recorded, seconds: float | None = None) -> None:
        self.clock = FakeClock()
        self.feed = ReplayFeed(recorded, self.clock, seconds)
        self.told = 0
        self.feed.subscribe(self._count)

    def _count(self) -> None:
        self.told += 1

    @property
    def at(self) -> int:
        """Which sample is shown."""
        report = self.feed.report()
        assert report is not None
        return report.sample.sequence

    def turn(self, seconds: float = 0.0) -> float | None:
        """Let time go by, and let the feed do what is due."""
        self.clock.seconds += seconds
        return self.feed.turn()

    def play(self, seconds: float) -> None:
        """Let time go by as the feed's thread would: by turns."""
        end = self.clock.seconds + seconds
        wait = self.turn()
        while wait is not None and self.clock.seconds + wait <= end:
            wait = self.turn(wait)
        self.clock.seconds = end
