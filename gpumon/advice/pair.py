"""Workers and a larger batch in one step, for a training that lacks workers on a GPU that has room.

After workers alone a larger batch would be the next advice, and need more workers again: a restart each.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from gpumon.advice.batch import larger_that_fits
from gpumon.advice.bounds import rank_batch, worker_bounds
from gpumon.advice.curve import Curve
from gpumon.advice.effects import LEAST_GAIN, rate_effect, speedup_effect
from gpumon.advice.fed_batch import workers_for_the_most
from gpumon.advice.learning_rate import learning_rate_words
from gpumon.advice.memory import MemoryModel
from gpumon.advice.neighbours import as_shared, shared_cores
from gpumon.advice.rates import rates_like
from gpumon.advice.restart import restart_warnings
from gpumon.advice.step_time import BatchGain, batch_gain
from gpumon.advice.step_work import saved_cores
from gpumon.advice.terms import Terms
from gpumon.advice.throughput import (
    Pipeline,
    ceiling,
    cpu_factor,
    needed_workers,
    predict_more,
    speed,
    wait_after,
)
from gpumon.advice.worker_choice import Case, Choice, curve_for
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, count_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.measure import Missing
from gpumon.model.suggestion import Bound, Change, Effect, Suggestion


@dataclass(frozen=True, slots=True)
class RaisedBatch:
    """A larger batch of one rank that fits, by the memory `model`, and what the GPU makes of it."""

    model: MemoryModel
    batch: int
    gpu: BatchGain


def raised_batch(view: View, terms: Terms) -> RaisedBatch | None:
    """Return the largest batch that is safe where it is larger than the present one."""
    found = larger_that_fits(view, terms)
    if found is None:
        return None
    model, batch = found
    return RaisedBatch(model, batch, batch_gain(view, terms.prior, model.batch, batch))


def pair_suggestions(case: Case) -> tuple[Suggestion, ...]:
    """Return the advice to change both, where the workers can feed the larger batch; else nothing."""
    view, pipeline = case.view, case.pipeline
    if not view.on_gpu or not case.may_raise_batch or is_tried(view, case.terms, pipeline.workers):
        return ()
    raised = raised_batch(view, case.terms)
    if raised is None:
        return ()
    gpu, batch, needed = raised.gpu, raised.batch, needed_workers(pipeline, raised.gpu.factor.value)
    bounds = worker_bounds(view, pipeline, batch)
    tightest = bounds[0] if bounds and bounds[0].workers < needed else None
    workers = tightest.workers if tightest else max(needed, workers_for_the_most(view, pipeline, gpu, bounds))
    if workers <= pipeline.workers:
        return ()
    alone = predict_more(pipeline, workers)
    saved = saved_cores(view, raised.model.batch, batch)
    gain, shared = _both(pipeline, workers, alone, gpu.factor, saved), shared_cores(view, pipeline, workers)
    if shared is not None:
        gain = as_shared(gain, pipeline, shared, saved)
    without = alone.value if alone.low >= LEAST_GAIN else 1.0
    if gain.low < LEAST_GAIN or gain.value < LEAST_GAIN * without:
        return ()
    memory = bytes_words(raised.model.bytes_at(batch).value)
    text = (
        f"{count_words(workers, 'worker')} instead of {pipeline.workers} and batch {batch * view.ranks}"
        f" instead of {raised.model.batch * view.ranks}, which would fit (about {memory}): the GPU takes more"
        " images at a time, and the workers feed it"
    )
    bound = Bound.GPU
    if tightest is not None:
        text += f", as far as they can: more are ruled out by {tightest.text}"
        bound = tightest.bound
    seen = (
        f"the wait for data and how busy the workers were over {view.steady_seconds:.0f} s of steady training"
    )
    choice = Choice(pipeline.workers, workers, gain, text, bound, seen)
    return (paired(view, case.finding, case.terms, choice, raised, curve_for(case, workers)),)


def paired(  # noqa: PLR0917 - the parts of one suggestion, in its order
    view: View, finding: Finding, terms: Terms, choice: Choice, raised: RaisedBatch, curve: Curve = ()
) -> Suggestion:
    """Return the suggestion of a choice together with its larger batch; the gain is that of both."""
    model, training, wait = raised.model, view.reading.training, view.wait
    memory = model.bytes_at(raised.batch)
    now, total = model.batch * view.ranks, raised.batch * view.ranks
    changes = {"workers": choice.workers, "batch_size": total}
    return Suggestion(
        setting="workers",
        from_value=choice.now,
        to_value=choice.workers,
        text=choice.text,
        finding=finding.id,
        bound=choice.bound,
        rests_on=f"{choice.basis}; {raised.gpu.basis}; memory linear in the batch",
        speedup=speedup_effect(choice.gain),
        images_per_second=rate_effect(view, choice.gain),
        gpu_memory_bytes=Effect(model.peak, memory.value, memory.low, memory.high),
        data_wait_ratio=wait
        if isinstance(wait, Missing)
        else wait_after(wait.value, choice.gain, raised.gpu.factor.value),
        command=terms.rewrite(training, changes),
        warnings=(*restart_warnings(view), *learning_rate_words(training, now, total)),
        together=(Change("batch_size", now, total),),
        curve=curve,
        go_on=terms.go_on(view.reading, changes),
    )


def is_tried(view: View, terms: Terms, workers: int) -> bool:
    """Tell whether earlier runs show what more than so many workers bring at this batch: that comes first."""
    batch = rank_batch(view)
    return any(rate.batch_size == batch and rate.workers > workers for rate in rates_like(view, terms.prior))


def _both(pipeline: Pipeline, workers: int, alone: Interval, gpu: Interval, saved: Interval) -> Interval:
    """Return the factor of both: the product, with both errors, as far as the workers prepare it.

    `saved` are the cores that the larger batch leaves to them.
    """

    def most(spared: float) -> float:
        return speed(pipeline, workers, 1.0, pipeline.busy, cpu_factor(pipeline, saved=spared))

    value = min(most(saved.value), ceiling(pipeline.wait) * gpu.value)
    below = hypot(1.0 - alone.low / alone.value, 1.0 - gpu.low / gpu.value)
    above = hypot(alone.high / alone.value - 1.0, gpu.high / gpu.value - 1.0)
    highest = min(most(saved.high), value * (1.0 + above))
    return Interval(value, max(0.0, value * (1.0 - below)), max(value, highest))
