"""The host in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpumon.model.host import HostReading
from gpumon.model.measure import Missing, known, number
from gpumon.paint.numbers import NOT_KNOWN, bytes_of, bytes_text, percent, quantity
from gpumon.paint.row import Row, Span, row_width
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from gpumon.model.reading import TrainingReading

_LOW_MEMORY_RATIO = 0.05
_THROTTLED_RATIO = 0.01
_SHARE_CELLS = 6


class HostLine(Pane):
    """Memory, swap, pressure, the training's CPU quota, and load."""

    DEFAULT_CSS = "HostLine { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the line, as much as has room."""
        del height
        host = frame.report.sample.host
        parts = [_memory(host), *_pressure(host), *_quota(frame.training), _load(host)]
        row: list[Span] = [Span(" ")]
        for number_of_part, part in enumerate(parts):
            longer = [*row, Span("  " if number_of_part else ""), *part]
            if row_width(longer) > width and number_of_part:
                break
            row = longer
        return [tuple(row)]


def _memory(host: HostReading) -> Row:
    memory = host.memory
    if isinstance(memory, Missing):
        return (Span("mem ", "dim"), Span(NOT_KNOWN), Span(f" {memory.reason}", "dim"))
    low = memory.memory_available_bytes < _LOW_MEMORY_RATIO * memory.memory_total_bytes
    text = bytes_of(memory.memory_used_bytes, memory.memory_total_bytes)
    parts: list[Span] = [Span("mem ", "dim"), Span(text, "warn" if low else "")]
    if memory.swap_used_bytes:
        parts += [Span("  swap ", "dim"), Span(bytes_text(memory.swap_used_bytes, 7))]
    return tuple(parts)


def _pressure(host: HostReading) -> list[Row]:
    """Return the shares of time in which some task stalled, where the kernel tells them."""
    pressure = host.pressure
    shares = (
        ("CPU", known(pressure.cpu_some_ratio)),
        ("I/O", known(pressure.io_some_ratio)),
        ("memory", known(pressure.memory_some_ratio)),
    )
    if all(share is None for _, share in shares):
        return []
    parts: list[Span] = [Span("stalled:", "dim")]
    for word, share in shares:
        # What is free of the number's cells stands behind it: it belongs to the word before.
        parts += [Span(f" {word} ", "dim"), Span(percent(share, 0).ljust(_SHARE_CELLS))]
    return [tuple(parts)]


def _quota(training: TrainingReading | None) -> list[Row]:
    cgroup = known(training.cgroup) if training is not None else None
    if cgroup is None:
        return []
    rows: list[Row] = []
    quota = known(cgroup.cpu_quota_cores)
    if quota is not None:
        throttled = number(cgroup.cpu_throttled_ratio)
        role = "warn" if throttled is not None and throttled >= _THROTTLED_RATIO else ""
        rows.append(
            (
                Span("quota ", "dim"),
                Span(f"{quantity(quota)} cores"),
                Span(" throttled", "dim"),
                Span(percent(throttled), role),
            )
        )
    limit = known(cgroup.memory_limit_bytes)
    if limit is not None:
        used = bytes_of(known(cgroup.memory_used_bytes), limit)
        rows.append((Span("cgroup mem ", "dim"), Span(used)))
    return rows


def _load(host: HostReading) -> Row:
    return (Span("load ", "dim"), Span(quantity(known(host.load_1_minute), 4)))
