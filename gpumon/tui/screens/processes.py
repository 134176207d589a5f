"""The processes of the training: sorted, filtered, opened and signalled."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.timer import Timer
from textual.widget import Widget

from gpumon.model.process import ProcessReading
from gpumon.monitor.signals import Signaller
from gpumon.tui.filter_line import FilteredScreen
from gpumon.tui.key_line import Item
from gpumon.tui.list_pane import ListPane
from gpumon.tui.screens.process import ProcessFacts, ProcessScreen
from gpumon.tui.screens.signal import SignallingScreen
from gpumon.tui.screens.view_screen import set_height
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.process_table import ProcessTable

# An order that stays for so long is the one that was looked for, and is kept for the next start.
_KEEP_AFTER_SECONDS = 1.5
# Of the table: its box and its heading. A terminal of so many rows has room for details below it; so has a
# lower one that has so many rows left.
_FRAME_ROWS = 3
_DETAILS_FROM_ROWS = 32
_LEAST_DETAIL_ROWS = 12
# The top line, the key line and, while it is there, the filter.
_OTHER_ROWS = 3


class ProcessDetails(ProcessFacts):
    """The process under the cursor in full, where there is room below the table."""

    DEFAULT_CSS = """
    ProcessDetails { display: none; }
    ProcessDetails:focus { background: $panel; }
    ProcessDetails:ansi:focus, ProcessDetails:nocolor:focus { text-style: bold; background: ansi_default; }
    """


class ProcessesScreen(SignallingScreen, FilteredScreen):
    """The table, and below it the process under the cursor.

    A filter looks into PID, role, user, name and the whole command.
    """

    PLACE = "processes"
    KEYS = (
        Item("enter", "facts", "enter"),
        Item("K", "signal", "K"),
        Item("o", "order", "o"),
        Item("t", "tree", "t"),
        Item("/", "filter", "slash"),
    )

    def __init__(
        self, signaller: Signaller | None = None, *, keep_after_seconds: float = _KEEP_AFTER_SECONDS
    ) -> None:
        super().__init__(signaller)
        self._keep_after_seconds = keep_after_seconds
        self._keeping: Timer | None = None

    def body(self) -> Iterable[Widget]:
        """Return the table, in the order that was chosen last."""
        table = ProcessTable()
        kept = self.dashboard.settings.process_order
        if kept in ProcessTable.ORDERS:
            table.order_by(kept)
        yield table
        yield ProcessDetails()

    def show(self, frame: Frame) -> None:
        """Show a frame; the table is as high as its rows, and the details have the rest if that is enough."""
        table, details = self.query_one(ProcessTable), self.query_one(ProcessDetails)
        height = self.size.height
        wanted = max(1, table.row_count(frame)) + _FRAME_ROWS
        has_details = height >= _DETAILS_FROM_ROWS or height - _OTHER_ROWS - wanted >= _LEAST_DETAIL_ROWS
        details.display = has_details
        if has_details:
            set_height(table, min(wanted, height // 2))
            table.show(frame)
            details.of(table.selected)
        else:
            table.styles.height = "1fr"
        super().show(frame)

    def process_here(self) -> ProcessReading | None:
        """Return the process under the cursor."""
        return self.query_one(ProcessTable).selected

    @on(ListPane.Moved)
    def _show_details(self) -> None:
        self.query_one(ProcessDetails).of(self.process_here())

    @on(ListPane.Chosen)
    def _open(self, event: ListPane.Chosen) -> None:
        process = self.query_one(ProcessTable).process(event.key)
        if process is not None:
            self.app.push_screen(ProcessScreen(process, self.signaller))

    @on(ProcessTable.Refolded)
    def _give_room(self) -> None:
        self.dashboard.show_frame()

    @on(ProcessTable.Ordered)
    def _keep_soon(self) -> None:
        if self._keeping is not None:
            self._keeping.stop()
        self._keeping = self.set_timer(self._keep_after_seconds, self._keep)

    def _keep(self) -> None:
        order = self.query_one(ProcessTable).order
        self.dashboard.keep("process_order", order, f"processes by {order}")
