"""GPU memory that grows without end: a leak, or a cache that never comes to rest.

Peaks of a healthy training come ever more rarely: in the newer half of n steps about ln 2 = 0.7 new ones
are expected (record theory), four or more by chance in 1 of 200. So several rises there, spread over both
of its halves, are a trend.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.view import View
from gpumon.model.measure import known

# (Span, columns): the last two minutes by the second, the last hour by half minutes.
_SPANS = ((120.0, 120), (3600.0, 120))
# A rise by less than this share of the device is jitter of the driver.
_LEAST_RISE = 0.001
_LEAST_RISES = 4
# So many columns at least, or their newer half would be the start of the training.
_LEAST_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth of a training's GPU memory, and how long the rest lasts at that pace."""

    bytes_per_second: float
    full_in_seconds: float
    left_seconds: float

    @property
    def probability(self) -> float:
        """The probability that memory is full before the end: an estimate, as growth may stop.

        Even odds where both take the same time, at most 0.95.
        """
        return min(0.95, max(0.0, self.left_seconds / max(self.full_in_seconds, 1e-9) - 0.5))


def growth_of(view: View, total_bytes: int, headroom_bytes: int) -> Growth | None:
    """Return the steady growth of the training's GPU memory, or None where it is not seen to grow.

    `headroom_bytes` is what is left above its peak. Where the time to the end of the run is not known, as
    much time again as was looked at is taken.
    """
    for span_seconds, columns in _SPANS:
        width = span_seconds / columns
        found = view.window.series(
            "training_gpu_memory_used_bytes", str(view.pid), columns=columns, span_seconds=span_seconds
        )
        marks = [(index * width, column.high) for index, column in enumerate(found) if column is not None]
        if len(marks) < _LEAST_COLUMNS:
            continue
        newer = marks[len(marks) // 2 :]
        rises = _rises(newer, _LEAST_RISE * total_bytes)
        middle = (newer[0][0] + newer[-1][0]) / 2
        late = sum(1 for seconds in rises if seconds > middle)
        if len(rises) < _LEAST_RISES or not 0 < late < len(rises):
            continue
        slope = (max(high for _, high in newer) - newer[0][1]) / (newer[-1][0] - newer[0][0])
        left = known(view.reading.progress.eta_seconds)
        watched = marks[-1][0] - marks[0][0]
        return Growth(slope, headroom_bytes / slope, watched if left is None else left)
    return None


def _rises(marks: list[tuple[float, float]], least: float) -> list[float]:
    """Return when the high-water mark rose by at least so much."""
    rises: list[float] = []
    highest = marks[0][1]
    for seconds, high in marks[1:]:
        if high - highest >= least:
            rises.append(seconds)
            highest = high
    return rises
