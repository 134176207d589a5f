"""A pane: a widget that keeps its rows and sends only the cells that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from gpumon.paint.row import Row, Span, fit, row_text
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.style import Palette, palette_of

# Two changed stretches of a row closer than this are sent as one: moving the cursor and setting the
# colours again costs about as many bytes as this many cells.
_JOIN_CELLS = 8


class Pane(Widget):
    """The base of all panes: `show(frame)` builds rows by `draw`, and repaints the cells that differ.

    A subclass says what it shows in `draw`, and with `FRAMED` whether a box with a title is drawn
    around it. The box is drawn here and not by CSS, because a CSS border title repaints the whole pane.
    """

    DEFAULT_CSS = "Pane { width: 1fr; height: 1fr; }"
    FRAMED = True

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's own parameter name)
        super().__init__(name=name, id=id, classes=classes)
        self._frame: Frame | None = None
        self._rows: list[Row] = []
        self._strips: list[Strip] = []
        self._palette: Palette | None = None
        self._drawn_size = Size(0, 0)

    def show(self, frame: Frame) -> None:
        """Take the newest frame and repaint what differs."""
        self._frame = frame
        self._update()

    @property
    def frame(self) -> Frame | None:
        """The frame that is shown."""
        return self._frame

    def title(self, frame: Frame) -> Row:
        """Return the title in the upper edge of the box."""
        del frame
        return ()

    def subtitle(self, frame: Frame) -> Row:
        """Return what stands at the right of the upper edge."""
        del frame
        return ()

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows inside the box, at most `height` of at most `width` cells."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Build the rows anew from the same frame (a cursor moved, a sort order changed)."""
        self._update()

    def render_line(self, y: int) -> Strip:
        """Return one line, as Textual asks for it."""
        if self._drawn_size != self.size or self._palette is None:
            self._rebuild()
        if 0 <= y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, self._base_style())

    def notify_style_update(self) -> None:
        """Forget all styles: theme, focus or colours changed."""
        super().notify_style_update()
        self._palette = None

    @property
    def text(self) -> str:
        """What is shown, as plain text: for tests and for copying."""
        if self._drawn_size != self.size or self._palette is None:
            self._rebuild()
        return "\n".join(row_text(row).rstrip() for row in self._rows)

    def _base_style(self) -> Style:
        return self.rich_style

    def _update(self) -> None:
        """Build rows and strips; mark the stretches that differ as dirty."""
        size = self.size
        if self._palette is None or self._drawn_size != size or not size.area:
            self._drawn_size = Size(0, 0)
            self.refresh()
            return
        rows = self._build(size)
        dirty: list[Region] = []
        for y, (old, new) in enumerate(zip_longest(self._rows, rows, fillvalue=())):
            if old == new:
                continue
            stretches = list(changed_stretches(old, new, size.width))
            self._strips[y] = self._strip(new, cuts=[edge for stretch in stretches for edge in stretch])
            dirty.extend(Region(start, y, end - start, 1) for start, end in stretches)
        self._rows = rows
        if dirty:
            self.refresh(*dirty)

    def _rebuild(self) -> None:
        """Build everything anew: the size or the styles changed."""
        size = self.size
        self._palette = palette_of(self)
        self._drawn_size = size
        self._rows = self._build(size)
        self._strips = [self._strip(row) for row in self._rows]

    def _build(self, size: Size) -> list[Row]:
        """Return exactly `size.height` rows of exactly `size.width` cells."""
        width, height = size.width, size.height
        if not size.area:
            return []
        frame = self._frame
        framed = self.FRAMED and width >= 4 and height >= 3
        if frame is None:
            inner: list[Row] = []
        elif framed:
            inner = self.draw(frame, width - 2, height - 2)
        else:
            inner = self.draw(frame, width, height)
        if not framed:
            return [fit(row, width) for row in _exactly(inner, height)]
        ascii_only = frame is not None and frame.view.ascii
        side = Span("|" if ascii_only else "│", "frame")
        title = self.title(frame) if frame is not None else ()
        subtitle = self.subtitle(frame) if frame is not None else ()
        top = _edge(title, subtitle, width, "+-+" if ascii_only else "┌─┐")
        bottom = _edge((), (), width, "+-+" if ascii_only else "└─┘")
        middle = [(side, *fit(row, width - 2), side) for row in _exactly(inner, height - 2)]
        return [top, *middle, bottom]

    def _strip(self, row: Row, cuts: Sequence[int] = ()) -> Strip:
        """Return a row as a Strip, its segments cut at the columns in `cuts`.

        Textual sends whole segments, so a cut at each end of a changed stretch keeps it small.
        """
        palette = self._palette if self._palette is not None else palette_of(self)
        base = self._base_style()
        segments = [Segment(span.text, base + palette.style(span.role)) for span in row if span.text]
        strip = Strip(segments, self.size.width)
        inner = sorted({cut for cut in cuts if 0 < cut < self.size.width})
        if inner:
            strip = Strip.join(strip.divide([*inner, self.size.width]))
        return strip


def changed_stretches(old: Sequence[Span], new: Sequence[Span], width: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the columns in which two rows of `width` cells differ.

    Rows with characters that are not one cell wide are compared as a whole.
    """
    old_cells = [(character, span.role) for span in old for character in span.text]
    new_cells = [(character, span.role) for span in new for character in span.text]
    if len(old_cells) != width or len(new_cells) != width:
        yield (0, width)
        return
    start = end = -1
    for x in range(width):
        if old_cells[x] == new_cells[x]:
            continue
        if start < 0:
            start = x
        elif x - end > _JOIN_CELLS:
            yield (start, end)
            start = x
        end = x + 1
    if start >= 0:
        yield (start, end)


def _exactly(rows: list[Row], height: int) -> list[Row]:
    return (rows + [()] * height)[:height]


def _edge(title: Row, subtitle: Row, width: int, glyphs: str) -> Row:
    """Return an edge of the box: corner, line, title, line, subtitle, corner."""
    left, line, right = glyphs
    start: Row = (Span(left + line, "frame"), Span(" ", "frame"), *title, Span(" ", "frame")) if title else ()
    if not title:
        return (Span(left + line * (width - 2) + right, "frame"),)
    head = fit(start, min(width - 1, sum(len(span.text) for span in start)))
    used = sum(len(span.text) for span in head)
    tail: Row = (Span(" ", "frame"), *subtitle, Span(" " + line, "frame")) if subtitle else ()
    tail_width = sum(len(span.text) for span in tail)
    room = width - 1 - used - tail_width
    if room < 0:
        return (*head, Span(line * (width - 1 - used) + right, "frame"))
    return (*head, Span(line * room, "frame"), *tail, Span(right, "frame"))
