"""GPU memory over time, and as a gauge."""

from __future__ import annotations

from gpumon.paint.row import Row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane


class VramPane(Pane):
    """GPU memory: training, others, limit and peak."""

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows."""
        del frame, width, height
        return []


class VramGauge(Pane):
    """GPU memory in one line."""

    DEFAULT_CSS = "VramGauge { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows."""
        del frame, width, height
        return []
