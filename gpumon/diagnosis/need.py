"""What training itself needs of the GPU memory that a training holds.

Validation runs at twice the batch and without gradients. What it made the allocator reserve stays reserved,
yet is free while training computes, and is given back when the driver refuses more (PyTorch's
CUDACachingAllocator). So the peak before the first validation, and how far it rose after, says what is
needed; where that was not seen, the whole peak does.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.view import View
from gpumon.history.columns import Bucket

# (Span, columns): of 10 s and of 4 min. Shorter epochs than two columns have no column of their own.
_SPANS = ((3600.0, 360), (86400.0, 360))
_LEAST_COLUMNS = 2
# A rise by less than this share of the device is jitter of the driver, not a record.
_LEAST_RISE = 0.001


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that training needs, the rises of the peak since the first validation seen, and how long it was.

    `is_seen` is False where no training before a validation was seen, so that the whole peak is taken.
    """

    bytes: float
    is_seen: bool
    rises: tuple[float, ...]
    watched_seconds: float


def need_of(view: View, peak: int, total: int) -> Need:
    """Return what the training needs of its peak on a GPU of that total."""
    last = Need(float(peak), is_seen=False, rises=(), watched_seconds=0.0)
    for span_seconds, columns in _SPANS:
        memory, validating = _columns(view, span_seconds, columns)
        first = next(
            (place for place, one in enumerate(validating) if one is not None and one.high > 0), None
        )
        start = 0 if first is None else first
        rises = _rises(memory[start:], _LEAST_RISE * total)
        watched = sum(one is not None for one in memory[start:]) * span_seconds / columns
        before = [
            held.high
            for held, phase in zip(memory[:start], validating[:start], strict=True)
            if held is not None and phase is not None
        ]
        if first is not None and len(before) >= _LEAST_COLUMNS and len(view.reading.gpu_uuids) == 1:
            return Need(min(float(peak), max(before) + sum(rises)), True, rises, watched)
        if not last.watched_seconds:
            last = Need(float(peak), is_seen=False, rises=rises, watched_seconds=watched)
        if memory[0] is None:
            break  # the training is younger than the span: a longer one knows no more
    return last


def _columns(
    view: View, span_seconds: float, columns: int
) -> tuple[tuple[Bucket | None, ...], tuple[Bucket | None, ...]]:
    """Return the memory held and the share of validation; the latter is None outside of epochs."""
    memory, validating = (
        view.window.series(metric, str(view.pid), columns=columns, span_seconds=span_seconds)
        for metric in ("training_gpu_memory_used_bytes", "validation_ratio")
    )
    return memory, validating


def _rises(columns: tuple[Bucket | None, ...], least: float) -> tuple[float, ...]:
    """Return by how much the high-water mark rose, each time that it did."""
    rises: list[float] = []
    highest: float | None = None
    for column in columns:
        if column is None:
            continue
        if highest is None:
            highest = column.high
        elif column.high > highest:
            if column.high - highest > least:
                rises.append(column.high - highest)
            highest = column.high
    return tuple(rises)
