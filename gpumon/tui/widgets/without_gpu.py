"""What stands in the GPU's panes where there is no GPU: the wait for data, and the host's memory."""

from __future__ import annotations

from gpumon.model.gpu import DriverReading, DriverState
from gpumon.model.measure import known
from gpumon.paint.area import area
from gpumon.paint.axis import bytes_label, percent_label
from gpumon.paint.bars import gauge
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import bytes_of
from gpumon.paint.row import Row, Span, row_width
from gpumon.paint.wrap import wrap
from gpumon.tui.widgets.chart import columns_of, highest, means, with_axes
from gpumon.tui.widgets.frame import Frame

_PERCENT_CELLS = 5
_BYTES_CELLS = 8
_LEAST_CHART_ROWS = 5
_ROOM_FOR_WORDS = 8


def driver_words(driver: DriverReading) -> str:
    """Return why there is no GPU to show."""
    if driver.text:
        return driver.text
    return "no GPU was found" if driver.state is DriverState.OK else f"the driver is {driver.state.value}"


def driver_rows(driver: DriverReading, width: int, glyph: Glyphs) -> list[Row]:
    """Return why there is no GPU to show, as rows of a pane."""
    mark, role = (glyph.ring, "dim") if driver.state is DriverState.OK else (glyph.up, "warn")
    words = (Span(f"{mark} ", role), Span(driver_words(driver)))
    return [(), *((Span("  "), *row) for row in wrap(words, width - 4, indent=2))]


def wait_picture(frame: Frame, reason: str, width: int, height: int) -> list[Row]:
    """Return the share of time waited for data, and below it why no GPU is drawn; [] without a training."""
    training = frame.training
    if training is None or height < _LEAST_CHART_ROWS:
        return []
    columns = max(0, width - _PERCENT_CELLS - 1)
    waited = means(columns_of(frame, "data_wait_ratio", str(training.training.id.pid), columns))
    if all(share is None for share in waited):
        return []
    with_time = not frame.view.low_bandwidth
    words = wrap((Span(reason, "dim"),), width - 2)[: 2 if height >= _ROOM_FOR_WORDS else 1]
    chart_height = height - len(words) - with_time
    picture = area(waited, height=chart_height, top=1.0, role="wait", ascii_only=frame.view.ascii)
    rows = with_axes(picture, frame, top=1.0, label=percent_label, axis_width=_PERCENT_CELLS, width=columns)
    return [*rows, *((Span(" "), *row) for row in words)]


def memory_title(frame: Frame) -> Row:
    """Return `memory 12.0 of 32.0 GiB`."""
    memory = known(frame.report.sample.host.memory)
    if memory is None:
        return (Span("memory", "title"),)
    used = bytes_of(memory.memory_used_bytes, memory.memory_total_bytes)
    return (Span("memory ", "title"), Span(used.strip(), "value"))


def memory_picture(frame: Frame, width: int, height: int) -> list[Row]:
    """Return the host's memory over time; [] where it is not known."""
    memory = known(frame.report.sample.host.memory)
    if memory is None or height < _LEAST_CHART_ROWS:
        return []
    columns = max(0, width - _BYTES_CELLS - 1)
    used = highest(columns_of(frame, "memory_used_bytes", "", columns))
    picture = area(
        used,
        height=height - (not frame.view.low_bandwidth),
        top=memory.memory_total_bytes,
        role="vram",
        ascii_only=frame.view.ascii,
    )
    top = memory.memory_total_bytes
    return with_axes(picture, frame, top=top, label=bytes_label, axis_width=_BYTES_CELLS, width=columns)


def memory_gauge(frame: Frame, width: int) -> Row:
    """Return the host's memory in one line; () where it is not known."""
    memory = known(frame.report.sample.host.memory)
    if memory is None or memory.memory_total_bytes <= 0:
        return ()
    glyph = glyphs(frame.view.ascii)
    used = bytes_of(memory.memory_used_bytes, memory.memory_total_bytes)
    head: Row = (Span(" memory ", "title"), Span(glyph.left_edge, "dim"))
    tail: Row = (Span(glyph.right_edge, "dim"), Span(f" {used} ", "value"))
    room = width - row_width(head) - row_width(tail)
    share = memory.memory_used_bytes / memory.memory_total_bytes
    return (*head, *gauge(share, room, role="vram", ascii_only=frame.view.ascii), *tail)
