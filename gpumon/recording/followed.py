"""What a recorder needs of a feed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gpumon.history.window import Window
from gpumon.model.report import Report


class Followed(Protocol):
    """Reports of a monitor, one after another. All methods may be called from any thread."""

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever there is news."""
        ...

    def report(self) -> Report | None:
        """Return the newest report."""
        ...

    def window(self) -> Window | None:
        """Return the history up to it."""
        ...

    def prior(self) -> str:
        """Return what earlier runs taught of what it shows, as a recording keeps it; empty: nothing."""
        ...
