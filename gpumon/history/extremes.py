"""A stretch of the past of which not every sample is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extremes:
    """Low, mean and high of measures over (start, end] of monotonic seconds, by (metric, label)."""

    start_seconds: float
    end_seconds: float
    cells: Mapping[tuple[str, str], tuple[float, float, float]]
