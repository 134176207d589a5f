"""Advice on the batch size: larger where the GPU is the limit and has room, smaller where it has not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gpumon.advice.memory import MemoryModel, model_of, outlook_of, rounded_batch
from gpumon.advice.restart import restart_warnings
from gpumon.advice.workers import LEAST_GAIN, rate_effect
from gpumon.diagnosis.memory import memory_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.suggestion import Bound, Effect, Suggestion
from gpumon.model.training import Training

# Rate(B) = B / (B + h), with h the batch at half of the highest rate. Published: YOLOv5m on a 3070
# (59, 108, 199, 243 images/s at 2, 4, 8, 16) and Swin (ICSE'24) give about 8; one batch alone cannot say,
# so 0 (the GPU is full already: no gain) to 16, and 4 as the prediction.
_HALF_BATCH, _HALF_BATCH_LEAST, _HALF_BATCH_MOST = 4.0, 0.0, 16.0
_NOMINAL = 64
_BASIS = "published rates of other models at other batches, and memory linear in the batch: an estimate"


def larger_batch(
    view: View, finding: Finding, rewrite: Callable[[Training, Mapping[str, int]], Maybe[str]]
) -> tuple[Suggestion, ...]:
    """Return the advice to raise the batch where memory allows and a gain may be expected."""
    model = _model(view)
    if isinstance(model, Missing):
        return ()
    largest = known(outlook_of(view).largest_safe_batch)
    batch = largest // view.ranks if largest else 0
    if batch <= model.batch:
        return ()
    gain = _gain(model.batch, batch)
    fed = _fed_up_to(view)
    gain = Interval(min(gain.value, fed), min(gain.low, fed), min(gain.high, fed))
    if gain.value < LEAST_GAIN:
        return ()
    memory = model.bytes_at(batch)
    bound = Bound.MEMORY if batch < 2 * model.batch else Bound.NONE
    text = (
        f"batch {batch * view.ranks} instead of {model.batch * view.ranks} would fit (about"
        f" {bytes_words(memory.value)}) and be {gain.low:.1f} to {gain.high:.1f} times as fast"
    )
    return (_change(view, model, batch, finding, gain, text, bound, rewrite),)


def smaller_batch(
    view: View, finding: Finding, rewrite: Callable[[Training, Mapping[str, int]], Maybe[str]]
) -> tuple[Suggestion, ...]:
    """Return the advice to lower the batch where the training may run out of memory.

    Memory that grows without end is no matter of the batch: then there is none.
    """
    seen = memory_of(view)
    if not isinstance(seen, Missing) and seen.growth is not None:
        return ()
    model = _model(view)
    if isinstance(model, Missing) or model.batch <= 1:
        return ()
    batch = rounded_batch(min(model.largest(safe=True), model.batch - 1), model.batch)
    if not 1 <= batch < model.batch:
        return ()
    memory = model.bytes_at(batch)
    text = (
        f"batch {batch * view.ranks} instead of {model.batch * view.ranks} leaves room: about"
        f" {bytes_words(memory.value)} at the peak"
    )
    gain = _gain(model.batch, batch)
    return (_change(view, model, batch, finding, gain, text, Bound.MEMORY, rewrite),)


def _model(view: View) -> Maybe[MemoryModel]:
    memory = memory_of(view)
    return memory if isinstance(memory, Missing) else model_of(view, memory)


def _gain(now: int, then: int) -> Interval:
    def factor(half: float) -> float:
        return (then / (then + half)) / (now / (now + half))

    factors = [factor(half) for half in (_HALF_BATCH, _HALF_BATCH_LEAST, _HALF_BATCH_MOST)]
    return Interval(factors[0], min(factors), max(factors))


def _fed_up_to(view: View) -> float:
    # A faster GPU needs more from the workers: they have what they idle now, and no more.
    return 1.0 / view.busy if view.busy else 1.0


def _change(  # noqa: PLR0917 - the parts of one suggestion, in its order
    view: View,
    model: MemoryModel,
    batch: int,
    finding: Finding,
    gain: Interval,
    text: str,
    bound: Bound,
    rewrite: Callable[[Training, Mapping[str, int]], Maybe[str]],
) -> Suggestion:
    memory = model.bytes_at(batch)
    total = batch * view.ranks
    return Suggestion(
        setting="batch_size",
        from_value=model.batch * view.ranks,
        to_value=total,
        text=text,
        finding=finding.id,
        bound=bound,
        rests_on=_BASIS,
        speedup=Effect(1.0, gain.value, gain.low, gain.high),
        images_per_second=rate_effect(view, gain),
        gpu_memory_bytes=Effect(model.peak, memory.value, memory.low, memory.high),
        command=rewrite(view.reading.training, {"batch_size": total}),
        warnings=(*restart_warnings(view), *_learning_rate(view, model.batch * view.ranks, total)),
    )


def _learning_rate(view: View, now: int, then: int) -> tuple[str, ...]:
    framework = view.reading.training.framework
    if framework not in {"yolov5", "ultralytics"}:
        return ("without accumulation the learning rate usually goes with the batch",)
    nominal_now, nominal_then = _nominal(now), _nominal(then)
    if nominal_now == nominal_then:
        name = "YOLOv5" if framework == "yolov5" else "ultralytics"
        return (f"nothing to change in the learning rate: {name} accumulates to {nominal_then} images",)
    return (f"an update then sums {nominal_then} images instead of {nominal_now}",)


def _nominal(batch: int) -> int:
    return batch * max(round(_NOMINAL / batch), 1)
