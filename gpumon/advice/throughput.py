"""How fast a training would go with another number of workers.

The three-rate model of DS-Analyzer (VLDB'21), from one running job: the rate is the smallest of what the
GPU takes and what the workers prepare, and the CPU bounds the latter. All rates here are factors on the
present one, so that nothing needs the rate itself: the GPU takes 1 / (1 - wait); W' workers prepare
W' / (busy * W); the cores allow what they have per what the training uses now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from gpumon.diagnosis.cores import cores_of
from gpumon.diagnosis.view import View
from gpumon.history.stats import (
    Z_90,
    Interval,
    bootstrap_shares,
    interval_of,
    mean,
    normal_draws,
    resamples,
)
from gpumon.model.measure import Missing, known, number

# More than the mean need: the time per batch varies by 5-15 % (Lotus, IISWC'24).
HEADROOM = 1.15
# Beyond this the wait says only "very long": a factor above 50 is no prediction.
_LONGEST_WAIT = 0.98
# The wait is estimated with a mean error of 0.03 against a hook in the loop (measured, /proc alone).
_WAIT_ERROR = 0.03
# A further 10 % where the rate doubles, less where it changes less; until this machine has a history.
_MODEL_ERROR = 0.10
# What a second thread of a core adds to the first: 0.1 to 0.4, taken as 0.25.
_SMT_GAIN = 0.25
# Too many workers cost rate / (1 + d * (W / cores - 1)): d = 0.2 fits 12 against 6 workers on 8 cores
# (110 and 120 images/s), 0.45 the loss measured with 4 workers on 2 cores, 0.1 a light one.
_CROWDING, _LEAST_CROWDING, _MOST_CROWDING = 0.2, 0.1, 0.45


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The loader of one rank: what the throughput model is fed with.

    `busy` is the busy share of the `workers`; `cpu` the cores one of them uses; `main_cpu` those of the
    main process; `cores` what the rank could have, None where not known. `draws` are resampled pairs of
    (wait, busy).
    """

    workers: int
    wait: float
    busy: float
    cpu: float
    main_cpu: float
    cores: float | None
    physical_cores: float | None = None
    draws: tuple[tuple[float, float], ...] = ()


# Less than that is no use of the cores: nothing can be said about how much more they give.
_LEAST_CORES = 1e-6


def pipeline_of(view: View) -> Pipeline | None:
    """Return the pipeline of a training with workers, or None where wait or workers are not known."""
    wait, workers, busy = view.wait, known(view.workers), view.busy
    if isinstance(wait, Missing) or not workers or busy is None or busy <= 0:
        return None
    cores = cores_of(view)
    available = physical = None
    if cores is not None:
        host = known(view.sample.host.cores)
        all_cores = float(len(host)) if host else cores.usable
        available = max(1.0, min(cores.usable, all_cores - (cores.others or 0.0))) / view.ranks
        if cores.usable < 1.0:
            available = cores.usable / view.ranks
        seen = number(view.sample.host.physical_cores)
        if seen is not None and 0 < seen <= all_cores:
            physical = available * seen / all_cores
    cpu = view.worker_cpu if view.worker_cpu is not None else busy
    main = view.main_cpu if view.main_cpu is not None else 1.0 - wait.value
    return Pipeline(workers, wait.value, busy, cpu, main, available, physical, _draws(view, wait, busy))


def ceiling(wait: float) -> float:
    """Return the rate with a loader that never makes anybody wait, as a factor."""
    return 1.0 / (1.0 - min(max(wait, 0.0), _LONGEST_WAIT))


def cpu_factor(pipeline: Pipeline) -> float | None:
    """Return the rate at which the cores are full, as a factor of at least 1; None where not known."""
    if pipeline.cores is None:
        return None
    used = _capacity(pipeline, pipeline.cpu * pipeline.workers + pipeline.main_cpu)
    if used < _LEAST_CORES:
        return None
    return max(1.0, _capacity(pipeline, pipeline.cores) / used)


def needed_workers(pipeline: Pipeline) -> int:
    """Return the smallest number of workers that feeds the GPU with headroom, whatever bounds it."""
    need = HEADROOM * pipeline.busy * pipeline.workers * ceiling(pipeline.wait)
    # A float a hair above a whole number is that number.
    return max(1, ceil(need - 1e-9))


def workers_for_cores(pipeline: Pipeline) -> int | None:
    """Return how many workers it takes to fill the cores (to 95 %), or None where not known."""
    factor = cpu_factor(pipeline)
    if factor is None:
        return None
    return max(1, ceil(0.95 * pipeline.busy * pipeline.workers * factor - 1e-9))


def speed(pipeline: Pipeline, workers: int, wait: float, busy: float) -> float:
    """Return the predicted factor on the rate with `workers` (not fewer than now)."""
    prepared = workers / max(busy * pipeline.workers, 1e-9)
    factors = [ceiling(wait), prepared]
    allowed = cpu_factor(pipeline)
    if allowed is not None:
        factors.append(allowed)
    return max(1.0, min(factors))


def predict_more(pipeline: Pipeline, workers: int) -> Interval:
    """Return the factor on the rate with more workers, with its 90 % interval."""
    point = speed(pipeline, workers, pipeline.wait, pipeline.busy)
    return _with_errors(
        pipeline, point, lambda wait, busy: (speed(pipeline, workers, wait, busy), ceiling(wait))
    )


def predict_fewer(pipeline: Pipeline, workers: int) -> Interval:
    """Return the factor on the rate with fewer workers where they crowd the cores."""
    cores = max(pipeline.cores or float(pipeline.workers), 0.1)

    def factor(crowding: float) -> float:
        now = 1 + crowding * max(0.0, pipeline.workers / cores - 1)
        then = 1 + crowding * max(0.0, workers / cores - 1)
        return min(ceiling(pipeline.wait), now / then)

    return Interval(factor(_CROWDING), factor(_LEAST_CROWDING), factor(_MOST_CROWDING))


def _with_errors(
    pipeline: Pipeline, point: float, factor: Callable[[float, float], tuple[float, float]]
) -> Interval:
    draws = pipeline.draws or ((pipeline.wait, pipeline.busy),) * len(normal_draws())
    wait_errors, model_errors = normal_draws(len(draws), seed=21), normal_draws(len(draws), seed=22)
    factors: list[float] = []
    for (wait, busy), wait_error, model_error in zip(draws, wait_errors, model_errors, strict=True):
        drawn = min(max(wait + _WAIT_ERROR * wait_error, 0.0), _LONGEST_WAIT)
        predicted, highest = factor(drawn, busy)
        error = _MODEL_ERROR * min(1.0, predicted - 1.0) / Z_90
        factors.append(min(predicted * (1.0 + error * model_error), highest))
    return interval_of(point, factors)


def _capacity(pipeline: Pipeline, cores: float) -> float:
    """Return what that many busy logical cores do, in cores with one thread each."""
    physical = pipeline.physical_cores
    if physical is None or cores <= physical:
        return cores
    return physical + _SMT_GAIN * (cores - physical)


def _draws(view: View, wait: Interval, busy: float) -> tuple[tuple[float, float], ...]:
    looks = view.looks
    if not any(total for _, total in looks):
        spread = wait.half_width / Z_90
        return tuple((min(1.0, max(0.0, wait.value + spread * draw)), busy) for draw in normal_draws())
    waits = bootstrap_shares(looks)
    idles = [number(reading.loader.worker_idle_ratio) for _, reading in view.steady]
    known_idles = [idle for idle in idles if idle is not None]
    if len(known_idles) != len(looks):
        return tuple((share, busy) for share in waits)
    busies = [1.0 - mean([known_idles[i] for i in drawn]) for drawn in resamples(len(looks))]
    return tuple(zip(waits, busies, strict=True))
