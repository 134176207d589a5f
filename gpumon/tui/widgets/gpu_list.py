"""All GPUs of the machine, a row each."""

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


def gpu_rows(frame: Frame, width: int, height: int) -> list[Row]:
    """Return a row for each GPU: busy, memory, temperature, power; the rest is counted."""
    glyph = glyphs(frame.view.ascii)
    gpus = frame.report.sample.gpus
    shown = gpus if len(gpus) <= height else gpus[: max(0, height - 1)]
    rows = [_gpu_row(gpu, frame, glyph, width) for gpu in shown]
    if len(shown) < len(gpus) and height > 0:
        rows.append((Span(f" {glyph.ellipsis} {len(gpus) - len(shown)} more", "dim"),))
    return rows


def _gpu_row(gpu: GpuReading, frame: Frame, glyph: Glyphs, width: int) -> Row:
    chosen = frame.gpu is not None and frame.gpu.uuid == gpu.uuid
    mark = glyph.cursor if chosen and len(frame.report.sample.gpus) > 1 else " "
    row: list[Span] = [Span(f"{mark}{gpu.index:>2} ", "value")]
    if gpu.state is not GpuState.OK:
        return fit([*row, Span(gpu.state.value.upper(), "danger")], width)
    busy = number(gpu.gpu_busy_ratio)
    memory = bytes_of(known(gpu.gpu_memory_used_bytes), known(gpu.gpu_memory_total_bytes))
    degrees = "C" if frame.view.ascii else "°C"
    parts: tuple[Row, ...] = (
        (
            Span("busy ", "dim"),
            Span(percent(busy), "value"),
            Span(f" {glyph.left_edge}", "dim"),
            *gauge(busy, _BAR_CELLS, role="gpu", ascii_only=frame.view.ascii),
            Span(glyph.right_edge, "dim"),
        ),
        (Span(memory.rjust(_MEMORY_CELLS)),),
        (Span(whole(known(gpu.gpu_temperature_celsius), degrees, 6)),),
        (Span(whole(known(gpu.gpu_power_watts), "W", 6)),),
    )
    for part in parts:
        if row_width([*row, *part]) > width:
            break
        row.extend(part)
    return fit(row, width)
