"""What all screens share: the top line, the bottom line, and showing a frame."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets._toast import ToastHolder

from gpumon.model.measure import Maybe, Missing, known
from gpumon.tui.heap import forget_drawn, forget_laid_out
from gpumon.tui.key_line import Item, KeyLine
from gpumon.tui.widgets.brush import Brush, placed_at_rest
from gpumon.tui.widgets.cell_update import CellCompositor
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane
from gpumon.tui.widgets.training_line import TrainingLine

if TYPE_CHECKING:
    from gpumon.model.suggestion import Suggestion
    from gpumon.tui.app import GpumonApp

_WIDTHS = ((0, "-narrow"), (80, "-normal"), (110, "-wide"), (170, "-very-wide"))
# A screen that cannot be drawn for so long gets the keys as it is.
_PATIENCE_SECONDS = 2.0
_HEIGHTS = ((0, "-tiny"), (20, "-short"), (32, "-tall"), (44, "-very-tall"))


def set_height(widget: Widget, rows: int) -> None:
    """Give a widget a height in rows; nothing is laid out anew where it has it already."""
    height = widget.styles.height
    if height is None or height.value != rows:
        widget.styles.height = rows


class ViewScreen(Screen[None]):
    """A screen of panes. It keeps no facts: each frame is handed to the panes that are visible."""

    ALLOW_SELECT: ClassVar[bool] = False
    HORIZONTAL_BREAKPOINTS = list(_WIDTHS)  # noqa: RUF012 (Textual declares it as an instance variable)
    VERTICAL_BREAKPOINTS = list(_HEIGHTS)  # noqa: RUF012 (as above)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next pane", id="focus.next", tooltip="to the next pane"),
        Binding(
            "shift+tab",
            "app.focus_previous",
            "pane before",
            id="focus.previous",
            tooltip="to the pane before",
        ),
    ]
    PLACE: ClassVar[str] = ""
    KEYS: ClassVar[tuple[Item, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        # Sends only the cells that changed: Textual's own sends every dirty line from its start.
        self._compositor = CellCompositor()
        # What panes paint while a frame is shown, past Textual.
        self.brush = Brush(self, self._send_cells, placed_at_rest)
        self._shown = asyncio.Event()

    @property
    def dashboard(self) -> GpumonApp:
        """The app, which owns the frame and the user's choices."""
        return cast("GpumonApp", self.app)

    def _send_cells(self, sent: str) -> None:
        # The app of a screen is not known yet when the brush is made.
        self.dashboard.send_cells(sent)

    def body(self) -> Iterable[Widget]:
        """Return what stands between the top line and the bottom line."""
        return ()

    def compose(self) -> ComposeResult:
        """Build the lines and the body."""
        yield TrainingLine()
        yield from self.body()
        if self.dashboard.is_replay:
            from gpumon.tui.widgets.replay_bar import ReplayBar

            with Vertical(id="replay"):
                yield ReplayBar()
                yield KeyLine(self.PLACE, self.KEYS)
        else:
            yield KeyLine(self.PLACE, self.KEYS)

    def show(self, frame: Frame) -> None:
        """Hand a frame to the panes that are displayed."""
        for pane in self.panes(frame):
            if pane.display:
                pane.show(frame)

    def panes(self, frame: Frame) -> Iterable[Pane]:
        """Return the panes that take this frame."""
        del frame
        return self.query(Pane)

    def suggestions(self) -> tuple[Suggestion, ...]:
        """Return what is suggested, what is looked at first."""
        frame = self.dashboard.frame
        report = frame.training_report if frame is not None else None
        return () if report is None else report.suggestions

    def command(self) -> str | None:
        """Return the command that `y` copies."""
        copied = self._copied()
        return None if copied is None else known(copied.command)

    def go_on_command(self) -> Maybe[str]:
        """Return the command that `Y` copies, which goes on with the change that `y` copies, or why not."""
        copied = self._copied()
        return Missing("there is no command to copy") if copied is None else _go_on_command(copied)

    def _copied(self) -> Suggestion | None:
        """Return the suggestion that both keys speak of: the first with a command of either kind, if any."""
        found = self.suggestions()
        ways = (each for each in found if known(each.command) or known(_go_on_command(each)))
        return next(ways, found[0] if found else None)

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close this screen; one that a key typed ahead has closed already, or covered, stays as it is.

        Textual would take away whatever is on top then, and end the dashboard where nothing is.
        """
        return super().dismiss(result) if self.is_current else AwaitComplete()

    def on_screen_resume(self) -> None:
        """Show the newest frame when the screen comes to the top."""
        self.call_after_refresh(self._show_newest)

    async def until_shown(self) -> None:
        """Wait until the panes have what there was to show."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._shown.wait(), _PATIENCE_SECONDS)

    def on_screen_suspend(self) -> None:
        """Let go of the past that was shown where the place is left: it may not be seen again for days.

        A screen that something was opened on top of may still show through. What is said is said on top, and
        again here where its time is not over.
        """
        self.query(ToastHolder).remove()
        forget_drawn()
        forget_laid_out(self)
        if self not in self.app.screen_stack:
            self._shown.clear()
            for pane in self.query(Pane):
                pane.forget()

    def _show_newest(self) -> None:
        self.dashboard.show_frame()
        self._shown.set()

    def on_unmount(self) -> None:
        """Let go of what Textual keeps of widgets that are gone: the lines of up to a thousand of them."""
        forget_drawn()

    def on_resize(self) -> None:
        """Show the frame on panes that the new size brought to light."""
        self.call_after_refresh(self.dashboard.show_frame)


def _go_on_command(suggestion: Suggestion) -> Maybe[str]:
    """Return the command that goes on with a suggestion, or why there is none."""
    way = suggestion.go_on
    return way if isinstance(way, Missing) else way.command
