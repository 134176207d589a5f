"""Where each number comes from, and how certain it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from gpumon.paint.row import Row, Span
from gpumon.tui.fact_rows import ONE_COLUMN_CELLS, source_rows
from gpumon.tui.filter_line import FilteredScreen
from gpumon.tui.key_line import Item
from gpumon.tui.list_pane import ScrollPane
from gpumon.tui.widgets.frame import Frame


class SourceList(ScrollPane):
    """Every number of the training that is shown: value, certainty and source."""

    ROW_NOUN = "number"

    def title(self, frame: Frame) -> Row:
        """Return what is listed."""
        del frame
        return (Span("where each number comes from", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return the sections; below each other where they are filtered, for a row is then one number."""
        return source_rows(frame, min(width - 1, ONE_COLUMN_CELLS) if self.wanted else width - 1)


class SourcesScreen(FilteredScreen):
    """The list on top of the screen whose numbers it explains."""

    KEYS = (Item("/", "filter", "slash"),)

    def body(self) -> Iterable[Widget]:
        """Return the list."""
        yield SourceList()
