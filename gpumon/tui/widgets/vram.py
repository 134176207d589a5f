"""GPU memory over time, and as a gauge; without a GPU the host's memory."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Missing, known
from gpumon.paint.area import area
from gpumon.paint.axis import bytes_label
from gpumon.paint.bars import Part, stacked_gauge
from gpumon.paint.glyphs import glyphs
from gpumon.paint.numbers import NOT_KNOWN, bytes_of, bytes_text
from gpumon.paint.row import Row, Span, clip, row_width
from gpumon.paint.wrap import wrap
from gpumon.tui.widgets.chart import columns_of, highest, with_axes
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane
from gpumon.tui.widgets.without_gpu import (
    driver_rows,
    driver_words,
    memory_gauge,
    memory_picture,
    memory_title,
)

_AXIS_CELLS = 8
_AXES_FROM = 4


@dataclass(frozen=True, slots=True)
class _Memory:
    """Memory of one GPU in bytes: of the training, of others, reserved, in all, the training's peak on it."""

    training: int | None
    used: int | None
    reserved: int
    total: int | None
    peak: int | None

    @property
    def others(self) -> int:
        """What is used and not the training's."""
        return max(0, (self.used or 0) - (self.training or 0))


class VramPane(Pane):
    """GPU memory over time: the training's, others' on it, the limit, and the training's peak."""

    def title(self, frame: Frame) -> Row:
        """Return `VRAM 6.8 of 12.0 GiB`, and of which GPU where there are several."""
        gpu = frame.gpu
        if gpu is None:
            return memory_title(frame)
        used = bytes_of(known(gpu.gpu_memory_used_bytes), known(gpu.gpu_memory_total_bytes))
        return (Span("VRAM ", "title"), Span(used.strip(), "value"), Span(frame.which_gpu, "dim"))

    def subtitle(self, frame: Frame) -> Row:
        """Return the legend and the peak."""
        gpu = frame.gpu
        if gpu is None:
            return ()
        glyph = glyphs(frame.view.ascii)
        memory = _memory(frame, gpu)
        parts: list[Span] = []
        if memory.others and memory.training is not None:
            others = bytes_text(memory.others)
            parts += [Span(glyph.others * 2, "others"), Span(f" others {others}", "dim"), Span("  ")]
        if memory.peak:
            parts += [Span(glyph.peak * 2, "peak"), Span(" peak ", "dim"), Span(bytes_text(memory.peak))]
        return tuple(parts)

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the picture with its axes."""
        gpu = frame.gpu
        glyph = glyphs(frame.view.ascii)
        if gpu is None:
            return memory_picture(frame, width, height) or driver_rows(
                frame.report.sample.driver, width, glyph
            )
        memory = _memory(frame, gpu)
        if memory.total is None or isinstance(gpu.gpu_memory_used_bytes, Missing):
            reason = next(
                (
                    value.reason
                    for value in (gpu.gpu_memory_used_bytes, gpu.gpu_memory_total_bytes)
                    if isinstance(value, Missing)
                ),
                "",
            )
            words = wrap((Span(f"{NOT_KNOWN} ", "dim"), Span(reason)), width - 4)
            return [(), *((Span("  "), *row) for row in words)]
        axes = height >= _AXES_FROM
        columns = max(0, width - _AXIS_CELLS - 1) if axes else width
        used = highest(columns_of(frame, "gpu_memory_used_bytes", gpu.uuid, columns))
        own, others = _parts(frame, gpu, used, columns)
        with_time = axes and not frame.view.low_bandwidth
        picture = area(
            own,
            height=height - with_time,
            top=memory.total,
            role="vram",
            stacked=others,
            stacked_role="others",
            stacked_glyph=glyph.others,
            limit=memory.total - memory.reserved,
            peak=memory.peak or None,
            ascii_only=frame.view.ascii,
        )
        if not axes:
            return picture
        return with_axes(
            picture, frame, top=memory.total, label=bytes_label, axis_width=_AXIS_CELLS, width=columns
        )


class VramGauge(Pane):
    """GPU memory in one line: a bar of training, others, reserved and free, and the numbers."""

    DEFAULT_CSS = "VramGauge { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the line."""
        del height
        gpu = frame.gpu
        glyph = glyphs(frame.view.ascii)
        if gpu is None:
            words = Span(clip(driver_words(frame.report.sample.driver), width - 6, glyph.ellipsis), "dim")
            return [memory_gauge(frame, width) or (Span(" VRAM ", "title"), words)]
        memory = _memory(frame, gpu)
        used = bytes_of(memory.used, memory.total)
        head: Row = (Span(" VRAM ", "title"), Span(glyph.left_edge, "dim"))
        tail: Row = (Span(glyph.right_edge, "dim"), Span(f" {used} ", "value"))
        if memory.peak:
            tail = (*tail, Span(" peak ", "dim"), Span(f"{bytes_text(memory.peak)} "))
        parts = (
            Part(memory.training or 0, "vram"),
            Part(memory.others, "others", glyph.others),
            Part(memory.reserved, "reserved", glyph.reserved),
        )
        room = width - row_width(head) - row_width(tail)
        bar = stacked_gauge(parts, memory.total or 0, room, ascii_only=frame.view.ascii)
        return [(*head, *bar, *tail)]


def _memory(frame: Frame, gpu: GpuReading) -> _Memory:
    training = frame.training
    report = frame.training_report
    own: int | None = None
    processes = known(gpu.processes)
    if training is not None and processes is not None:
        pids = set(training.training.pids())
        held = [known(process.gpu_memory_used_bytes) or 0 for process in processes if process.pid in pids]
        own = sum(held) if held else None
    is_over = training is not None and training.ended is not None
    if own is None and training is not None and not is_over and training.gpu_uuids == (gpu.uuid,):
        own = known(training.gpu_memory_used_bytes)
    outlook = report.memory if report is not None and frame.trains_on(gpu) else None
    peak = known(outlook.peak_bytes) if outlook is not None else None
    return _Memory(
        training=own,
        used=known(gpu.gpu_memory_used_bytes),
        reserved=known(gpu.gpu_memory_reserved_bytes) or 0,
        total=known(gpu.gpu_memory_total_bytes),
        peak=peak,
    )


def _parts(
    frame: Frame, gpu: GpuReading, used: tuple[float | None, ...], columns: int
) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """Return the training's and the others' memory of each column.

    The history holds what a training has on all its GPUs together, so with several GPUs, or where it is
    not known, all of the memory is drawn as one.
    """
    training = frame.training
    if training is None or training.gpu_uuids != (gpu.uuid,):
        return used, ()
    label = str(training.training.id.pid)
    own = highest(columns_of(frame, "training_gpu_memory_used_bytes", label, columns))
    lower = tuple(
        whole if mine is None or whole is None else min(mine, whole)
        for mine, whole in zip(own, used, strict=True)
    )
    upper = tuple(
        None if whole is None or low is None else whole - low for low, whole in zip(lower, used, strict=True)
    )
    return lower, upper
