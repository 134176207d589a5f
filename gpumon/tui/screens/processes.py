"""The processes of the training."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.process_table import ProcessTable


class ProcessesScreen(ViewScreen):
    """The table of processes."""

    PLACE = "processes"

    def body(self) -> Iterable[Widget]:
        """Return the table."""
        yield ProcessTable()
