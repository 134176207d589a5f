"""All GPUs of the machine: a row each, or beside each other where there are fewer rows."""

from __future__ import annotations

from gpumon.model.gpu import GpuReading, GpuState
from gpumon.model.measure import known, number
from gpumon.paint.bars import gauge
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import bytes_of, percent, whole
from gpumon.paint.row import Row, Span, fit, row_width
from gpumon.tui.widgets.frame import Frame

_BAR_CELLS = 10
_MEMORY_CELLS = 17
# A mark, the index and the busy share, and what is counted where there is no room for it: `… 12 more`.
_LEAST_CELLS = 10


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
