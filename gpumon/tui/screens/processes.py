"""The processes of the training, with a filter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from gpumon.model.process import ProcessReading
from gpumon.paint.row import Row, Span
from gpumon.tui.key_line import Item
from gpumon.tui.list_pane import Entry
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.process_table import ProcessTable


class FilteredProcesses(ProcessTable):
    """The table, of those processes that hold a text in PID, role, user, name or command."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "tree", "tree", id="processes.tree", tooltip="as a tree, or by CPU"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._wanted = ""

    @property
    def wanted(self) -> str:
        """The text that is filtered by, in lower case; empty for all processes."""
        return self._wanted

    def want(self, text: str) -> None:
        """Show only what holds that text."""
        self._wanted = text.strip().lower()
        self.redraw()

    def action_tree(self) -> None:
        """Show the tree, or the processes by CPU where the tree is shown."""
        self.order_by("cpu" if self.order == "tree" else "tree")

    def empty(self, frame: Frame) -> str:
        """Return why there are no rows."""
        return f"no process holds {self._wanted!r}: esc shows all" if self._wanted else super().empty(frame)

    def subtitle(self, frame: Frame) -> Row:
        """Return the filter, beside which rows are shown."""
        rest = super().subtitle(frame)
        return (Span(f"filter: {self._wanted} ", "warn"), *rest) if self._wanted else rest

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return the rows of the processes that hold the text."""
        entries = super().entries(frame, width)
        if not self._wanted or frame.training is None:
            return entries
        texts = {f"{item.id.pid}:{item.id.start_ticks}": _text_of(item) for item in frame.training.processes}
        return [entry for entry in entries if self._wanted in texts.get(entry.key, "")]


class ProcessesScreen(ViewScreen):
    """The table, and below it the line that the filter is typed into."""

    PLACE = "processes"
    KEYS = (Item("o", "order", "o"), Item("t", "tree", "t"), Item("/", "filter", "slash"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "filter",
            "filter",
            id="processes.filter",
            tooltip="show only processes with a text: PID, role, user, command",
        ),
    ]

    def body(self) -> Iterable[Widget]:
        """Return the table and the line."""
        yield FilteredProcesses()
        yield Input(placeholder="text to look for; enter keeps it, esc shows all", id="filter", compact=True)

    def on_mount(self) -> None:
        """Hide the line until it is asked for."""
        self.query_one(Input).display = False

    def action_filter(self) -> None:
        """Open the line."""
        line = self.query_one(Input)
        line.display = True
        line.focus()

    def on_key(self, event: events.Key) -> None:
        """Let esc end the filter before it goes anywhere else."""
        table, line = self.query_one(FilteredProcesses), self.query_one(Input)
        if event.key == "escape" and (line.display or table.wanted):
            event.stop()
            event.prevent_default()
            line.value = ""
            table.want("")
            self._close_line()

    @on(Input.Changed)
    def _look_for(self, event: Input.Changed) -> None:
        self.query_one(FilteredProcesses).want(event.value)

    @on(Input.Submitted)
    def _close_line(self) -> None:
        self.query_one(Input).display = False
        self.query_one(FilteredProcesses).focus()


def _text_of(process: ProcessReading) -> str:
    role = process.role.value.replace("_", " ")
    command = " ".join(process.command)
    return f"{process.id.pid} {role} {process.user} {process.name} {command}".lower()
