"""Memory: the GPU's over time, and who holds what everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from gpumon.paint.row import Row, Span
from gpumon.tui.list_pane import ScrollPane
from gpumon.tui.memory_rows import memory_rows
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.vram import VramPane


class MemoryFacts(ScrollPane):
    """Who holds what, and what is left."""

    def title(self, frame: Frame) -> Row:
        """Return what is listed."""
        del frame
        return (Span("who holds what", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return the sections."""
        return memory_rows(frame, width - 1)


class MemoryScreen(ViewScreen):
    """GPU memory over time above, the facts below or beside it."""

    PLACE = "memory"

    def body(self) -> Iterable[Widget]:
        """Return the two panes."""
        yield VramPane()
        yield MemoryFacts()
