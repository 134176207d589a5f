"""What could not be read, and what gpumon costs."""

from __future__ import annotations

from gpumon.paint.row import Row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane


class StatusLine(Pane):
    """Errors of sources, and gpumon's own cost."""

    DEFAULT_CSS = "StatusLine { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows."""
        del frame, width, height
        return []
