"""The columns of a chart: a metric of the window, placed on the screen."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap

from gpumon.history.window import Bucket
from gpumon.paint.axis import marked, time_axis, value_axis
from gpumon.paint.columns import Layout, arrange, newest_column
from gpumon.paint.row import Row, Span
from gpumon.tui.widgets.chart_marks import column_marks
from gpumon.tui.widgets.frame import Frame


def columns_of(frame: Frame, metric: str, label: str, width: int) -> tuple[Bucket | None, ...]:
    """Return `width` columns of a metric over the span of the view, each where it stands on the screen."""
    if width <= 0:
        return ()
    span_seconds = frame.view.span_seconds
    column_seconds = span_seconds / width
    values = frame.window.series(metric, label, columns=width, span_seconds=span_seconds)
    newest = newest_column(frame.window.newest.instant.monotonic_seconds, column_seconds)
    layout = Layout.PEN if frame.view.low_bandwidth else Layout.STEP
    return arrange(values, newest, column_seconds, layout)


def means(columns: tuple[Bucket | None, ...]) -> tuple[float | None, ...]:
    """Return the mean of each column."""
    return tuple(None if column is None else column.mean for column in columns)


def highest(columns: tuple[Bucket | None, ...]) -> tuple[float | None, ...]:
    """Return the highest value of each column."""
    return tuple(None if column is None else column.high for column in columns)


def with_axes(
    picture: list[Row],
    frame: Frame,
    *,
    top: float,
    label: Callable[[float], str],
    axis_width: int,
    width: int,
) -> list[Row]:
    """Return a picture with its values at the left and, below it, its time."""
    values = value_axis(len(picture), top, label, axis_width)
    rows: list[Row] = list(starmap(_beside, zip(values, picture, strict=True)))
    if frame.view.low_bandwidth:
        return rows
    return [*rows, (Span(" " * (axis_width + 1)), *time_row(frame, width))]


def time_row(frame: Frame, width: int) -> Row:
    """Return the time axis of `columns_of`, `width` cells, with marks for what happened."""
    if width <= 0:
        return ()
    span_seconds = frame.view.span_seconds
    column_seconds = span_seconds / width
    newest = newest_column(frame.window.newest.instant.monotonic_seconds, column_seconds)
    marks = column_marks(frame, columns=width, column_seconds=column_seconds, last=newest)
    return marked(time_axis(span_seconds, width).text, arrange(marks, newest, column_seconds))


def _beside(value: Span, row: Row) -> Row:
    return (value, Span(" "), *row)
