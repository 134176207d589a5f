"""The line that a filter is typed into, and the screens whose list has one."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from gpumon.tui.list_pane import ScrollPane
from gpumon.tui.screens.view_screen import ViewScreen


class FilteredScreen(ViewScreen):
    """A screen whose first list is filtered by what is typed after `/`: enter keeps it, esc shows all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash", "filter", "filter", id="list.filter", tooltip="show only rows that hold what is typed"
        ),
    ]

    def compose(self) -> ComposeResult:
        """Build the screen, with the line above its bottom line."""
        yield from super().compose()
        line = Input(placeholder="text to look for; enter keeps it, esc shows all", id="filter", compact=True)
        line.display = False
        yield line

    def filtered(self) -> ScrollPane:
        """Return the list."""
        return self.query(ScrollPane).first()

    def action_filter(self) -> None:
        """Open the line."""
        line = self.query_one(Input)
        line.display = True
        line.focus()

    def on_key(self, event: events.Key) -> None:
        """Let esc end the filter before it goes anywhere else."""
        line = self.query_one(Input)
        if event.key == "escape" and (line.display or self.filtered().wanted):
            event.stop()
            event.prevent_default()
            line.value = ""
            self._look_for("")
            self._close_line()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._look_for(event.value)

    @on(Input.Submitted)
    def _close_line(self) -> None:
        line = self.query_one(Input)
        if line.has_focus:
            self.filtered().focus()
        line.display = False

    @on(Input.Blurred)
    def _leave_line(self) -> None:
        # A click has taken the focus from it. Where another window of the terminal has, it comes back.
        if self.app.app_focus:
            self._close_line()

    def _look_for(self, text: str) -> None:
        self.filtered().want(text)
        # What is shown beside the list follows its cursor, which may have lost its row.
        self.dashboard.show_frame()
