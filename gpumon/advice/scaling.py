"""The rate over the number of workers as earlier runs of this training showed it.

Gunther's Universal Scalability Law (Guerrilla Capacity Planning, 2007): rate(N) = rate * N /
(1 + contention * (N - 1) + crosstalk * N * (N - 1)). Contention is what all workers wait for in turn (a disk,
a lock), crosstalk what each pair of them costs (caches, memory bandwidth). Three different numbers of workers
determine it. It is linear in its reciprocal, N / rate(N), so that a least-squares fit needs no search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import hypot

from gpumon.advice.prior import Prior
from gpumon.advice.rates import rates_like
from gpumon.advice.throughput import HEADROOM, Pipeline, ceiling
from gpumon.diagnosis.view import View
from gpumon.history.stats import Interval, mean

Points = tuple[tuple[int, float], ...]
_LEAST_POINTS = 3
# A curve that misses a rate it was fitted to by more is no better than the model of one point, which is taken
# to be 10 % off (prior.py).
_MOST_RESIDUAL = 0.10
# As far beyond the most workers that were seen.
_REACH = 2
# No rank has more workers; a hostile recording could say any number.
_MOST_WORKERS = 4096
# Rates this close are as good as equal, and fewer workers take less memory.
_AS_GOOD = 0.98
_SMALL = 1e-12


@dataclass(frozen=True, slots=True)
class Scaling:
    """A fitted curve: `rate` of one worker, `contention` and `crosstalk` of many; all at least 0.

    `error` is the larger of what the fit misses and what the rates themselves are known to, relative, as
    half a 90 % interval; `most` is the most workers that were seen.
    """

    rate: float
    contention: float
    crosstalk: float
    error: float
    most: int

    def at(self, workers: int) -> float:
        """Return the rate with that many workers, in the unit of the rates that it was fitted to."""
        others = workers - 1
        return self.rate * workers / (1.0 + self.contention * others + self.crosstalk * workers * others)

    @property
    def reach(self) -> int:
        """The most workers that it says anything about: twice as many as were seen, within bounds."""
        return min(_REACH * self.most, _MOST_WORKERS)


def scaling_of(view: View, prior: Prior, batch: int | None) -> Scaling | None:
    """Return the curve of earlier runs at the batch of a rank and the present cache, None without a good one.

    It takes rates of at least three different numbers of workers, and has to meet each within 10 %.
    """
    if len(prior.rates) < _LEAST_POINTS or batch is None:
        return None
    by_workers: dict[int, list[float]] = {}
    errors: list[float] = []
    for rate in rates_like(view, prior):
        if rate.batch_size == batch and rate.workers > 0:
            by_workers.setdefault(rate.workers, []).append(rate.images_per_second)
            half = (rate.images_per_second_high - rate.images_per_second_low) / 2
            errors.append(max(0.0, half / rate.images_per_second))
    if len(by_workers) < _LEAST_POINTS:
        return None
    points = tuple((workers, mean(rates)) for workers, rates in sorted(by_workers.items()))
    return fit(points, max(errors))


@lru_cache(maxsize=8)
def fit(points: Points, error: float = 0.0) -> Scaling | None:
    """Return the curve with the least squared relative error and no negative part; None where none is good.

    `points` are (workers, rate), both above 0; `error` is what the rates are known to, relative.
    """
    # Residuals of N / rate, relative: rate / N * (a + b (N - 1) + c N (N - 1)) - 1, with the best rate as 1.
    top = max(rate for _, rate in points)
    rows = [
        (rate / top / workers, rate / top / workers * (workers - 1), rate / top * (workers - 1))
        for workers, rate in points
    ]
    best: tuple[float, tuple[float, float, float]] | None = None
    for taken in ((0, *others) for count in range(3) for others in combinations((1, 2), count)):
        solved = _least_squares([[row[place] for place in taken] for row in rows])
        if solved is None or min(solved) < 0 or solved[0] <= _SMALL:
            continue
        parts = [0.0, 0.0, 0.0]
        for place, value in zip(taken, solved, strict=True):
            parts[place] = value
        squares = sum((_dot(row, parts) - 1.0) ** 2 for row in rows)
        if best is None or squares < best[0]:
            best = squares, (parts[0], parts[1], parts[2])
    if best is None:
        return None
    one, contention, crosstalk = best[1]
    missed = max(abs(1.0 / _dot(row, best[1]) - 1.0) for row in rows)
    if missed > _MOST_RESIDUAL:
        return None
    most = max(workers for workers, _ in points)
    return Scaling(top / one, contention / one, crosstalk / one, max(missed, error), most)


def best_workers(scaling: Scaling, pipeline: Pipeline, most: int) -> int:
    """Return the smallest number of workers that feeds the GPU with headroom, else that is as good as any.

    `most` is what everything else allows.
    """
    rates = [scaling.at(workers) for workers in range(1, max(1, min(most, scaling.reach)) + 1)]
    fed = HEADROOM * ceiling(pipeline.wait) * scaling.at(pipeline.workers)
    enough = min(fed, _AS_GOOD * max(rates))
    return next(workers for workers, rate in enumerate(rates, 1) if rate >= enough)


def scaled(scaling: Scaling, pipeline: Pipeline, workers: int) -> Interval:
    """Return the factor from the present number of workers to another, by the curve, with its interval."""
    ratio = scaling.at(workers) / scaling.at(pipeline.workers)
    value = min(ceiling(pipeline.wait), ratio)
    error = hypot(scaling.error, pipeline.error * min(1.0, abs(ratio - 1.0)))
    highest = ceiling(pipeline.wait_bounds[1])
    low = min(ceiling(pipeline.wait_bounds[0]), ratio * (1.0 - min(error, 0.95)))
    return Interval(value, min(value, low), max(value, min(highest, ratio * (1.0 + error))))


def _dot(row: Sequence[float], parts: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(row, parts, strict=True))


def _least_squares(rows: list[list[float]]) -> list[float] | None:
    """Return the x with the least sum of (row . x - 1)^2 by the normal equations, None where not one."""
    size = len(rows[0])
    matrix = [
        [sum(row[i] * row[j] for row in rows) for j in range(size)] + [sum(row[i] for row in rows)]
        for i in range(size)
    ]
    for column in range(size):
        pivot = max(range(column, size), key=lambda place: abs(matrix[place][column]))
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        if abs(matrix[column][column]) < _SMALL:
            return None
        for place in range(size):
            if place != column:
                share = matrix[place][column] / matrix[column][column]
                matrix[place] = [a - share * b for a, b in zip(matrix[place], matrix[column], strict=True)]
    return [matrix[place][size] / matrix[place][place] for place in range(size)]
