"""The newest row of results.csv: losses, and what the validation says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from gpumon.paint.bars import gauge
from gpumon.paint.numbers import quantity
from gpumon.paint.row import Row, Span, pad
from gpumon.tui.list_pane import ScrollPane
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.frame import Frame

_NAME_CELLS, _VALUE_CELLS, _BAR_CELLS = 24, 7, 20


class ResultsPane(ScrollPane):
    """Each column of the row; what is a share has a bar besides."""

    def title(self, frame: Frame) -> Row:
        """Return which row it is."""
        training = frame.training
        rows = 0 if training is None else training.progress.epoch_results
        return (Span(f"results of epoch {rows}" if rows else "results", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return the columns of the row, or why there are none."""
        training = frame.training
        if training is None or not training.progress.results:
            return [(Span("no epoch is over yet", "dim"),)]
        return [_row(name, value, frame, width) for name, value in training.progress.results]


def _row(name: str, value: float, frame: Frame, width: int) -> Row:
    row: Row = (Span(f" {pad(name, _NAME_CELLS)} ", "dim"), Span(quantity(value, _VALUE_CELLS), "value"))
    is_share = name.startswith("metrics/") and 0.0 <= value <= 1.0
    if not is_share or width < _NAME_CELLS + _VALUE_CELLS + _BAR_CELLS:
        return row
    return (*row, Span("  "), *gauge(value, _BAR_CELLS, ascii_only=frame.view.ascii))


class ResultsScreen(ViewScreen):
    """The row on top of the screen that was open."""

    def body(self) -> Iterable[Widget]:
        """Return the pane."""
        yield ResultsPane()
