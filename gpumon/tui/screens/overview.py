"""The overview: the verdict and all pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from gpumon.model.sample import Sample
from gpumon.tui.key_line import Item, KeyLine
from gpumon.tui.keys import PLACES
from gpumon.tui.list_pane import ListPane
from gpumon.tui.screens.view_screen import ViewScreen, set_height
from gpumon.tui.widgets.cores import CorePane, CoreStrip
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.gpu import GpuPane
from gpumon.tui.widgets.gpu_list import GpuStrip
from gpumon.tui.widgets.host import HostLine
from gpumon.tui.widgets.pane import Pane
from gpumon.tui.widgets.pipeline import PipelineLine, PipelinePane
from gpumon.tui.widgets.process_table import ProcessTable
from gpumon.tui.widgets.status import StatusLine
from gpumon.tui.widgets.verdict import FEW_ROWS_BELOW, VerdictPane
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
# Rows of the verdict with its box, least and most, from that many lines of the terminal on.
_VERDICT_ROWS = ((44, (6, 12)), (FEW_ROWS_BELOW, (6, 11)), (0, (6, 9)))
_EDGES = 2
# Of a pane over the whole screen: first of all how to leave it.
_ZOOMED_KEYS = (
    Item("esc", "all panes", "escape"),
    Item("tab", "next pane", "tab"),
    Item("+ -", "span", "plus"),
)
_SHRINK_AFTER_FRAMES = 20


class OverviewScreen(ViewScreen):
    """Everything at once; what is shown depends on the room there is (app.tcss)."""

    PLACE = "overview"
    KEYS = (
        Item("enter", "details", "enter"),
        Item("m", "enlarge", "m"),
        Item("z", "zoom", "z"),
        Item("+ -", "span", "plus"),
    )
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "open",
            "details",
            id="overview.open",
            tooltip="open what has the focus: evidence, chart, or processes",
        ),
        Binding(
            "m",
            "enlarge",
            "enlarge chart",
            id="overview.enlarge",
            tooltip="the focused chart, large and with axes",
        ),
        Binding(
            "z",
            "zoom",
            "zoom",
            id="overview.zoom",
            tooltip="the focused pane over the whole screen; again: all panes",
        ),
        Binding("escape", "unzoom", "all panes", id="overview.unzoom", tooltip="after zoom: all panes again"),
        Binding("tab", "pane(1)", "next pane", id="focus.next", tooltip="to the next pane"),
        Binding("shift+tab", "pane(-1)", "pane before", id="focus.previous", tooltip="to the pane before"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._verdict = VerdictPane()
        self._members = ProcessTable()
        self._members.id = "members"
        self._status = StatusLine()
        self._pictures = (GpuPane(), VramPane(), CorePane(), PipelinePane())
        self._all_panes: tuple[Pane, ...] = ()
        self._zoomed: Pane | None = None
        self._members_size = Size(0, 0)
        self._verdict_rows = 0
        self._verdict_size = Size(0, 0)
        self._less_for = 0

    def body(self) -> Iterable[Widget]:
        """Return the panes."""
        self._know_what_comes()
        yield Static("gpumon reads the machine. q quits.", id="waiting", markup=False)
        yield self._verdict
        for pane in self._zoomable:
            pane.can_focus = True
        yield Container(*self._pictures, id="pictures")
        yield self._members
        yield GpuStrip()
        yield VramGauge()
        yield CoreStrip()
        yield PipelineLine()
        yield HostLine()
        yield self._status

    def _know_what_comes(self) -> None:
        """Take the classes that the room and the first report ask for before the panes get their styles.

        With each that comes later all styles are found anew, and what was laid out was laid out for nothing.
        """
        size = self.app.size
        rooms = ((size.width, self.HORIZONTAL_BREAKPOINTS), (size.height, self.VERTICAL_BREAKPOINTS))
        for cells, steps in rooms:
            fitting = [name for least, name in steps or () if cells >= least]
            self.add_class(*fitting[-1:], update=False)
        report = self.dashboard.newest_report()
        if report is not None:
            self.update_classes(
                _classes(report.sample, is_training=bool(report.sample.trainings)), update=False
            )

    def show(self, frame: Frame) -> None:
        """Show a frame; the first one takes the place of the word about waiting."""
        training = frame.training
        has_errors = self._status.follow(frame.report.sample)
        classes = _classes(frame.report.sample, is_training=training is not None)
        self.update_classes({**classes, "-errors": has_errors})
        if training is not None:
            rows = min(_MOST_MEMBER_ROWS, self._members.row_count(frame) + _FRAME_ROWS)
            if self._zoomed is not self._members:
                set_height(self._members, rows)
        if not self.has_class("-tiny"):
            self._give_verdict_room(frame)
        else:
            self._verdict.styles.height = "1fr"
        super().show(frame)

    def panes(self, frame: Frame) -> Iterable[Pane]:
        """Return all panes; the processes, which have a screen of their own, every other second.

        Their rows change in every second; half of that is 0.05 % of a core, and calmer to read.
        """
        rests = frame.view.replay is None and frame.report.sample.sequence % 2 == 1
        rests = rests and self._members.size == self._members_size
        self._members_size = self._members.size
        # All are there from the beginning: to ask for them costs as much as to draw one.
        self._all_panes = self._all_panes or tuple(super().panes(frame))
        return (pane for pane in self._all_panes if not (rests and pane is self._members))

    def _give_verdict_room(self, frame: Frame) -> None:
        """Let the verdict be as high as its words need, within what the pictures can spare.

        It grows at once and shrinks only when it has long needed less: a picture that changes its height
        with every word would not be calm.
        """
        verdict = self._verdict
        least, most = next(rows for lines, rows in _VERDICT_ROWS if self.size.height >= lines)
        wanted = max(least, min(most, verdict.rows_wanted(frame, self.size.width - _EDGES) + _EDGES))
        if wanted >= self._verdict_rows or self._verdict_size != self.size:
            self._less_for = 0
        else:
            self._less_for += 1
            wanted = wanted if self._less_for >= _SHRINK_AFTER_FRAMES else self._verdict_rows
        self._verdict_rows, self._verdict_size = wanted, self.size
        set_height(verdict, wanted)

    @property
    def _zoomable(self) -> tuple[Pane, ...]:
        """The panes that take the focus, in their order; zoomed, those too that have no room otherwise."""
        return (*self._pictures, self._members)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave esc to others while nothing is zoomed."""
        return (action != "unzoom" or self._zoomed is not None) and super().check_action(action, parameters)

    def action_zoom(self) -> None:
        """Show the focused pane, or the GPU, over the whole screen; or all panes again."""
        focused = self.focused
        wanted = focused if isinstance(focused, Pane) and focused in self._zoomable else self._pictures[0]
        self._zoom(None if self._zoomed is not None else wanted)

    def action_unzoom(self) -> None:
        """Show all panes again."""
        self._zoom(None)

    def action_pane(self, steps: int) -> None:
        """Go to the next pane, or to the one before; zoomed, show it instead."""
        if self._zoomed is not None:
            panes = self._zoomable
            self._zoom(panes[(panes.index(self._zoomed) + steps) % len(panes)])
        elif steps > 0:
            self.app.action_focus_next()
        else:
            self.app.action_focus_previous()

    def _zoom(self, pane: Pane | None) -> None:
        self._zoomed = pane
        self.set_class(pane is not None, "-zoomed")
        self.set_class(pane is self._members, "-members")
        self.query_one(KeyLine).offer(self.KEYS if pane is None else _ZOOMED_KEYS)
        for each in self._zoomable:
            each.set_class(each is pane, "-zoomed")
        if pane is not None:
            if pane is self._members:
                pane.styles.height = "1fr"
            self.set_focus(pane)
        # Once it is laid out: a pane that was hidden has nothing to show yet.
        self.call_after_refresh(self.dashboard.show_frame)

    async def action_open(self) -> None:
        """Open the evidence, the processes, or the focused chart."""
        focused = self.focused
        if isinstance(focused, CorePane | ProcessTable):
            await self.dashboard.action_place("processes")
        elif isinstance(focused, Pane) and not isinstance(focused, VerdictPane):
            self.action_enlarge()
        else:
            await self.dashboard.action_place("findings")

    @on(VerdictPane.Opened)
    async def _open_said(self, event: VerdictPane.Opened) -> None:
        """Go where a click on the verdict leads: to a place, or to the finding on its own."""
        is_place = any(place.mode == event.what for place in PLACES)
        await self.dashboard.action_place(event.what if is_place else "findings")
        if not is_place:
            self.app.screen.query(ListPane).first().go_to(event.what)

    @on(ListPane.Chosen)
    def _open_process(self, event: ListPane.Chosen) -> None:
        """Open the facts of a process of the table."""
        from gpumon.tui.screens.process import ProcessScreen

        if (process := self._members.process(event.key)) is not None:
            self.app.push_screen(ProcessScreen(process))

    def action_enlarge(self) -> None:
        """Open the focused chart, or the GPU's, large and with axes."""
        from gpumon.tui.screens.chart import ChartScreen

        focused = self.focused
        metric = next((name for kind, name in _METRICS if isinstance(focused, kind)), "gpu_busy_ratio")
        self.app.push_screen(ChartScreen(metric=metric))


def _classes(sample: Sample, *, is_training: bool) -> dict[str, bool]:
    """Return what a sample says about which panes there are."""
    return {"-running": True, "-training": is_training, "-gpus": len(sample.gpus) > 1}
