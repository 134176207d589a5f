"""All GPUs of the machine: a row each, beside each other where there are fewer rows, or all in one line."""

from __future__ import annotations

from gpumon.model.gpu import GpuReading, GpuState
from gpumon.model.measure import known, number
from gpumon.paint.bars import gauge
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import bytes_of, percent, whole
from gpumon.paint.row import Row, Span, fit, row_width
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane

_BAR_CELLS = 10
_MEMORY_CELLS = 17
# A mark, the index and the busy share, and what is counted where there is no room for it: `… 12 more`.
_LEAST_CELLS = 10
_STRIP_HEAD = " GPUs "


class GpuStrip(Pane):
    """The GPUs now, where there are several: of each its number, a cell filled by its busy share, and that.

    Without room for the shares they are left out, then the numbers. Those that the training does not use are
    dim; the one that the charts show has a mark.
    """

    DEFAULT_CSS = "GpuStrip { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the line."""
        del height
        head = Span(_STRIP_HEAD, "title")
        for has_share, has_index in ((True, True), (False, True), (False, False)):
            row = (head, *_cells(frame, has_share=has_share, has_index=has_index))
            if row_width(row) <= width:
                break
        return [fit(row, width, ellipsis=glyphs(frame.view.ascii).ellipsis)]


def _cells(frame: Frame, *, has_share: bool, has_index: bool) -> Row:
    glyph = glyphs(frame.view.ascii)
    gpus, training = frame.report.sample.gpus, frame.training
    used = {gpu.uuid for gpu in (gpus if training is None else training.gpus(gpus) or gpus)}
    digits = len(str(max((gpu.index for gpu in gpus), default=0)))
    spans: list[Span] = []
    for gpu in gpus:
        is_used = gpu.uuid in used
        if has_index:
            mark = glyph.cursor if frame.gpu is not None and frame.gpu.uuid == gpu.uuid else " "
            spans.append(Span(f"{mark}{gpu.index:>{digits}}", "value" if is_used else "dim"))
        busy = number(gpu.gpu_busy_ratio)
        if gpu.state is not GpuState.OK:
            # As wide as a cell and a share, or as a cell.
            word = gpu.state.value.upper() if has_share else "!"
            spans.append(Span(f" {word[:5]:<5}" if has_share else word, "danger"))
            continue
        cell = "?" if busy is None else glyph.levels[max(1, min(8, round(busy * 8)))]
        spans.append(Span(cell, "gpu" if is_used else "dim"))
        if has_share:
            spans.append(Span(percent(busy, 5), "value" if is_used else "dim"))
    return tuple(spans)


def gpu_rows(frame: Frame, width: int, height: int) -> list[Row]:
    """Return all GPUs: busy, and with room memory, temperature, power; those without room are counted.

    Each has a row of its own. Where there are fewer rows they stand beside each other, numbered downwards.
    """
    if height <= 0:
        return []
    glyph = glyphs(frame.view.ascii)
    gpus = frame.report.sample.gpus
    columns = max(1, min(-(-len(gpus) // height), width // _LEAST_CELLS))
    cells, fits = width // columns, columns * height
    shown = gpus if len(gpus) <= fits else gpus[: fits - 1]
    pieces = [_gpu_row(gpu, frame, glyph, cells) for gpu in shown]
    if len(shown) < len(gpus):
        pieces.append(fit((Span(f" {glyph.ellipsis} {len(gpus) - len(shown)} more", "dim"),), cells))
    down = -(-len(pieces) // columns)
    return [tuple(span for piece in pieces[row::down] for span in piece) for row in range(down)]


def _gpu_row(gpu: GpuReading, frame: Frame, glyph: Glyphs, width: int) -> Row:
    chosen = frame.gpu is not None and frame.gpu.uuid == gpu.uuid
    mark = glyph.cursor if chosen and len(frame.report.sample.gpus) > 1 else " "
    row: list[Span] = [Span(f"{mark}{gpu.index:>2} ", "value")]
    if gpu.state is not GpuState.OK:
        return fit([*row, Span(gpu.state.value.upper(), "danger")], width)
    busy = number(gpu.gpu_busy_ratio)
    memory = bytes_of(known(gpu.gpu_memory_used_bytes), known(gpu.gpu_memory_total_bytes))
    degrees = "C" if frame.view.ascii else "°C"
    bar: Row = (
        Span(f" {glyph.left_edge}", "dim"),
        *gauge(busy, _BAR_CELLS, role="gpu", ascii_only=frame.view.ascii),
        Span(glyph.right_edge, "dim"),
    )
    share = Span(percent(busy), "value")
    whole_row = (*row, Span("busy ", "dim"), share, *bar)
    row = [*row, share] if row_width(whole_row) > width else [*whole_row]
    parts: tuple[Row, ...] = (
        (Span(memory.rjust(_MEMORY_CELLS)),),
        (Span(whole(known(gpu.gpu_temperature_celsius), degrees, 6)),),
        (Span(whole(known(gpu.gpu_power_watts), "W", 6)),),
    )
    for part in parts:
        if row_width([*row, *part]) > width:
            break
        row.extend(part)
    return fit(row, width)
