"""Stretches of the past without their samples: their extremes, or all their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extremes:
    """Low, mean and high of measures over (start, end] of monotonic seconds, by (metric, label)."""

    start_seconds: float
    end_seconds: float
    cells: Mapping[tuple[str, str], tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Numbers:
    """All numbers of a stretch of the past, by (metric, label), oldest first; `end_seconds` is the last's."""

    end_seconds: float
    values: Mapping[tuple[str, str], list[float]]
