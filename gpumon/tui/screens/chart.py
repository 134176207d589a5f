"""One measure over time, large and with axes."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from gpumon.tui.key_line import Item
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.enlarged_chart import EnlargedChart


class ChartScreen(ViewScreen):
    """A chart that was opened from the overview; esc closes it."""

    KEYS = (Item("< >", "measure", "right"), Item("+ -", "span", "plus"))

    def __init__(self, metric: str = "gpu_busy_ratio") -> None:
        super().__init__()
        self._metric = metric

    def body(self) -> Iterable[Widget]:
        """Return the chart."""
        yield EnlargedChart(self._metric)


class HistoryScreen(ChartScreen):
    """The same as a place of its own, which keeps its measure."""

    PLACE = "history"
