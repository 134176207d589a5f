"""The way of the data: disk, workers, queue, GPU."""

from __future__ import annotations

from gpumon.paint.row import Row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane


class PipelinePane(Pane):
    """The stages of the data pipeline."""

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows."""
        del frame, width, height
        return []


class PipelineLine(Pane):
    """The pipeline in one line."""

    DEFAULT_CSS = "PipelineLine { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows."""
        del frame, width, height
        return []
