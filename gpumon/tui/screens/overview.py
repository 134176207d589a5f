"""The overview: the verdict and all pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static

from gpumon.tui.key_line import Item
from gpumon.tui.screens.view_screen import ViewScreen, set_height
from gpumon.tui.widgets.cores import CorePane, CoreStrip
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.gpu import GpuPane
from gpumon.tui.widgets.host import HostLine
from gpumon.tui.widgets.pane import Pane
from gpumon.tui.widgets.pipeline import PipelineLine, PipelinePane
from gpumon.tui.widgets.process_table import ProcessTable
from gpumon.tui.widgets.status import StatusLine
from gpumon.tui.widgets.verdict import VerdictPane
from gpumon.tui.widgets.vram import VramGauge, VramPane

_METRICS: tuple[tuple[type[Pane], str], ...] = (
    (GpuPane, "gpu_busy_ratio"),
    (VramPane, "gpu_memory_used_bytes"),
    (CorePane, "host_cpu_busy_ratio"),
    (PipelinePane, "data_wait_ratio"),
)
# The table of processes: at most this high, and as low as its box, its heading and its rows.
_MOST_MEMBER_ROWS = 14
_FRAME_ROWS = 3


class OverviewScreen(ViewScreen):
    """Everything at once; what is shown depends on the room there is (app.tcss)."""

    PLACE = "overview"
    KEYS = (Item("enter", "details", "enter"), Item("m", "enlarge", "m"), Item("+ -", "span", "plus"))
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "open",
            "details",
            id="overview.open",
            tooltip="open what has the focus: the evidence, the chart, the processes",
        ),
        Binding(
            "m",
            "enlarge",
            "enlarge chart",
            id="overview.enlarge",
            tooltip="the focused chart, large and with axes",
        ),
    ]

    def body(self) -> Iterable[Widget]:
        """Return the panes."""
        yield Static("gpumon reads the machine. q quits.", id="waiting", markup=False)
        yield VerdictPane()
        with_focus = (GpuPane(), VramPane(), CorePane(), PipelinePane(), ProcessTable(id="members"))
        for pane in with_focus:
            pane.can_focus = True
        gpu, vram, cores, pipeline, members = with_focus
        yield Container(gpu, vram, cores, pipeline, id="pictures")
        yield members
        yield VramGauge()
        yield CoreStrip()
        yield PipelineLine()
        yield HostLine()
        yield StatusLine()

    def show(self, frame: Frame) -> None:
        """Show a frame; the first one takes the place of the word about waiting."""
        self.set_class(True, "-running")
        sample = frame.report.sample
        self.set_class(bool(sample.errors or sample.late_sources), "-errors")
        training = frame.training
        self.set_class(training is not None, "-training")
        if training is not None:
            rows = min(_MOST_MEMBER_ROWS, len(training.processes) + _FRAME_ROWS)
            set_height(self.query_one("#members"), rows)
        super().show(frame)

    def action_open(self) -> None:
        """Open the evidence, the processes, or the focused chart."""
        focused = self.focused
        if isinstance(focused, CorePane | ProcessTable):
            self.dashboard.action_place("processes")
        elif isinstance(focused, Pane) and not isinstance(focused, VerdictPane):
            self.action_enlarge()
        else:
            self.dashboard.action_place("findings")

    def action_enlarge(self) -> None:
        """Open the focused chart, or the GPU's, large and with axes."""
        from gpumon.tui.screens.chart import ChartScreen

        focused = self.focused
        metric = next((name for kind, name in _METRICS if isinstance(focused, kind)), "gpu_busy_ratio")
        self.app.push_screen(ChartScreen(metric=metric))
