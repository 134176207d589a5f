"""CPU cores over time, and now."""

from __future__ import annotations

from gpumon.paint.row import Row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane


class CorePane(Pane):
    """Heat of every core over time."""

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows."""
        del frame, width, height
        return []


class CoreStrip(Pane):
    """One cell per core."""

    DEFAULT_CSS = "CoreStrip { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows."""
        del frame, width, height
        return []
