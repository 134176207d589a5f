"""What a front end reads from: a live monitor, and later a replayed recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gpumon.history.window import Window
from gpumon.model.report import Report

if TYPE_CHECKING:
    from gpumon.model.source import Listener
    from gpumon.monitor.priors import Load


class Feed(Protocol):
    """Frames of one monitor. All methods may be called from any thread."""

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` from the monitor's thread whenever there is news; missing a call is harmless."""
        ...

    def report(self) -> Report | None:
        """Return the newest report, or None before the first sample."""
        ...

    def window(self) -> Window | None:
        """Return the history up to the newest report, or None before the first sample."""
        ...

    def prior(self) -> str:
        """Return what earlier runs taught of what it shows, as a recording keeps it; empty: nothing."""
        ...

    def choose(self, pid: int) -> None:
        """Attach to the training with that main PID (one of the candidates)."""
        ...

    def close(self) -> None:
        """Stop sampling and give everything back."""
        ...


class LiveFeed(Feed, Protocol):
    """A feed of the running machine, which can be told where earlier runs are known."""

    def learn_from(self, load: Load) -> None:
        """From now on ask `load` for what earlier runs taught of each training."""
        ...
