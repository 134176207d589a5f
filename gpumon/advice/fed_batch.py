"""A larger batch with the workers that feed it: what the GPU takes of it, and what the training makes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gpumon.advice.batch_workers import started_workers
from gpumon.advice.bounds import CORE_KINDS, FULL_RATIO, WorkerBound, worker_bounds
from gpumon.advice.effects import LEAST_GAIN
from gpumon.advice.neighbours import as_shared, shared_cores, taken_words
from gpumon.advice.rates import seen_gain
from gpumon.advice.step_time import BatchGain, batch_gain
from gpumon.advice.step_work import prepared, saved_cores
from gpumon.advice.terms import Terms
from gpumon.advice.throughput import Pipeline, ceiling, needed_workers, pipeline_of, workers_for
from gpumon.diagnosis.cores import cores_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import cores_words
from gpumon.history.stats import Interval
from gpumon.model.measure import known
from gpumon.model.suggestion import Bound

# A wait of all of the time would leave nothing to compute with.
_MOST_LOADING = 0.95
# Cores; less is no matter.
_WORTH_TELLING = 0.05


@dataclass(frozen=True, slots=True)
class FedBatch:
    """A batch of one rank with its workers: what the GPU takes, and what the training makes.

    Both are factors: on what the GPU takes now, and on the present rate. `by_itself` are the workers that a
    start with this batch brings if no other number is asked for. `tightest` is what rules out more workers,
    None where enough are there. `is_seen` tells that an earlier run of this training had these settings,
    `is_fed` that the present workers prepare all that the GPU is taken to take. `taken` has what other
    programs take of the cores, where they bound the gain.
    """

    batch: int
    workers_now: int
    workers: int
    by_itself: int
    gpu: Interval
    gain: Interval
    basis: str
    tightest: WorkerBound | None = None
    is_seen: bool = False
    is_fed: bool = False
    taken: WorkerBound | None = None

    @property
    def is_worth_it(self) -> bool:
        """Whether it is advised: by its low end where it was run before, else by its point.

        Batches that were seen cannot rule out that the GPU is full at a larger one, so the low end says
        little of the change; but a larger batch is not slower either.
        """
        return self.gain.low >= LEAST_GAIN if self.is_seen else self.gain.value > LEAST_GAIN


def fed_batch(view: View, terms: Terms, now: int, batch: int) -> FedBatch | None:
    """Return the larger batch with the workers that feed it, or with the most there can be.

    None where neither workers nor the wait are known.
    """
    pipeline = pipeline_of(view)
    if pipeline is None:
        return _loaded(view, terms, now, batch)
    gpu = batch_gain(view, terms.prior, now, batch)
    bounds = worker_bounds(view, pipeline, batch)
    needed = max(pipeline.workers, needed_workers(pipeline, gpu.factor.value))
    tightest = bounds[0] if bounds and bounds[0].workers < needed else None
    by_itself = started_workers(view, pipeline.workers, batch)
    hard = [bound.workers for bound in bounds if bound.bound not in CORE_KINDS]
    if tightest is None:
        workers = max(needed, workers_for_the_most(view, pipeline, gpu, bounds))
        if workers < by_itself <= min(hard, default=by_itself):
            # More than it takes share the same work: the cores are no matter of theirs.
            workers = by_itself
    else:
        # Larger batches may leave /dev/shm room for fewer than now.
        shm = [bound.workers for bound in bounds if bound.bound is Bound.SHM]
        workers = min([max(pipeline.workers, tightest.workers), *shm])
    seen, taken = seen_gain(view, terms.prior, workers, batch), None
    if seen is not None:
        gain, basis, is_seen = seen.factor, seen.basis, True
    else:
        saved, shared = saved_cores(view, now, batch), shared_cores(view, pipeline, workers)
        gain, most = _gain(pipeline, workers, gpu.factor, saved, tightest)
        if shared is not None:
            gain = as_shared(gain, pipeline, shared, saved)
            taken = next((bound for bound in bounds if bound.bound in CORE_KINDS), None)
        basis, is_seen = f"{gpu.basis}; memory linear in the batch", False
        if most < gpu.factor.high:
            basis += f"; the workers prepare at most {most:.2f} times as much"
            if saved.value >= _WORTH_TELLING:
                basis += f", as the work of each step leaves them about {cores_words(saved.value)} more"
        if taken is not None:
            taken = replace(taken, text=taken_words(view))
            basis += f"; {taken.text}: the low end is by the share that it has now"
    is_fed = prepared(pipeline, pipeline.workers) >= ceiling(pipeline.wait) * gpu.factor.value
    return FedBatch(
        batch, pipeline.workers, workers, by_itself, gpu.factor, gain, basis, tightest, is_seen, is_fed, taken
    )


def _gain(
    pipeline: Pipeline, workers: int, gpu: Interval, saved: Interval, tightest: WorkerBound | None
) -> tuple[Interval, float]:
    """Return the factor on the rate, and the most that the workers allow of it.

    The smaller of what the GPU takes and what the workers prepare, per what that is now: an error of the
    model is in both, and cancels.
    """
    takes = ceiling(pipeline.wait)
    present = min(prepared(pipeline, pipeline.workers), takes)

    def factor(spared: float, faster: float, full: float = 1.0) -> float:
        return min(full * prepared(pipeline, workers, spared), takes * faster) / present

    # Cores that count as full at 95 % may give no more than that.
    least = max(1.0, factor(saved.low, gpu.low, 1.0 if tightest is None else FULL_RATIO))
    value = factor(saved.value, gpu.value)
    gain = Interval(value, min(value, least), factor(saved.high, gpu.high))
    return gain, prepared(pipeline, workers, saved.high) / present


def workers_for_the_most(
    view: View, pipeline: Pipeline, gpu: BatchGain, bounds: tuple[WorkerBound, ...]
) -> int:
    """Return the workers that feed the GPU if it gains as much as it may: at most one for each core.

    One that idles costs its memory, one that lacks costs a part of the gain and another restart. No more
    than now where the gain was seen, and where the cores are not known.
    """
    cores = cores_of(view)
    if gpu.is_seen or cores is None:
        return pipeline.workers
    need = workers_for(pipeline, ceiling(pipeline.wait) * gpu.factor.high)
    return min([need, int(cores.usable / view.ranks), *(bound.workers for bound in bounds)])


def _loaded(view: View, terms: Terms, now: int, batch: int) -> FedBatch | None:
    """Return the batch for a training without workers, whose main process loads as long for each image."""
    wait = view.wait
    if known(view.workers) != 0 or not isinstance(wait, Interval):
        return None
    gpu, lost = batch_gain(view, terms.prior, now, batch), min(wait.value, _MOST_LOADING)
    workers = started_workers(view, 0, batch)
    value, low = (1.0 / ((1.0 - lost) / end + lost) for end in (gpu.factor.value, gpu.factor.low))
    # A part of the loading is once a batch, too; workers may take all of it over.
    high = gpu.factor.high / (1.0 - lost if workers else 1.0)
    basis = f"{gpu.basis}; memory linear in the batch"
    return FedBatch(batch, 0, workers, workers, gpu.factor, Interval(value, low, high), basis)
