"""The true rate of a training from its own stamps, without the grain of whole batches, and its wait."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import median, stdev

from gpumon.history.stats import Z_90
from tests.lab.figures import TRAINING_LOADER, stretch
from tests.real.truth import LoaderWait

# Blocks for the spread: from the first batch after a second to the first one after the next.
_BLOCK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Images per second: the mean with a 90 % interval from the seconds' spread, and the median second."""

    mean: float
    low: float
    high: float
    median: float
    data_wait_ratio: float
    seconds: float


def rate_of(waits: list[LoaderWait], start: float, end: float) -> Rate | None:
    """Return the rate between two CLOCK_MONOTONIC seconds; None with fewer than three batches in them.

    It runs from batch to batch, so no part of one is counted twice or lost. Time in validation, and what
    follows it, is left out, as gpumon's rate leaves it out.
    """
    came = [
        (wait.end, wait.batch_size)
        for wait in waits
        if wait.loader == TRAINING_LOADER and wait.end is not None and start <= wait.end < end
    ]
    if len(came) < 3:
        return None
    ends = [moment for moment, _ in came]
    mean = _between(waits, came)
    seconds = _seconds(waits, came)
    half = Z_90 * stdev(seconds) / sqrt(len(seconds)) if len(seconds) > 1 else mean
    return Rate(
        mean,
        max(0.0, mean - half),
        mean + half,
        median(seconds) if seconds else mean,
        stretch(waits, start, end).ratio,
        ends[-1] - ends[0],
    )


def _seconds(waits: list[LoaderWait], came: list[tuple[float, int]]) -> list[float]:
    """Return the rates of stretches of at least a second, each from a batch to a batch."""
    borders, due = [0], came[0][0] + _BLOCK_SECONDS
    for place, (moment, _) in enumerate(came):
        if moment >= due:
            borders.append(place)
            due = moment + _BLOCK_SECONDS
    return [_between(waits, came[first : last + 1]) for first, last in pairwise(borders)]


def _between(waits: list[LoaderWait], came: list[tuple[float, int]]) -> float:
    """Return images per second of training from the first of these batches to the last, which is left out."""
    images = sum(size for _, size in came[:-1])
    return images / stretch(waits, came[0][0], came[-1][0]).trained
