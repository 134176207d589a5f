"""The top line: what is attached and how far it is."""

from __future__ import annotations

from gpumon.paint.row import Row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane


class TrainingLine(Pane):
    """Framework, script, PID, settings, run directory, epoch, bar and ETA in one line."""

    DEFAULT_CSS = "TrainingLine { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows."""
        del frame, width, height
        return []
