"""The short way to the terminal: changed cells of panes, past Textual's messages, timer and compositor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from textual.app import App
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.widget import Widget

from gpumon.model.text import clean
from gpumon.paint.row import Row

if TYPE_CHECKING:
    from typing_extensions import Self

# Where each widget is, and what it is clipped to.
Placed: TypeAlias = dict[Widget, tuple[Region, Region]]
Codes: TypeAlias = Callable[[str], tuple[str, str]]


class Change(NamedTuple):
    """A row that differs from what is on the screen, and the stretches (start, end) of its cells that do."""

    y: int
    row: Row
    stretches: Sequence[tuple[int, int]]


class Brush:
    """Sends the cells of a screen that changed in one write; a context, in which panes `paint`.

    Textual has each pane send its screen a message, waits for a timer, and renders every line in which
    something is new with all that lies on it: half of what a frame costs. A pane that something covers, and
    one that is to be laid out anew, is left to Textual, and all are while anything else waits to be drawn.
    """

    def __init__(
        self,
        screen: Screen[None],
        send: Callable[[str], None],
        placed: Callable[[Screen[None]], Placed | None],
    ) -> None:
        """Paint on a screen, once entered; `send` takes what is new of a frame.

        `placed` tells where widgets are, from the front to the back, or None while anything waits. It asks
        Textual for what no other version promises: where that fails, all is left to Textual for good.
        """
        self._screen = screen
        self._send = send
        self._ask = placed
        self._is_fit = True
        self._is_entered = False
        # None until a pane has something to paint: what it does before may ask for a new layout.
        self._may: bool | None = None
        self._sent: list[str] = []
        self._placed: Placed = {}
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

    def paint(self, pane: Widget, size: Size, codes: Codes, changes: Iterable[Change]) -> bool:
        """Paint what changed in a pane that was drawn for a size; tell whether that can be done here.

        `codes` tells what is sent before and after a text of a role.
        """
        if not self._is_entered or not self._is_fit:
            return False
        if self._may is None:
            self._may = self._may_paint()
        place = self._free.get(pane) if self._may else None
        if place is None or place.size != size:
            return False
        put = self._sent.append
        for y, row, stretches in changes:
            for start, end in stretches:
                put(f"\x1b[{place.y + y + 1};{place.x + start + 1}H")
                # Only rows of characters one cell wide have other stretches than all of them.
                whole = end - start == place.width
                for text, role in row if whole else between(row, start, end):
                    before, after = codes(role)
                    put(before)
                    put(text if text.isprintable() else clean(text))
                    put(after)
        return True

    def _may_paint(self) -> bool:
        """Tell whether what is on the terminal is what Textual has drawn last, and nothing waits."""
        try:
            placed = self._ask(self._screen)
            if placed is not None and placed is not self._placed:
                self._placed, self._free = placed, uncovered(placed)
        except (AttributeError, LookupError, TypeError, ValueError):
            self._is_fit = False
            return False
        return placed is not None


def placed_at_rest(screen: Screen[None]) -> Placed | None:
    """Return where the widgets that are seen lie, from the front to the back; None while anything waits."""
    # Textual has no public way to know any of this.
    app, compositor = screen.app, screen._compositor  # noqa: SLF001
    if (
        app.screen is not screen
        # One is that of the frame itself.
        or app._batch_count > 1  # noqa: SLF001
        or screen._layout_required  # noqa: SLF001
        or screen._scroll_required  # noqa: SLF001
        or screen._repaint_required  # noqa: SLF001
        or screen._dirty_widgets  # noqa: SLF001
        or compositor._dirty_regions  # noqa: SLF001
        or not (callable(app._begin_update) and callable(app._end_update))  # noqa: SLF001
    ):
        return None
    placed = compositor.visible_widgets
    waits = any(widget._layout_required for widget in (*placed, *screen.children))  # noqa: SLF001
    return None if waits else placed


def write_cells(app: App[int], sent: str) -> None:
    """Write as Textual does: within a synchronized update, and the cursor at its place afterwards."""
    driver = app._driver  # noqa: SLF001 - as above
    if driver is None or app.is_headless or not app.is_running:
        return
    x, y = app.screen.outer_size.clamp_offset(app.cursor_position)
    app._begin_update()  # noqa: SLF001 - as above
    try:
        driver.write(f"{sent}\x1b[{y + 1};{x + 1}H")
    finally:
        app._end_update()  # noqa: SLF001 - as above
    driver.flush()


def uncovered(placed: Placed) -> dict[Widget, Region]:
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
