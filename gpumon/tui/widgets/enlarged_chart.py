"""A chart, large and with axes, on which values of any moment can be read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from gpumon.history.window import Bucket
from gpumon.paint.axis import Mark, clock_ticks, time_ticks
from gpumon.paint.glyphs import glyphs
from gpumon.paint.numbers import duration, span_text
from gpumon.paint.overlay import with_cursor, with_marks
from gpumon.paint.row import Row, Span
from gpumon.tui.chart_measures import (
    CHOICES,
    chart_columns,
    choice,
    is_of_gpu,
    value_text,
    value_ticks,
    why_empty,
)
from gpumon.tui.chart_time import NOW, ChartPlace, ChartTime
from gpumon.tui.moments import clock_text
from gpumon.tui.widgets.chart_marks import column_marks, legend
from gpumon.tui.widgets.chart_words import held, story_at, summary, values_at
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane

_LABEL_CELLS = 9
_TICK_ROWS = 4
_TICK_CELLS = 14
_AXIS_CELLS = 1
_EDGE = 1
# The second row below the chart: marks in words, or what there was under the cursor.
_STORY_FROM_ROWS = 10


@dataclass(frozen=True, slots=True)
class _Picture:
    """A chart as it was plotted, its marks drawn in, and where its columns are (`left` -1: nowhere)."""

    rows: tuple[Row, ...]
    first: tuple[Bucket | None, ...]
    second: tuple[Bucket | None, ...]
    left: int = -1
    axis: int = 0


class EnlargedChart(Pane, can_focus=True):
    """One metric over the view's span, with axes, drawn by plotext.

    It may show an older span than the newest one, and has a cursor with the values of its column below.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "previous", id="chart.previous", tooltip="the measure before"),
        Binding("down,j", "step(1)", "next measure", id="chart.next", tooltip="the next measure"),
        Binding("left", "cursor(-1)", "cursor left", id="chart.left", tooltip="values of the column before"),
        Binding("right", "cursor(1)", "cursor right", id="chart.right", tooltip="values of the next column"),
        Binding("home", "edge(0)", "first column", id="chart.first", tooltip="cursor to the left edge"),
        Binding("end", "edge(1)", "last column", id="chart.last", tooltip="back to now, the cursor with it"),
        Binding(
            "shift+left",
            "scroll(-0.25)",
            "quarter back",
            id="chart.back",
            tooltip="a quarter of the span back",
        ),
        Binding(
            "shift+right", "scroll(0.25)", "quarter on", id="chart.on", tooltip="a quarter of the span on"
        ),
        Binding("pageup", "scroll(-1.0)", "page back", id="chart.page_back", tooltip="a whole span back"),
        Binding("pagedown", "scroll(1.0)", "page on", id="chart.page_on", tooltip="a whole span on"),
        Binding("0", "now", "now", id="chart.now", tooltip="back to now, without the cursor"),
        Binding(
            "escape",
            "let_go",
            "cursor off",
            id="chart.let_go",
            tooltip="take the cursor away, then go back to now, then close",
        ),
    ]

    CHOICES: ClassVar[tuple[str, ...]] = tuple(one.metric for one in CHOICES)

    def __init__(self, metric: str = "gpu_busy_ratio") -> None:
        super().__init__()
        self._choice = choice(metric)
        self._place = NOW
        # The span of which it was said that nothing is older.
        self._said_oldest: float | None = None
        self._picture: _Picture | None = None
        self._pictured: tuple[Frame, str, int, int] | None = None

    @property
    def metric(self) -> str:
        """The metric that is shown."""
        return self._choice.metric

    @property
    def place(self) -> ChartPlace:
        """Which part of the past is shown, and where the cursor is."""
        return self._place

    def choose(self, metric: str) -> None:
        """Show another metric: one of METRICS of gpumon.model.metrics."""
        self._choice = choice(metric)
        self.redraw()

    def show(self, frame: Frame) -> None:
        """Take the newest frame; a part of the past that is looked at stays in sight."""
        super().show(self.placed(frame))

    def placed(self, frame: Frame) -> Frame:
        """Return a frame with the part of the past that is looked at, as far as it is still there."""
        self._place = self._time(frame).scrolled(self._place, 0.0)
        return self._at_place(frame)

    def action_step(self, steps: int) -> None:
        """Show the metric that is `steps` further in CHOICES."""
        at = self.CHOICES.index(self.metric) if self.metric in self.CHOICES else 0
        self.choose(self.CHOICES[(at + steps) % len(self.CHOICES)])

    def action_cursor(self, columns: int) -> None:
        """Move the cursor by columns; the first time it appears at the right edge."""
        if self._frame is not None:
            self._go(self._time(self._frame).stepped(self._place, columns))

    def action_edge(self, last: int) -> None:
        """Put the cursor on the first column that is shown; or go to now, and with it a cursor there is."""
        if self._frame is None:
            return
        time = self._time(self._frame)
        if not last:
            self._go(time.at(self._place, 0))
        elif self._place.cursor_seconds is None:
            self._go(NOW)
        else:
            self._go(time.at(NOW, time.columns - 1))

    def action_scroll(self, spans: float) -> None:
        """Show a part of the past that is so many spans further on (negative: back)."""
        if self._frame is not None:
            time = self._time(self._frame)
            there = time.scrolled(self._place, spans * time.span_seconds)
            if spans < 0 and there == self._place:
                self._say_oldest(self._frame, time)
            self._go(there)

    def action_now(self) -> None:
        """Go back to now, without a cursor."""
        self._go(NOW)

    def action_let_go(self) -> None:
        """Take the cursor away; without one go back to now."""
        self._go(NOW if self._place.cursor_seconds is None else replace(self._place, cursor_seconds=None))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys to others where there is nothing to let go, and 0 to a replay."""
        del parameters
        if action == "let_go":
            return self._place != NOW
        return not (action == "now" and self._frame is not None and self._frame.view.replay is not None)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the column under the pointer."""
        picture = self._picture
        if self._frame is None or picture is None or picture.left < 0:
            return
        column = event.x - _EDGE - picture.left
        time = self._time(self._frame)
        if 0 <= column < time.columns:
            self._go(time.at(self._place, column))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show an older part by the mouse wheel."""
        event.stop()
        self.action_scroll(-0.25)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show a newer part by the mouse wheel."""
        event.stop()
        self.action_scroll(0.25)

    def title(self, frame: Frame) -> Row:
        """Return the name of the metric, and of the second one; and whether it is not now that is shown."""
        glyph = glyphs(frame.view.ascii)
        which = frame.which_gpu if is_of_gpu(self.metric) else ""
        parts = [
            Span(self._choice.name, "title"),
            Span(which, "dim"),
            Span(f" {glyph.line_a}{glyph.line_a}", "line_a"),
        ]
        if self._choice.second and self._picture is not None and self._picture.second:
            parts += [
                Span(f"  {self._choice.second_name} ", "dim"),
                Span(glyph.line_b + glyph.line_b, "line_b"),
            ]
        return (*parts, *held(frame))

    def subtitle(self, frame: Frame) -> Row:
        """Return the span, and the metric's name as it stands in exports."""
        last = "last " if frame.view.until_seconds is None else ""
        return (Span(f"{last}{span_text(frame.view.span_seconds)}  {self.metric}", "dim"),)

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the chart, and below it its numbers: of all that is shown, or of the cursor's column."""
        foot = 2 if height >= _STORY_FROM_ROWS else 1
        key = (frame, self.metric, width, height)
        if self._picture is None or self._pictured is None or not _is_same(self._pictured, key):
            self._picture = self._plot(frame, width, height - foot)
            self._pictured = key
        picture = self._picture
        if not picture.first:
            return [(), (Span(f"  {why_empty(frame, self._choice)}", "dim"),)]
        if not picture.rows:
            return [(Span("too small for a chart", "dim"),)]
        time = self._time(frame)
        column = time.column(self._place)
        seconds = self._place.cursor_seconds
        if column is None or seconds is None or picture.left < 0 or column >= len(picture.first):
            return [*picture.rows, summary(self.metric, picture.first), legend(frame.view.ascii)][:height]
        buckets = (picture.first[column], picture.second[column] if picture.second else None)
        rows = with_cursor(
            picture.rows,
            picture.left + column,
            bottom=picture.axis,
            line=glyphs(frame.view.ascii).epoch,
        )
        values = values_at(frame, seconds, self._choice, buckets, width)
        return [*rows, values, story_at(frame, seconds, time.column_seconds, width)][:height]

    def _go(self, place: ChartPlace) -> None:
        """Look at another place. Only what the cursor changes is drawn where the chart stays as it is."""
        if place == self._place or self._frame is None:
            return
        moved = place.until_seconds != self._place.until_seconds
        self._place = place
        if moved:
            super().show(self._at_place(self._frame))
        else:
            self.redraw()

    def _say_oldest(self, frame: Frame, time: ChartTime) -> None:
        """Say why a key for older parts does nothing; once for each span, because keys are held down."""
        if self._said_oldest == time.span_seconds:
            return
        self._said_oldest = time.span_seconds
        ago = duration(time.newest_seconds - time.oldest_seconds)
        sentence = f"nothing older: the first sample is {ago} ago; {frame.view.keys('-')} shows less time"
        self.notify(sentence, markup=False, timeout=4)

    def _at_place(self, frame: Frame) -> Frame:
        return replace(frame, view=replace(frame.view, until_seconds=self._place.until_seconds))

    def _time(self, frame: Frame) -> ChartTime:
        """Return what time there is to show, and in how many columns."""
        return ChartTime(
            frame.window.oldest_seconds,
            frame.window.newest.instant.monotonic_seconds,
            frame.view.span_seconds,
            max(1, self.size.width - 2 * _EDGE - _LABEL_CELLS - _AXIS_CELLS),
        )

    def _plot(self, frame: Frame, width: int, height: int) -> _Picture:
        # plotext loads a C++ kernel: only when a chart is opened.
        from gpumon.tui.widgets.plotext_chart import Scale, canvas_of, plot

        time = self._time(frame)
        columns = time.columns
        first = chart_columns(frame, self.metric, columns)
        if not first:
            return _Picture((), (), ())
        second = chart_columns(frame, self._choice.second, columns)
        top = max(bucket.high for bucket in (*first, *second) if bucket is not None)
        ticks = value_ticks(self.metric, top, max(2, height // _TICK_ROWS))
        span_seconds = time.span_seconds
        rows = plot(
            [_points(first, span_seconds), _points(second, span_seconds)],
            width=width,
            height=height,
            x=Scale(-span_seconds, 0.0, _time_marks(frame, max(1, columns // _TICK_CELLS))),
            y=Scale(0.0, ticks[-1], [(at, value_text(self.metric, at).rjust(_LABEL_CELLS)) for at in ticks]),
            ascii_only=frame.view.ascii,
        )
        canvas = canvas_of(rows)
        if canvas is None:
            return _Picture(tuple(rows), first, second)
        marks: tuple[Mark | None, ...] = column_marks(
            frame, columns=columns, column_seconds=time.column_seconds, last=time.last(self._place)
        )
        rows[canvas.axis] = with_marks(rows[canvas.axis], canvas.left, marks)
        return _Picture(tuple(rows), first, second, canvas.left, canvas.axis)


def _is_same(before: tuple[Frame, str, int, int], now: tuple[Frame, str, int, int]) -> bool:
    """Tell whether a picture can be kept: of the very same frame, because frames are large to compare."""
    return before[0] is now[0] and before[1:] == now[1:]


def _time_marks(frame: Frame, count: int) -> list[tuple[float, str]]:
    """Return the labels of the time axis: how long ago, or times of day where it is not now that is shown."""
    newest, until = frame.window.newest.instant, frame.view.until_seconds
    if until is None:
        return time_ticks(frame.view.span_seconds, count)
    end = newest.unix_seconds - (newest.monotonic_seconds - until)
    return clock_ticks(end, frame.view.span_seconds, count, clock_text)


def _points(columns: tuple[Bucket | None, ...], span_seconds: float) -> list[tuple[float, float] | None]:
    step = span_seconds / len(columns) if columns else 0.0
    return [
        None if bucket is None else (-span_seconds + (index + 0.5) * step, bucket.mean)
        for index, bucket in enumerate(columns)
    ]
