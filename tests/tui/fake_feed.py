"""A feed whose reports are made up and whose time is set by the test."""

from __future__ import annotations

from gpumon.history.window import Window
from gpumon.model.clock import Instant
from gpumon.model.report import Report
from gpumon.model.source import Listener
from tests.tui.fakes import START_MONOTONIC_SECONDS, START_UNIX_SECONDS, fake_frame


class FakeClock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.second = 0

    def now(self) -> Instant:
        """Return the moment that was set."""
        return Instant(START_UNIX_SECONDS + self.second, START_MONOTONIC_SECONDS + self.second)


class FakeFeed:
    """Reports of one variant. `advance` makes the next ones, as the monitor's thread would."""

    def __init__(self, variant: str = "starved", *, seconds: int = 120) -> None:
        self.variant = variant
        self.seconds = seconds
        self.chosen: list[int] = []
        self.closed = 0
        self._listeners: list[Listener] = []
        self._made: tuple[Report, Window] | None = None
        if seconds:
            self.set(variant, seconds)

    def set(self, variant: str, seconds: int) -> None:
        """Be at that second of that variant, and tell the listeners."""
        self.variant, self.seconds = variant, seconds
        frame = fake_frame(variant, seconds=seconds)
        self._made = (frame.report, frame.window)
        for listener in self._listeners:
            listener()

    def advance(self, seconds: int = 1) -> None:
        """Let that many seconds go by."""
        self.set(self.variant, self.seconds + seconds)

    def subscribe(self, listener: Listener) -> None:
        """Keep a listener."""
        self._listeners.append(listener)

    def report(self) -> Report | None:
        """Return the newest report."""
        return None if self._made is None else self._made[0]

    def window(self) -> Window | None:
        """Return the newest window."""
        return None if self._made is None else self._made[1]

    def prior(self) -> str:
        """Return nothing: no earlier run is known."""
        return ""

    def choose(self, pid: int) -> None:
        """Remember what was chosen."""
        self.chosen.append(pid)

    def close(self) -> None:
        """Count how often it was closed."""
        self.closed += 1
