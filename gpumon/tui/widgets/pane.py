"""A pane: a widget that keeps its rows and sends only the cells that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress, zip_longest
from operator import ne, or_

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from gpumon.paint.glyphs import Glyphs, ascii_cells, glyphs
from gpumon.paint.row import Row, Span, fit, is_one_cell_each, row_text, row_width
from gpumon.tui.widgets.brush import Brush, Change
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.lean_strip import LeanStrip
from gpumon.tui.widgets.style import Palette, palette_of

# Two changed stretches of a row closer than this are sent as one: moving the cursor and setting the
# colours again costs about as many bytes as this many cells.
_JOIN_CELLS = 8
# A text to see what is sent around one.
_PROBE = "x"
_LEAST_WIDTH, _LEAST_HEIGHT = 4, 3  # of a box with something in it


class Pane(Widget):
    """The base of all panes: `show(frame)` builds rows by `draw`, and repaints the cells that differ.

    A subclass says what it shows in `draw`, and with `FRAMED` whether a box with a title is drawn
    around it. The box is drawn here and not by CSS, because a CSS border title repaints the whole pane.
    """

    DEFAULT_CSS = "Pane { width: 1fr; height: 1fr; }"
    FRAMED = True

    def __init__(self) -> None:
        super().__init__()
        self._frame: Frame | None = None
        self._rows: list[Row] = []
        # None: to be made of its row when Textual asks for it.
        self._strips: list[Strip | None] = []
        self._codes: dict[str, tuple[str, str]] = {}
        self._brush: Brush | None = None
        self._palette: Palette | None = None
        self._filters: Sequence[LineFilter] = ()
        self._background = Color(0, 0, 0)
        self._drawn_size = Size(0, 0)

    def show(self, frame: Frame) -> None:
        """Take the newest frame and repaint what differs."""
        before = self._frame
        self._frame = frame
        if before is None or before.view.color != frame.view.color:
            self._palette = None
        self._update()

    def forget(self) -> None:
        """Let go of the frame and of the past in it; what was drawn stays until the next one."""
        self._frame = None

    def on_mount(self) -> None:
        """Take the brush of the screen, where it has one."""
        self._brush = getattr(self.screen, "brush", None)

    def on_unmount(self) -> None:
        """Let go of everything now: as a part of a closed screen it is found as garbage much later."""
        self._frame, self._rows, self._strips = None, [], []

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
        del frame, width, height
        return []

    def redraw(self) -> None:
        """Build the rows anew from the same frame (a cursor moved, a sort order changed)."""
        self._update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of a region, as Textual asks for it.

        Textual's own would look at every line of the pane for each that changed: 0.1 % of a core at 200x50.
        A pane has no CSS border, no padding and no text that could be selected, so nothing is left out.
        """
        if self._drawn_size != self.size or self._palette is None:
            self._rebuild()
        for y in range(crop.y, min(crop.bottom, len(self._strips))):
            if self._strips[y] is None:
                self._strips[y] = self._strip(self._rows[y])
        strips = [strip for strip in self._strips[crop.y : crop.bottom] if strip is not None]
        if len(strips) < crop.height:
            strips += [Strip.blank(self.size.width, self._base_style())] * (crop.height - len(strips))
        if crop.x > 0 or crop.width < self.size.width:
            return [strip.crop(crop.x, crop.right) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """Return one line."""
        return self.render_lines(Region(0, y, self.size.width, 1))[0]

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

    def _sent_around(self, role: str) -> tuple[str, str]:
        """Return what is sent to the terminal before and after a text of that role."""
        found = self._codes.get(role)
        if found is None:
            before, _, after = self._strip((Span(_PROBE, role),)).render(self.app.console).partition(_PROBE)
            found = self._codes[role] = (before, after)
        return found

    def _base_style(self) -> Style:
        return self.rich_style

    def _new_palette(self) -> Palette:
        """Return the styles on this pane's own background."""
        looks = palette_of(self, color=self._frame is None or self._frame.view.color)
        return looks.on(self._base_style())

    def _update(self) -> None:
        """Build rows and strips; mark the stretches that differ as dirty."""
        size = self.size
        if self._palette is None or self._drawn_size != size or not size.area:
            self._drawn_size = Size(0, 0)
            self.refresh()
            return
        rows = self._build(size)
        changes = [
            Change(y, new, list(changed_stretches(old, new, size.width)))
            for y, (old, new) in enumerate(zip_longest(self._rows, rows, fillvalue=()))
            if old != new
        ]
        self._rows = rows
        if not changes:
            return
        if self._brush is not None and self._brush.paint(self, size, self._sent_around, changes):
            for change in changes:
                self._strips[change.y] = None
            return
        for y, row, stretches in changes:
            self._strips[y] = self._strip(row, cuts=[edge for stretch in stretches for edge in stretch])
        self.refresh(*(Region(start, y, end - start, 1) for y, _, each in changes for start, end in each))

    def _rebuild(self) -> None:
        """Build everything anew: the size or the styles changed."""
        size = self.size
        self._palette = self._new_palette()
        self._filters = self.get_line_filters()
        self._background = self.background_colors[1]
        self._codes = {}
        self._drawn_size = size
        self._rows = self._build(size)
        self._strips = [self._strip(row) for row in self._rows]

    def _build(self, size: Size) -> list[Row]:
        """Return exactly `size.height` rows of exactly `size.width` cells."""
        width, height = size.width, size.height
        if not size.area:
            return []
        frame = self._frame
        framed = self.FRAMED and width >= _LEAST_WIDTH and height >= _LEAST_HEIGHT
        ascii_only = frame is not None and frame.view.ascii
        inner: list[Row] = []
        if frame is not None:
            inner = self.draw(frame, width - 2, height - 2) if framed else self.draw(frame, width, height)
        if not framed:
            rows = [fit(row, width) for row in _exactly(inner, height)]
        else:
            glyph = glyphs(ascii_only)
            title = self.title(frame) if frame is not None else ()
            subtitle = self.subtitle(frame) if frame is not None else ()
            side = Span(glyph.frame[3], "frame")
            bottom = glyph.frame[4] + glyph.frame[1] * (width - 2) + glyph.frame[5]
            rows = [
                _upper_edge(title, subtitle, width, glyph),
                *((side, *fit(row, width - 2), side) for row in _exactly(inner, height - 2)),
                (Span(bottom, "frame"),),
            ]
        return [_ascii_row(row) for row in rows] if ascii_only else rows

    def _strip(self, row: Row, cuts: Sequence[int] = ()) -> Strip:
        """Return a row as a Strip, its segments cut at the columns in `cuts`.

        Textual sends whole segments, so a cut at each end of a changed stretch keeps it small.
        """
        palette = self._palette if self._palette is not None else self._new_palette()
        pieces = cut(row, cuts) if cuts else row
        segments = [Segment(text, palette.style(role)) for text, role in pieces if text]
        for line_filter in self._filters:
            segments = line_filter.apply(segments, self._background)
        return LeanStrip(segments, self.size.width)


def cut(row: Row, columns: Sequence[int]) -> Row:
    """Return a row of characters one cell wide with its spans cut at the columns, which are in order."""
    pieces: list[Span] = []
    at = 0
    ahead = iter(columns)
    column = next(ahead, None)
    for text, role in row:
        end = at + len(text)
        start = 0
        while column is not None and column < end:
            if column > at + start:
                pieces.append(Span(text[start : column - at], role))
                start = column - at
            column = next(ahead, None)
        pieces.append(Span(text[start:], role))
        at = end
    return tuple(pieces)


def changed_stretches(old: Sequence[Span], new: Sequence[Span], width: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the columns in which two rows of `width` cells differ.

    Rows with characters that are not one cell wide are compared as a whole. Equal spans at
    both ends, as the axis and the past of a chart, are not looked into.
    """
    before, after = row_text(old), row_text(new)
    if (
        len(before) != width
        or len(after) != width
        or not (is_one_cell_each(before) and is_one_cell_each(after))
    ):
        yield (0, width)
        return
    same, at = 0, 0
    for span, other in zip(old, new, strict=False):
        if span != other:
            break
        same += 1
        at += len(span.text)
    tail = 0
    for span, other in zip(reversed(old[same:]), reversed(new[same:]), strict=False):
        if span != other:
            break
        tail += 1
    inner, newer = old[same : len(old) - tail], new[same : len(new) - tail]
    end = at + sum(len(text) for text, _ in newer)
    # Cell by cell without a step in Python: dozens of rows change with each sample.
    texts, roles = map(ne, before[at:end], after[at:end]), map(ne, _roles(inner), _roles(newer))
    differ = list(compress(range(at, end), map(or_, texts, roles)))
    if not differ:
        return
    start = last = differ[0]
    for x in differ:
        if x - last > _JOIN_CELLS + 1:
            yield (start, last + 1)
            start = x
        last = x
    yield (start, last + 1)


def _roles(row: Sequence[Span]) -> list[str]:
    """Return the role of each cell."""
    return [role for text, each in row for role in [each] * len(text)]


def _exactly(rows: list[Row], height: int) -> list[Row]:
    return (rows + [()] * height)[:height]


def _ascii_row(row: Row) -> Row:
    return tuple(Span(ascii_cells(span.text), span.role) for span in row)


def _upper_edge(title: Row, subtitle: Row, width: int, glyph: Glyphs) -> Row:
    """Return the upper edge of the box: corner, line, title, line, subtitle, line, corner."""
    left, line, right = glyph.frame[0], glyph.frame[1], glyph.frame[2]
    head: Row = (Span(left + line, "frame"),)
    if title:
        head = (*head, Span(" ", "frame"), *title, Span(" ", "frame"))
    tail: Row = (Span(" ", "frame"), *subtitle, Span(" " + line, "frame")) if subtitle else ()
    room = width - 1 - row_width(head) - row_width(tail)
    if room < 0:
        tail = ()
        head = fit(head, min(width - 1, row_width(head)), ellipsis=glyph.ellipsis)
        room = width - 1 - row_width(head)
    return (*head, Span(line * room, "frame"), *tail, Span(right, "frame"))
