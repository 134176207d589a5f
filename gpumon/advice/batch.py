"""Advice on the batch size: larger where the GPU is the limit and has room, smaller where it has not."""

from __future__ import annotations

from gpumon.advice.batch_workers import fed_by_fewer, started_workers
from gpumon.advice.effects import LEAST_GAIN, SAME, rate_effect, speedup_effect
from gpumon.advice.fed_batch import FedBatch, fed_batch
from gpumon.advice.learning_rate import learning_rate_words, update_of
from gpumon.advice.memory import MemoryModel, model_of, nominal_batch, rounded_batch
from gpumon.advice.restart import restart_warnings
from gpumon.advice.step_time import batch_gain
from gpumon.advice.terms import Terms
from gpumon.advice.throughput import wait_after
from gpumon.diagnosis.memory import memory_of
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.step import Step, step_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, count_words, percent
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.suggestion import Bound, Change, Effect, OomRisk, RiskLevel, Suggestion

# As in the rule compute-bound: a GPU that surely idles more with a batch at hand is held up by another thing.
_GAP_RATIO = 0.15
# With so much a batch that is called safe runs out of memory, too (gpumon.advice.memory).
_SAFE_RISK = 0.05


def larger_batch(view: View, finding: Finding, terms: Terms) -> tuple[Suggestion, ...]:
    """Return the advice to raise the batch where memory allows and a gain may be expected.

    Batch and workers are chosen together: a GPU that takes more needs more from the workers. Where none of
    them can feed it a larger batch brings nothing; that is told to a batch that is called too small.
    """
    found = larger_that_fits(view, terms)
    if found is None:
        return ()
    model, batch = found
    pair = fed_batch(view, terms, model.batch, batch)
    if pair is None or (finding.id == "unclear" and not _is_handed_over(view, pair)):
        return ()
    if not pair.is_worth_it:
        is_unfed = pair.tightest is not None and pair.gpu.value >= LEAST_GAIN
        return (_unfed(view, finding, model, pair),) if is_unfed and finding.id == "batch-too-small" else ()
    memory = model.bytes_at(batch)
    bound = Bound.MEMORY if model.largest(safe=True) < 2 * model.batch else Bound.NONE
    text = (
        f"batch {batch * view.ranks} instead of {model.batch * view.ranks} would fit (about"
        f" {bytes_words(memory.value)}) and be {pair.gain.low:.2f} to {pair.gain.high:.2f} times as fast"
    )
    if not pair.is_fed and finding.id.startswith("starved-"):
        text += ", as what is done once a step is shared by more images"
    if pair.workers != pair.workers_now:
        why = ", which it starts by itself then" if pair.workers == pair.by_itself else " to feed it"
        text += f", with {count_words(pair.workers, 'worker')} instead of {pair.workers_now}{why}"
    if pair.tightest is not None:
        more = "more workers" if pair.workers == pair.workers_now else "more of them"
        text += f"; {more} are ruled out by {pair.tightest.text}"
        bound = pair.tightest.bound
    if pair.taken is not None:
        is_told = pair.tightest is not None and pair.tightest.bound is pair.taken.bound
        text += "; what those" if is_told else f"; {pair.taken.text}, and what they"
        text += " leave then is not known"
        bound = pair.taken.bound
    if finding.id == "batch-too-small" and _may_double_again(model, batch):
        text += "; a step doubles it at most, and more may fit: look again after it"
    return (_change(view, model, pair, finding, text, bound, terms),)


def _may_double_again(model: MemoryModel, batch: int) -> bool:
    """Tell whether twice the advised batch would be safe, too, by the line that the present peak gives."""
    return model.largest(safe=True, steps=2) >= 2 * batch


def larger_that_fits(view: View, terms: Terms) -> tuple[MemoryModel, int] | None:
    """Return the memory model and the batch of a rank to raise it to, where one larger than now is safe.

    It is the largest round one, of a framework that accumulates one that keeps what an update sums.
    """
    model = _model(view, terms)
    if isinstance(model, Missing):
        return None
    batch = _rounded(view, model.largest(safe=True), model.batch)
    return (model, batch) if batch > model.batch else None


def smaller_batch(view: View, finding: Finding, terms: Terms) -> tuple[Suggestion, ...]:
    """Return the advice to lower the batch where the training may run out of memory.

    Memory that grows without end is no matter of the batch: then there is none. Where the risk costs less
    than a smaller batch, the present one is to stay, and why is said.
    """
    seen = memory_of(view)
    if not isinstance(seen, Missing) and seen.growth is not None:
        return ()
    model = _model(view, terms)
    if isinstance(model, Missing) or model.batch <= 1:
        return ()
    batch = _rounded(view, min(model.largest(safe=True), model.batch - 1), model.batch)
    if not 1 <= batch < model.batch:
        return ()
    memory = model.bytes_at(batch)
    text = (
        f"batch {batch * view.ranks} instead of {model.batch * view.ranks} leaves room: about"
        f" {bytes_words(memory.value)} at the peak"
    )
    gpu = batch_gain(view, terms.prior, model.batch, batch)
    now = known(view.workers) or 0
    left = started_workers(view, now, batch)
    gain, basis = gpu.factor, gpu.basis
    if left < now:
        why = "it starts no more than a batch has images" if left else "it starts none for a batch of 1"
        text += f", with {count_words(left, 'worker')} instead of {now}: {why}"
        gain, basis = fed_by_fewer(view, left, gain), f"{basis}; fewer workers prepare less"
    pair = FedBatch(batch, now, left, left, gpu.factor, gain, basis)
    risk = None if isinstance(seen, Missing) else known(seen.risk)
    if risk is not None and risk.level is not RiskLevel.HIGH and _is_dear(risk.probability, gain):
        return (_dearer(view, finding, model, pair, risk),)
    return (_change(view, model, pair, finding, text, Bound.MEMORY, terms),)


def _longer(gain: Interval) -> float:
    """Return the time that a smaller batch costs, as a share of what the training has still to run."""
    return 1.0 / max(gain.value, 1e-9) - 1.0


def _is_dear(probability: float, gain: Interval) -> bool:
    """Tell whether a smaller batch costs more than the risk that it takes away, or less than a restart.

    Running out of memory costs at most all of that time once more, as often as its probability says (less
    where the framework goes on from its last checkpoint, as YOLOv5 and ultralytics do). So where the
    probability falls by less than the time that a smaller batch takes longer, the present one ends earlier on
    average; and no restart is advised for less than the least gain of any other.
    """
    return probability - _SAFE_RISK < max(_longer(gain), LEAST_GAIN - 1.0)


def _is_handed_over(view: View, pair: FedBatch) -> bool:
    """Tell whether a wait of unclear cause is for batches that are late, while the workers have time left.

    A larger batch then is waited for less often, whichever of the causes it is. A GPU that idles for another
    reason is none of its matters.
    """
    step = step_of(view)
    return (
        pair.is_fed
        and isinstance(step, Step)
        and step.wait.high >= STARVED_RATIO
        and step.gap.low <= _GAP_RATIO
    )


def _model(view: View, terms: Terms) -> Maybe[MemoryModel]:
    memory = memory_of(view)
    return memory if isinstance(memory, Missing) else model_of(view, memory, terms.prior)


def _rounded(view: View, largest: int, present: int) -> int:
    update = update_of(view.reading.training, present * view.ranks)
    if update is None:
        return rounded_batch(largest, present)
    return nominal_batch(largest, present, view.ranks, update.nominal)


def _change(  # noqa: PLR0917 - the parts of one suggestion, in its order
    view: View,
    model: MemoryModel,
    pair: FedBatch,
    finding: Finding,
    text: str,
    bound: Bound,
    terms: Terms,
) -> Suggestion:
    memory = model.bytes_at(pair.batch)
    now, total = model.batch * view.ranks, pair.batch * view.ranks
    changes = {"batch_size": total}
    if not pair.workers_now == pair.workers == pair.by_itself:
        changes["workers"] = pair.workers
    together: tuple[Change, ...] = ()
    if pair.workers != pair.workers_now:
        together = (Change("workers", pair.workers_now, pair.workers),)
    return Suggestion(
        setting="batch_size",
        from_value=now,
        to_value=total,
        text=text,
        finding=finding.id,
        bound=bound,
        rests_on=pair.basis,
        speedup=speedup_effect(pair.gain),
        images_per_second=rate_effect(view, pair.gain),
        gpu_memory_bytes=Effect(model.peak, memory.value, memory.low, memory.high),
        data_wait_ratio=_wait(view, pair),
        command=terms.rewrite(view.reading.training, changes),
        warnings=(
            *restart_warnings(view),
            *learning_rate_words(view.reading.training, now, total),
        ),
        together=together,
        go_on=terms.go_on(view.reading, changes),
    )


def _unfed(view: View, finding: Finding, model: MemoryModel, pair: FedBatch) -> Suggestion:
    """Return the suggestion to leave the batch as it is, since nothing would feed a larger one."""
    total = model.batch * view.ranks
    ruled_out = "" if pair.tightest is None else f", and more are ruled out by {pair.tightest.text}"
    text = (
        f"a larger batch would only wait: {count_words(pair.workers, 'worker')} prepare at most"
        f" {pair.gain.value:.2f} times the present rate{ruled_out}"
    )
    return Suggestion(
        setting="batch_size",
        from_value=total,
        to_value=total,
        text=text,
        finding=finding.id,
        bound=Bound.NONE if pair.tightest is None else pair.tightest.bound,
        rests_on=pair.basis,
        speedup=speedup_effect(SAME),
        images_per_second=rate_effect(view, SAME),
        command=Missing("a larger batch would only wait for data"),
    )


def _dearer(view: View, finding: Finding, model: MemoryModel, pair: FedBatch, risk: OomRisk) -> Suggestion:
    """Return the suggestion to leave the batch as it is, since a smaller one costs more than the risk."""
    total = model.batch * view.ranks
    text = (
        f"batch {pair.batch * view.ranks} instead of {total} would leave room, but take about"
        f" {percent(_longer(pair.gain))} longer and itself fail with up to {percent(_SAFE_RISK)}: not"
        f" worth it at a risk of {percent(risk.probability)}, even if all that is to come had to run again"
    )
    return Suggestion(
        setting="batch_size",
        from_value=total,
        to_value=total,
        text=text,
        finding=finding.id,
        bound=Bound.MEMORY,
        rests_on=pair.basis,
        speedup=speedup_effect(SAME),
        images_per_second=rate_effect(view, SAME),
        command=Missing("a smaller batch costs more than the risk"),
    )


def _wait(view: View, pair: FedBatch) -> Maybe[Effect]:
    wait = view.wait
    return wait if isinstance(wait, Missing) else wait_after(wait.value, pair.gain, pair.gpu.value)
