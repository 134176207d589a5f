"""How fast a training would go with another number of workers, or with less work for each image.

The three-rate model of DS-Analyzer (VLDB'21), from one running job: the rate is the smallest of what the
GPU takes and what the workers prepare, and the CPU bounds the latter. All rates here are factors on the
present one, so that nothing needs the rate itself: the GPU takes 1 / (1 - wait); W' workers prepare
W' / (busy * W); the cores allow what they have per what the training uses now. docs/models.md derives it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, hypot

from gpumon.advice.ingest import WAIT_ERROR, ingest_of
from gpumon.advice.prior import NOTHING_KNOWN, Prior, model_error
from gpumon.advice.second_threads import (
    SECOND_THREAD,
    SECOND_THREAD_LEAST,
    SECOND_THREAD_MOST,
    done_by,
    rank_cores,
    thread_speed,
)
from gpumon.diagnosis.view import View
from gpumon.history.stats import (
    Z_90,
    Interval,
    bootstrap_shares,
    interval_of,
    normal_draws,
    resamples,
)
from gpumon.model.measure import known, number
from gpumon.model.suggestion import Effect

# More than the mean need: the time per batch varies by 5-15 % (Lotus, IISWC'24).
HEADROOM = 1.15
# Beyond this the wait says only "very long": a factor above 50 is no prediction.
_LONGEST_WAIT = 0.98
# Too many workers cost rate / (1 + d * (W / cores - 1)): d = 0.2 fits 12 against 6 workers on 8 cores
# (110 and 120 images/s), 0.45 the loss measured with 4 workers on 2 cores, 0.1 a light one.
# The prediction, then the ends of its interval.
CROWDINGS = (0.2, 0.1, 0.45)
# Where the cores become full the model errs by more: what an image costs a core changes with the load
# (caches, memory, clock, the host of a virtual machine). From 1 to 2 workers on 2 cores the rate came to 1.03
# and 1.09 of the prediction (cores-exhausted in docs/accuracy-advice.md), and that of a real YOLOv5 to 0.82,
# 0.86, 0.96, 0.98, 1.01 and 1.05 (tests/real/test_restart.py prints it). By Student's t for the next one of
# eight half an interval of 90 % is 0.19, where the model's own is 0.08: 0.10 where the rate doubles.
FULL_CORES_DOUBT = 2.3
# The three shares are known to a few hundredths. On crowded cores the CPU's is hardly more (0.05 to 0.10 seen
# with 2 workers on a core that others use too), and a rest of 0.05 would make half of it a wait for a disk.
_LEAST_OUTSIDE = 0.10
# Less than that is no use of the cores: nothing can be said about how much more they give.
_LEAST_CORES = 1e-6


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The loader of one rank: what the throughput model is fed with.

    `wait` is what is lost by waiting, `wait_error` its standard error besides the draws; `busy` the busy
    share of the `workers`; `cpu` the cores one of them uses, `queue` those it waits for; `main_cpu` those of
    the main process; `cores` what the rank could have, None where not known, of which `physical_cores` have a
    second thread that adds `second_thread` to the first. `draws` are resampled pairs of (wait, busy). `error`
    is the model's own, half a 90 % interval where the rate doubles.
    """

    workers: int
    wait: float
    busy: float
    cpu: float
    main_cpu: float
    cores: float | None
    physical_cores: float | None = None
    second_thread: float = SECOND_THREAD
    draws: tuple[tuple[float, float], ...] = ()
    queue: float = 0.0
    wait_error: float = WAIT_ERROR
    error: float = model_error(NOTHING_KNOWN, "workers")

    @property
    def outside(self) -> float:
        """The share of time in which a worker is busy without a core and without waiting for one."""
        outside = self.busy - self.cpu - self.queue
        return outside if outside >= _LEAST_OUTSIDE else 0.0

    @property
    def core_share(self) -> float:
        """The cores that a worker uses while it is busy and nobody takes them from it: at most 1."""
        return self.cpu / (self.cpu + self.outside) if self.outside and self.cpu else 1.0

    @property
    def wait_bounds(self) -> tuple[float, float]:
        """The ends of the 90 % interval of `wait`."""
        waits = sorted(wait for wait, _ in self.draws) or [self.wait]
        low, high = waits[len(waits) // 20], waits[len(waits) - 1 - len(waits) // 20]
        reach = Z_90 * self.wait_error
        below = hypot(max(0.0, self.wait - low), reach)
        above = hypot(max(0.0, high - self.wait), reach)
        return max(0.0, self.wait - below), min(_LONGEST_WAIT, self.wait + above)


def pipeline_of(view: View) -> Pipeline | None:
    """Return the pipeline of a training with workers, or None where wait or workers are not known.

    It has no draws: for what lasts, not for intervals.
    """
    return view.once(_pipeline)


def drawn_pipeline(view: View, prior: Prior = NOTHING_KNOWN) -> Pipeline | None:
    """Return the pipeline with its draws, and with the error that earlier proofs show; None as there."""
    pipeline = view.once(_drawn)
    if pipeline is None or not prior.proofs:
        return pipeline
    return replace(pipeline, error=model_error(prior, "workers"))


def _drawn(view: View) -> Pipeline | None:
    pipeline, ingest = pipeline_of(view), ingest_of(view)
    if pipeline is None or ingest is None:
        return None
    burst = ingest.wait if ingest.by_burst else None
    return replace(pipeline, draws=_draws(view, pipeline.busy, burst))


def _pipeline(view: View) -> Pipeline | None:
    wait, workers, busy, ingest = view.wait, known(view.workers), view.busy, ingest_of(view)
    if ingest is None or not isinstance(wait, Interval) or not workers or busy is None or busy <= 0:
        return None
    available, physical = rank_cores(view)
    return Pipeline(
        workers,
        ingest.wait,
        busy,
        cpu=view.worker_cpu if view.worker_cpu is not None else busy,
        main_cpu=view.main_cpu if view.main_cpu is not None else 1.0 - wait.value,
        cores=available,
        physical_cores=physical,
        queue=view.worker_queue or 0.0,
        wait_error=ingest.error,
    )


def ceiling(wait: float) -> float:
    """Return the rate with a loader that never makes anybody wait, as a factor."""
    return 1.0 / (1.0 - min(max(wait, 0.0), _LONGEST_WAIT))


def cpu_factor(pipeline: Pipeline, cpu_saved: float = 0.0, saved: float = 0.0) -> float | None:
    """Return the rate at which the cores are full, as a factor of at least 1; None where not known.

    `cpu_saved` is the share of a worker's CPU time that an image no longer takes, `saved` what else is no
    longer used, in cores at the present rate.
    """
    if pipeline.cores is None:
        return None
    used = _capacity(pipeline, pipeline.cpu * pipeline.workers + pipeline.main_cpu)
    left = pipeline.cpu * (1.0 - cpu_saved) * pipeline.workers + pipeline.main_cpu - saved
    left = _capacity(pipeline, max(0.0, left))
    if left < _LEAST_CORES:
        return None
    return max(1.0, _capacity(pipeline, pipeline.cores) / used) * used / left


def needed_workers(pipeline: Pipeline, faster: float = 1.0) -> int:
    """Return the smallest number of workers that feeds the GPU with headroom, whatever bounds it.

    `faster` is the factor by which the GPU takes more than now.
    """
    return workers_for(pipeline, HEADROOM * ceiling(pipeline.wait) * faster)


def workers_for_cores(pipeline: Pipeline) -> int | None:
    """Return how many workers it takes to fill the cores (to 95 %), or None where not known."""
    factor = cpu_factor(pipeline)
    if factor is None:
        return None
    return workers_for(pipeline, 0.95 * factor)


def workers_for(pipeline: Pipeline, factor: float) -> int:
    """Return the smallest number of workers that prepare so many times what is taken now."""
    # A float a hair above a whole number is that number.
    workers = max(1, ceil(factor * pipeline.busy * pipeline.workers - 1e-9))
    while sharing(pipeline, workers) > 1.0 and prepared_by(pipeline, workers) < factor:
        workers += 1
    return workers


def prepared_by(pipeline: Pipeline, workers: int) -> float:
    """Return how many times what is taken now so many workers prepare, whatever the cores allow in all."""
    return workers / max(pipeline.busy * pipeline.workers * sharing(pipeline, workers), 1e-9)


def sharing(pipeline: Pipeline, workers: int) -> float:
    """Return the factor on the time of an image as so many workers, all busy, share cores by two threads."""
    cores, physical = pipeline.cores, pipeline.physical_cores
    if cores is None or physical is None or physical >= cores:
        return 1.0
    faster = max(1.0, min(ceiling(pipeline.wait), workers / max(pipeline.busy * pipeline.workers, 1e-9)))
    now = pipeline.cpu * pipeline.workers + pipeline.main_cpu
    then = pipeline.cpu / pipeline.busy * workers + min(1.0, pipeline.main_cpu * faster)
    speeds = [thread_speed(threads, cores, physical, pipeline.second_thread) for threads in (now, then)]
    return pipeline.core_share * speeds[0] / speeds[1] + 1.0 - pipeline.core_share


def speed(pipeline: Pipeline, workers: int, wait: float, busy: float, allowed: float | None) -> float:
    """Return the predicted factor on the rate with `workers` (not fewer than now).

    `allowed` is `cpu_factor`, which does not change with any of them.
    """
    work = busy * pipeline.workers * sharing(pipeline, workers)
    factor = min(ceiling(wait), workers / max(work, 1e-9))
    return max(1.0, factor if allowed is None else min(factor, allowed))


def work_factor(pipeline: Pipeline, workers: int, allowed: float | None, *, crowded: bool) -> float:
    """Return what that many workers prepare, as a factor, before the GPU and crowded cores count.

    `allowed` is `cpu_factor`. Where the present workers are `crowded`, fewer need not queue for a core.
    """
    if workers == pipeline.workers:
        return 1.0
    if workers > pipeline.workers:
        more = prepared_by(pipeline, workers)
        return max(1.0, more if allowed is None else min(more, allowed))
    own = pipeline.cpu + pipeline.outside if crowded else pipeline.busy
    return min(1.0, workers / max(own * pipeline.workers * sharing(pipeline, workers), 1e-9))


def excess(pipeline: Pipeline, workers: int) -> float:
    """Return by what share of the cores that many workers outnumber them, counting what each uses of one."""
    cores = max(pipeline.cores or float(pipeline.workers), 0.1)
    return max(0.0, workers * pipeline.core_share / cores - 1.0)


def crowd_factor(now: float, then: float, crowding: float) -> float:
    """Return the factor on the rate as the excess of workers goes from `now` to `then`."""
    return (1.0 + crowding * now) / (1.0 + crowding * then)


def predict_more(pipeline: Pipeline, workers: int) -> Interval:
    """Return the factor on the rate with more workers, with its 90 % interval."""
    allowed = cpu_factor(pipeline)
    point = speed(pipeline, workers, pipeline.wait, pipeline.busy, allowed)
    draws = pipeline.draws or ((pipeline.wait, pipeline.busy),) * len(normal_draws())
    wait_errors, model_errors = normal_draws(len(draws), seed=21), normal_draws(len(draws), seed=22)
    wait_error, error = pipeline.wait_error, pipeline.error / Z_90
    most = float("inf") if allowed is None else allowed
    shares = sharing(pipeline, workers)
    ratio = workers / pipeline.workers / shares
    factors: list[float] = []
    # As `speed`, for each draw: written out, for it is done 200 times a second.
    for (wait, busy), wait_deviation, deviation in zip(draws, wait_errors, model_errors, strict=True):
        highest = 1.0 / (1.0 - min(max(wait + wait_error * wait_deviation, 0.0), _LONGEST_WAIT))
        factor = max(1.0, min(highest, ratio / max(busy, 1e-9), most))
        doubt = FULL_CORES_DOUBT * error if factor == most or shares > 1.0 else error
        factors.append(min(factor * (1.0 + doubt * min(1.0, factor - 1.0) * deviation), highest))
    gain = interval_of(point, factors)
    # What workers idle while the loop waits (batches come in their turn) is not all to be had.
    floor = max(1.0, min(ratio, point)) * (1.0 - pipeline.error * min(1.0, point - 1.0))
    low, high = max(1.0, min(gain.low, floor)), gain.high
    if pipeline.physical_cores is None:
        return Interval(gain.value, low, high)
    # What second threads add is known no better than that.
    allows = (replace(pipeline, second_thread=one) for one in (SECOND_THREAD_LEAST, SECOND_THREAD_MOST))
    ends = [speed(one, workers, one.wait, one.busy, cpu_factor(one)) for one in allows]
    below = hypot(1.0 - low / point, max(0.0, 1.0 - min(ends) / point))
    above = hypot(high / point - 1.0, max(0.0, max(ends) / point - 1.0))
    return Interval(gain.value, max(1.0, point * (1.0 - below)), point * (1.0 + above))


def predict_fewer(pipeline: Pipeline, workers: int) -> Interval:
    """Return the factor on the rate with fewer workers where they crowd the cores."""
    now, then, highest = excess(pipeline, pipeline.workers), excess(pipeline, workers), ceiling(pipeline.wait)
    factors = [min(highest, crowd_factor(now, then, crowding)) for crowding in CROWDINGS]
    return Interval(factors[0], min(factors), max(factors))


def predict_lighter(
    pipeline: Pipeline, cpu_saved: Interval, outside_saved: Interval, cores_bind: bool
) -> Interval:
    """Return the factor on the rate where an image takes its worker less time on and off the CPU.

    The savings are shares of that time, with their 90 % intervals. `cores_bind` tells that the cores are full
    already, whatever the count of them says: then the rate grows as the CPU time shrinks.
    """

    def factor(wait: float, cpu: float, outside: float) -> float:
        computing = max(0.0, pipeline.busy - pipeline.outside)
        left = computing * (1.0 - cpu) + pipeline.outside * (1.0 - outside)
        factors = [ceiling(wait), 1.0 / max(left, 1e-3)]
        allowed = cpu_factor(replace(pipeline, cores=0.0) if cores_bind else pipeline, cpu)
        if allowed is not None:
            factors.append(allowed)
        return max(1.0, min(factors))

    low_wait, high_wait = pipeline.wait_bounds
    value = factor(pipeline.wait, cpu_saved.value, outside_saved.value)
    low = factor(low_wait, cpu_saved.low, outside_saved.low)
    high = factor(high_wait, cpu_saved.high, outside_saved.high)
    error = pipeline.error * min(1.0, value - 1.0)
    highest = min(max(high, value) * (1.0 + error), ceiling(high_wait))
    return Interval(value, max(1.0, min(low, value) * (1.0 - error)), highest)


def wait_after(wait: float, gain: Interval, faster: float = 1.0) -> Effect:
    """Return the share of time that the loop waits once the rate has changed by `gain`.

    A step's other part, 1 - wait, stays, but for a GPU that takes `faster` as many images a second.
    """

    def left(factor: float) -> float:
        return min(1.0, max(0.0, 1.0 - factor * (1.0 - wait) / faster))

    return Effect(wait, left(gain.value), left(gain.high), left(gain.low))


def _capacity(pipeline: Pipeline, cores: float) -> float:
    """Return what that many busy logical cores do, in cores with one thread each."""
    return done_by(cores, pipeline.physical_cores, pipeline.second_thread)


def _draws(view: View, busy: float, by_burst: float | None) -> tuple[tuple[float, float], ...]:
    looks, wait = view.looks, view.wait
    if by_burst is not None or not isinstance(wait, Interval):
        return () if by_burst is None else ((by_burst, busy),) * len(normal_draws())
    if not any(total for _, total in looks):
        spread = wait.half_width / Z_90
        return tuple((min(1.0, max(0.0, wait.value + spread * draw)), busy) for draw in normal_draws())
    waits = bootstrap_shares(looks)
    idles = [number(reading.loader.worker_idle_ratio) for _, reading in view.steady]
    known_idles = [idle for idle in idles if idle is not None]
    if len(known_idles) != len(looks):
        return tuple((share, busy) for share in waits)
    read, count = known_idles.__getitem__, len(looks)
    busies = [1.0 - sum(map(read, drawn)) / count for drawn in resamples(count)]
    return tuple(zip(waits, busies, strict=True))
