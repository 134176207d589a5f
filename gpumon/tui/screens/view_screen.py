"""What all screens share: the top line, the bottom line, and showing a frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widget import Widget

from gpumon.model.measure import known
from gpumon.tui.key_line import Item, KeyLine
from gpumon.tui.widgets.cell_update import CellCompositor
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane
from gpumon.tui.widgets.replay_bar import ReplayBar
from gpumon.tui.widgets.training_line import TrainingLine

if TYPE_CHECKING:
    from gpumon.tui.app import GpumonApp

_WIDTHS = ((0, "-narrow"), (80, "-normal"), (110, "-wide"), (170, "-very-wide"))
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

    @property
    def dashboard(self) -> GpumonApp:
        """The app, which owns the frame and the user's choices."""
        return cast("GpumonApp", self.app)

    def body(self) -> Iterable[Widget]:
        """Return what stands between the top line and the bottom line."""
        return ()

    def compose(self) -> ComposeResult:
        """Build the lines and the body."""
        yield TrainingLine()
        yield from self.body()
        if self.dashboard.is_replay:
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

    def command(self) -> str | None:
        """Return the command that `y` copies: that of the first suggestion that has one."""
        frame = self.dashboard.frame
        report = frame.training_report if frame is not None else None
        for suggestion in report.suggestions if report is not None else ():
            if (command := known(suggestion.command)) is not None:
                return command
        return None

    def on_screen_resume(self) -> None:
        """Show the newest frame when the screen comes to the top."""
        self.call_after_refresh(self.dashboard.show_frame)

    def on_resize(self) -> None:
        """Show the frame on panes that the new size brought to light."""
        self.call_after_refresh(self.dashboard.show_frame)
