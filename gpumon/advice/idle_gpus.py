"""Advice on GPUs that idle beside a training: to use them, too, with a process for each (DDP)."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.advice.all_reduce import all_reduce_of
from gpumon.advice.bounds import framework_cap, rank_batch
from gpumon.advice.effects import LEAST_GAIN, rate_effect
from gpumon.advice.knobs.command import Value
from gpumon.advice.launcher import device_changes, launched
from gpumon.advice.learning_rate import learning_rate_words
from gpumon.advice.restart import restart_warnings
from gpumon.advice.terms import Terms
from gpumon.diagnosis.amp_checklist import is_starved
from gpumon.diagnosis.cores import cores_of, limit_words
from gpumon.diagnosis.devices import devices_of
from gpumon.diagnosis.rules.idle_gpus import idle_beside
from gpumon.diagnosis.verdict import recent
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import count_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.suggestion import Bound, Change, Effect, GoOn, Suggestion

_BASIS = (
    "a bound, not a prediction: so many GPUs do at most so many times the work, less what it takes to sum the"
    " gradients over them and what ranks wait for one another; the middle between that and no gain is shown"
)


@dataclass(frozen=True, slots=True)
class _Most:
    """The highest factor on the rate with so many GPUs, what sets it with words, and workers that are cut."""

    gpus: int
    factor: float
    bound: Bound
    text: str
    cut: Change | None


def advise_idle_gpus(view: View, findings: tuple[Finding, ...], terms: Terms) -> tuple[Suggestion, ...]:
    """Return how to use the idle GPUs, too; nothing for a training that may wait for data or has no such way.

    More ranks need more data: what the workers and the cores can prepare bounds the gain.
    """
    by_id = {finding.id: finding for finding in findings}
    finding = by_id.get("idle-gpus")
    starved = any(name.startswith("starved") or name == "ddp-imbalance" for name in by_id)
    waits = starved or isinstance(view.wait, Missing) or is_starved(view)
    if finding is None or waits or "data-parallel" in by_id or rank_batch(view) is None:
        return ()
    own, idle = devices_of(recent(view)), idle_beside(recent(view))
    has_no_way = view.reading.training.framework == "torch" and view.ranks == 1
    # Of more GPUs than ranks it is not certain which of them do the work.
    if not idle or has_no_way or len(own) != view.ranks:
        return ()
    # Of equal bounds the one with the fewest GPUs: more of them would idle.
    counts = range(len(own) + 1, len(own) + len(idle) + 1)
    most = max((_most(view, len(own), count) for count in counts), key=lambda most: (most.factor, -most.gpus))
    if most.factor < LEAST_GAIN:
        return ()
    indices = [*(device.newest.index for device in own), *(gpu.index for gpu in idle)][: most.gpus]
    return (_suggestion(view, finding, most, tuple(sorted(indices)), terms),)


def _suggestion(
    view: View, finding: Finding, most: _Most, indices: tuple[int, ...], terms: Terms
) -> Suggestion:
    training, batch = view.reading.training, rank_batch(view) or 1
    is_ultralytics = training.framework == "ultralytics"
    now, then = batch * view.ranks, batch * most.gpus
    devices = ",".join(map(str, indices))
    # What the run with it will differ in: its proof is recognised by that.
    together = [Change("world_size", view.ranks, most.gpus), *([most.cut] if most.cut else ())]
    # What a trainer of any kind calls its batch under DDP, total or each, is not known: it stays.
    changes: dict[str, Value] = {}
    if training.framework != "torch":
        changes = {"device": devices, "batch_size": then}
        together += [*device_changes(view, devices), Change("batch_size", now, then)]
    command, go_on = _command(view, most.gpus, changes, terms)
    summed = all_reduce_of(view, most.gpus)
    shown = most.factor if summed is None else max(1.0, most.factor / (1.0 + summed.share))
    gain = Interval((1.0 + shown) / 2, 1.0, most.factor)
    return Suggestion(
        setting="device" if is_ultralytics else "launcher",
        from_value=str(view.setting("device")) if is_ultralytics else count_words(view.ranks, "GPU"),
        to_value=devices if is_ultralytics else count_words(most.gpus, "GPU"),
        text=(
            f"use {most.gpus} GPUs instead of {view.ranks}, a process each: at most {most.factor:.1f} times"
            f" as fast{most.text}"
        ),
        finding=finding.id,
        bound=most.bound,
        rests_on=_BASIS if summed is None else f"{_BASIS} (the sum takes about {summed.words}, over PCIe)",
        speedup=Effect(1.0, gain.value, gain.low, gain.high),
        images_per_second=rate_effect(view, gain),
        command=command,
        together=tuple(together),
        warnings=(
            *_order(view),
            *restart_warnings(view),
            *(learning_rate_words(training, now, then) if changes else ()),
        ),
        go_on=go_on,
    )


def _most(view: View, now: int, then: int) -> _Most:
    """Return what so many GPUs can bring at most: N times, or what workers and cores prepare for them."""
    factor, bound, text = then / now, Bound.GPU, ""
    workers, busy = known(view.workers), view.busy
    cap = framework_cap(view, ranks=then)
    kept = workers
    if workers and cap is not None:
        # Cut to the CPUs per visible GPU: with more of them each rank gets fewer.
        kept = min(workers, cap)
        if not kept:
            # Without workers each process would load its data itself.
            return _Most(then, 1.0, Bound.FRAMEWORK, "", None)
    if workers and kept and busy:
        prepared = then * kept / (now * workers * busy)
        if prepared < factor:
            factor, bound = prepared, Bound.FRAMEWORK if kept < workers else Bound.NONE
            text = f": {kept} workers for each process prepare no more"
    cores, own = cores_of(view), view.own_cpu
    if cores is not None and cores.idle is not None and own is not None and own > 0:
        room = (own + cores.idle) / own
        if room < factor:
            factor, bound, text = room, Bound.CORES, f": {limit_words(cores)} do no more"
    cut = Change("workers", workers, kept) if workers and kept and kept < workers else None
    return _Most(then, factor, bound, text, cut)


def _command(
    view: View, ranks: int, changes: dict[str, Value], terms: Terms
) -> tuple[Maybe[str], Maybe[GoOn]]:
    training = view.reading.training
    for name, value in training.environment:
        if name == "CUDA_VISIBLE_DEVICES":
            hidden = Missing(f"CUDA_VISIBLE_DEVICES={value} hides them from it, maybe for a reason")
            return hidden, hidden
    if training.framework == "ultralytics":
        # It starts a process for each GPU itself.
        return terms.rewrite(training, changes), terms.go_on(view.reading, changes)
    return launched(view, ranks, changes, terms)


def _order(view: View) -> tuple[str, ...]:
    """Return a word where CUDA may number the GPUs in another order than the driver."""
    names = {gpu.name for gpu in view.gpus}
    if len(names) < 2:
        return ()
    return ("the numbers are the driver's: CUDA counts alike only with CUDA_DEVICE_ORDER=PCI_BUS_ID",)
