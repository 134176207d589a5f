"""Where each number comes from, and how certain it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from gpumon.paint.row import Row, Span
from gpumon.tui.fact_rows import source_rows
from gpumon.tui.list_pane import ScrollPane
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.frame import Frame


class SourceList(ScrollPane):
    """Every number of the training that is shown: value, certainty and source."""

    def title(self, frame: Frame) -> Row:
        """Return what is listed."""
        del frame
        return (Span("where each number comes from", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return the sections."""
        return source_rows(frame, width)


class SourcesScreen(ViewScreen):
    """The list on top of the screen whose numbers it explains."""

    def body(self) -> Iterable[Widget]:
        """Return the list."""
        yield SourceList()
