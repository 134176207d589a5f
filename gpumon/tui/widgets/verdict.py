"""The verdict: what is the matter, what to change, what it brings."""

from __future__ import annotations

from gpumon.paint.row import Row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane


class VerdictPane(Pane):
    """Findings, suggestions and the memory risk; the search while nothing is attached."""

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows."""
        del frame, width, height
        return []
