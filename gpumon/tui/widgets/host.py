"""The host in one line."""

from __future__ import annotations

from gpumon.paint.row import Row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane


class HostLine(Pane):
    """Memory, swap, pressure and quota."""

    DEFAULT_CSS = "HostLine { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows."""
        del frame, width, height
        return []
