"""One process in full: everything that was read of it, and its command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from gpumon.model.process import ProcessReading
from gpumon.monitor.signals import Signaller
from gpumon.paint.row import Row, Span
from gpumon.tui.key_line import Item
from gpumon.tui.list_pane import ScrollPane
from gpumon.tui.process_rows import process_rows
from gpumon.tui.screens.signal import SignallingScreen
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.process_columns import role_words


class ProcessFacts(ScrollPane):
    """The newest reading of a process; its last one where it has ended."""

    def __init__(self, process: ProcessReading | None = None) -> None:
        super().__init__()
        self._process = process
        self._has_ended = False

    @property
    def process(self) -> ProcessReading | None:
        """The newest reading."""
        return self._process

    def of(self, process: ProcessReading | None) -> None:
        """Show that process, another one from its beginning."""
        before, self._process = self._process, process
        if before is None or process is None or before.id != process.id:
            self.to_top()
            self.redraw()

    def title(self, frame: Frame) -> Row:
        """Return which process it is."""
        del frame
        if self._process is None:
            return (Span("process", "title"),)
        over = (Span(" ended: its last numbers", "warn"),) if self._has_ended else ()
        who = Span(f"process {self._process.id.pid} ", "title")
        return (who, Span(role_words(self._process), "dim"), *over)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return its facts."""
        if self._process is None:
            return [(Span("no process is under the cursor", "dim"),)]
        training = frame.training
        processes = () if training is None else training.processes
        found = next((process for process in processes if process.id == self._process.id), None)
        self._has_ended = found is None
        self._process = self._process if found is None else found
        return process_rows(self._process, frame, width - 1)


class ProcessScreen(SignallingScreen):
    """The facts on top of the list."""

    KEYS = (Item("K", "signal", "K"),)

    def __init__(self, process: ProcessReading, signaller: Signaller | None = None) -> None:
        super().__init__(signaller)
        self._facts = ProcessFacts(process)

    def body(self) -> Iterable[Widget]:
        """Return the facts."""
        yield self._facts

    def process_here(self) -> ProcessReading | None:
        """Return the process that is shown."""
        return self._facts.process
