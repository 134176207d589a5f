"""The predicted rate for every number of workers, as factors on the present one."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, hypot

from gpumon.advice.prior import REPEAT_RATIO
from gpumon.advice.scaling import Scaling, scaled
from gpumon.advice.throughput import (
    CROWDINGS,
    FULL_CORES_DOUBT,
    Pipeline,
    ceiling,
    cpu_factor,
    crowd_factor,
    excess,
    sharing,
    work_factor,
)
from gpumon.history.stats import Interval
from gpumon.model.suggestion import Effect

Curve = tuple[tuple[int, Effect], ...]
MOST_POINTS = 32
_SAME = Interval(1.0, 1.0, 1.0)


def worker_curve(
    pipeline: Pipeline, most: int, better: Mapping[int, Interval], scaling: Scaling | None = None
) -> Curve:
    """Return the factors for 1 to `most` workers of one rank, at most 32 of them.

    `better` has those that are known better: predicted with all errors, or seen. The present number is among
    them, with a factor of 1. Each interval joins the ends that the wait, what fewer workers no longer wait
    for, and the cost of crowding have with the model's own error and what two runs of the same settings
    differ by; a bootstrap for each would cost a hundred times as much.
    """
    known = {pipeline.workers: _SAME, **better}
    points = {*range(1, most + 1, max(1, ceil(most / (MOST_POINTS - len(known))))), *known}
    model = _Model(pipeline)
    found: list[tuple[int, Effect]] = []
    for workers in sorted(points):
        interval = known.get(workers)
        if interval is None and scaling is not None and workers <= scaling.reach:
            interval = scaled(scaling, pipeline, workers)
        if interval is None:
            interval = model.at(workers)
        found.append((workers, Effect(1.0, interval.value, interval.low, interval.high)))
    return tuple(found)


class _Model:
    """The throughput model of one pipeline, with what is the same for all numbers of workers."""

    __slots__ = ("_allowed", "_ceilings", "_excess", "_pipeline")

    def __init__(self, pipeline: Pipeline) -> None:
        low, high = pipeline.wait_bounds
        self._pipeline = pipeline
        self._allowed = cpu_factor(pipeline)
        self._ceilings = ceiling(low), ceiling(pipeline.wait), ceiling(high)
        self._excess = excess(pipeline, pipeline.workers)

    def at(self, workers: int) -> Interval:
        lowest, middle, highest = self._ceilings
        work = work_factor(self._pipeline, workers, self._allowed, crowded=self._excess > 0.0)
        then = excess(self._pipeline, workers)
        crowds = [crowd_factor(self._excess, then, crowding) for crowding in CROWDINGS]
        # Crowding costs the loop too, not only the workers: the main process queues for a core as they do.
        value = min(middle, min(middle, work) * crowds[0])
        is_full = workers > self._pipeline.workers and work == self._allowed and work <= middle
        error = self._error(value, is_full=is_full)
        low = min(lowest, work) * min(crowds) * (1.0 - min(error, 1.0))
        most = max(work, self._unqueued(workers))
        high = min(highest, min(highest, most) * max(crowds) * (1.0 + error))
        return Interval(value, min(value, low), max(value, high))

    def _unqueued(self, workers: int) -> float:
        """Return what fewer workers prepare if they do not queue for a core any more; 0 of more of them."""
        pipeline = self._pipeline
        if workers >= pipeline.workers:
            return 0.0
        own = (pipeline.busy - pipeline.queue) * sharing(pipeline, workers)
        return min(1.0, workers / max(own * pipeline.workers, 1e-9))

    def _error(self, value: float, *, is_full: bool) -> float:
        """Return the error of a factor, relative: as large for half the rate as for twice it.

        It joins that of the model, larger where the cores become full, and what two runs differ by.
        """
        change = min(1.0, max(value, 1.0 / max(value, 1e-9)) - 1.0)
        doubt = FULL_CORES_DOUBT if is_full else 1.0
        return hypot(doubt * self._pipeline.error * change, REPEAT_RATIO * self._pipeline.error)
