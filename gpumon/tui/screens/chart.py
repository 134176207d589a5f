"""One measure over time, large and with axes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual.widget import Widget

from gpumon.tui.key_line import Item
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.enlarged_chart import EnlargedChart
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane


class ChartScreen(ViewScreen):
    """A chart that was opened from the overview; esc closes it."""

    KEYS = (
        Item("← →", "values", "left"),
        Item("PgUp", "past", "pageup"),
        Item("↑ ↓", "measure", "down"),
        Item("+ -", "span", "plus"),
    )

    def __init__(self, metric: str = "gpu_busy_ratio") -> None:
        super().__init__()
        self._metric = metric

    def body(self) -> Iterable[Widget]:
        """Return the chart."""
        yield EnlargedChart(self._metric)

    def show(self, frame: Frame) -> None:
        """Show a frame; the chart moves only every few seconds, because moving it sends all of its cells."""
        chart = self.query_one(EnlargedChart)
        paused = self.dashboard.paused and not self.dashboard.is_replay
        held = replace(frame, view=replace(frame.view, is_paused=paused))
        if chart.frame is None or is_due(chart.frame, chart.placed(held)):
            chart.show(held)
        for pane in self.query(Pane):
            if pane is not chart:
                pane.show(frame)


def is_due(shown: Frame, newest: Frame) -> bool:
    """Tell whether a chart that shows one frame is to be drawn anew.

    At once when the user looks at it differently or the training changes; otherwise after a sixtieth of
    its span, but between 2 s and 5 s: at 120x40 and 1 Hz it sent 13 kB/s, now it sends at most half.
    """
    same_look = replace(shown.view, now_unix_seconds=newest.view.now_unix_seconds) == newest.view
    if not same_look or shown.report.attachment != newest.report.attachment:
        return True
    seconds = newest.report.sample.instant.monotonic_seconds - shown.report.sample.instant.monotonic_seconds
    return not 0 <= seconds < min(5.0, max(2.0, newest.view.span_seconds / 60))


class HistoryScreen(ChartScreen):
    """The same as a place of its own, which keeps its measure."""

    PLACE = "history"
