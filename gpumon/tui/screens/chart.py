"""One measure over time, large and with axes."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.enlarged_chart import EnlargedChart


class ChartScreen(ViewScreen):
    """A chart that is opened from the overview, or the place "history"."""

    def __init__(self, metric: str = "gpu_busy_ratio", place: str = "") -> None:
        super().__init__()
        self._metric = metric

    def body(self) -> Iterable[Widget]:
        """Return the chart."""
        yield EnlargedChart()
