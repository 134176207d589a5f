"""The short way to the terminal: changed cells of panes, past Textual's messages, timer and compositor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from textual.app import App
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from gpumon.model.text import clean
from gpumon.paint.row import Row

if TYPE_CHECKING:
    from typing_extensions import Self


class Change(NamedTuple):
    """A row that differs from what is on the screen, and the stretches (start, end) of its cells that do."""

    y: int
    row: Row
    stretches: Sequence[tuple[int, int]]


class Painted(Protocol):
    """What is painted: its roles, as they are sent to the terminal before and after a text."""

    def codes(self, role: str) -> tuple[str, str]:
        """Return what is sent before and after a text of that role."""
        ...


class Brush:
    """Sends the cells of a screen that changed in one write; a context, in which panes `paint`.

    Textual has each pane send its screen a message, waits for a timer, and renders every line in which
    something is new with all that lies on it: half of what a frame costs. A pane that something covers, and
    one that is to be laid out anew, is left to Textual, and all are while anything else waits to be drawn.
    """

    def __init__(self, screen: Screen[None], send: Callable[[str], None] | None = None) -> None:
        """Paint on a screen, once entered; `send` takes what is new of a frame (None: the driver does)."""
        self._screen = screen
        self._send = self._write if send is None else send
        self._is_entered = False
        # None until a pane has something to paint: what it does before may ask for a new layout.
        self._may: bool | None = None
        self._sent: list[str] = []
        # Which widgets are where, as Textual had it when it was looked at, and which of them are not covered.
        self._placed: object = None
        self._free: dict[Widget, Region] = {}

    def __enter__(self) -> Self:
        """Take what panes paint from now on."""
        self._is_entered, self._may = True, None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what was painted."""
        self._is_entered = False
        if self._sent:
            sent = "".join(self._sent)
            self._sent.clear()
            self._send(sent)

    def paint(self, pane: Widget, looks: Painted, changes: Iterable[Change]) -> bool:
        """Paint what changed in a pane; tell whether that can be done here."""
        if not self._is_entered:
            return False
        if self._may is None:
            self._may = self._may_paint()
        if not self._may:
            return False
        place = self._free.get(pane)
        if place is None or place.size != pane.size:
            return False
        put = self._sent.append
        for y, row, stretches in changes:
            for start, end in stretches:
                put(f"\x1b[{place.y + y + 1};{place.x + start + 1}H")
                whole = end - start == place.width
                for text, role in row if whole else between(row, start, end):
                    before, after = looks.codes(role)
                    put(before)
                    put(text if text.isprintable() else clean(text))
                    put(after)
        return True

    def _may_paint(self) -> bool:
        """Tell whether what is on the terminal is what Textual has drawn last, and nothing waits."""
        screen = self._screen
        app = screen.app
        compositor = screen._compositor  # noqa: SLF001 - Textual has no public way, here and below
        if (
            app.screen is not screen
            or not screen.is_running
            or app._batch_count > 1  # noqa: SLF001 - one is that of the frame itself
            or screen._layout_required  # noqa: SLF001
            or screen._scroll_required  # noqa: SLF001
            or screen._repaint_required  # noqa: SLF001
            or screen._dirty_widgets  # noqa: SLF001
            or compositor._dirty_regions  # noqa: SLF001
        ):
            return False
        placed = compositor.visible_widgets
        if placed is not self._placed:
            self._placed, self._free = placed, uncovered(placed)
        return not any(widget._layout_required for widget in (*placed, *screen.children))  # noqa: SLF001

    def _write(self, sent: str) -> None:
        """Write as Textual does: within a synchronized update, and the cursor at its place afterwards."""
        app: App[object] = self._screen.app
        driver = app._driver  # noqa: SLF001
        if driver is None or app.is_headless or not app.is_running:
            return
        x, y = self._screen.outer_size.clamp_offset(app.cursor_position)
        app._begin_update()  # noqa: SLF001
        try:
            driver.write(f"{sent}\x1b[{y + 1};{x + 1}H")
        finally:
            app._end_update()  # noqa: SLF001
        driver.flush()


def uncovered(placed: dict[Widget, tuple[Region, Region]]) -> dict[Widget, Region]:
    """Return where the widgets are of which every cell is seen.

    `placed` has the region of each and what it is clipped to, from the front to the back.
    """
    free: dict[Widget, Region] = {}
    before: list[Region] = []
    for widget, (region, clip) in placed.items():
        if clip.contains_region(region) and not any(map(region.overlaps, before)):
            free[widget] = region
        before.append(region)
    return free


def between(row: Row, start: int, end: int) -> Iterable[tuple[str, str]]:
    """Yield the texts of the columns start..end-1 with their roles, of characters one cell wide."""
    at = 0
    for text, role in row:
        after = at + len(text)
        if after > start:
            if at >= start and after <= end:
                yield text, role
            else:
                piece = text[max(0, start - at) : end - at]
                if piece:
                    yield piece, role
            if after >= end:
                return
        at = after
