"""Advice on the number of DataLoader workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import TypeAlias

from gpumon.advice.bounds import WorkerBound, worker_bounds
from gpumon.advice.restart import restart_warnings
from gpumon.advice.throughput import (
    HEADROOM,
    Pipeline,
    ceiling,
    needed_workers,
    pipeline_of,
    predict_fewer,
    predict_more,
)
from gpumon.diagnosis.cores import cores_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import cores_words, count_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.measure import Maybe, Missing
from gpumon.model.suggestion import Bound, Effect, Suggestion
from gpumon.model.training import Training

Rewrite: TypeAlias = Callable[[Training, Mapping[str, int]], Maybe[str]]

# facts: no advice where the lower end of the gain is below 5 %.
LEAST_GAIN = 1.05
# Workers that wait for a file leave their core to others: more of them help as far as the storage does.
_HELPED_BY_MORE = frozenset(
    {
        "starved-too-few-workers",
        "starved-remote-storage",
        "starved-local-disk",
        "starved-page-cache",
    }
)
_WITHOUT_A_CORE = frozenset({"starved-cpu-exhausted", "starved-cpu-quota", "starved-neighbours"})
_ABOUT_WORKERS = _HELPED_BY_MORE | _WITHOUT_A_CORE | {"starved-too-many-workers"}
# Without workers the time between kernels is loading and host work in unknown parts: from 20 % loading
# (the low end) over 65 % (the prediction) to all of it.
_UNSEEN_LOADING = (0.65, 0.20, 1.0)


def advise_workers(view: View, finding: Finding, rewrite: Rewrite) -> tuple[Suggestion, ...]:
    """Return the advice on workers that follows from a finding about starvation, or nothing."""
    if finding.id == "starved-no-workers":
        return _from_none(view, finding, rewrite)
    if finding.id not in _ABOUT_WORKERS:
        return ()
    pipeline = pipeline_of(view)
    if pipeline is None:
        return ()
    bounds = worker_bounds(view, pipeline)
    if finding.id == "starved-too-many-workers":
        return _fewer(view, pipeline, bounds, finding, rewrite)
    return _more(view, pipeline, bounds, finding, rewrite)


def _more(
    view: View, pipeline: Pipeline, bounds: tuple[WorkerBound, ...], finding: Finding, rewrite: Rewrite
) -> tuple[Suggestion, ...]:
    needed = needed_workers(pipeline)
    tightest = bounds[0] if bounds else None
    capped = tightest is not None and tightest.workers < needed
    count = tightest.workers if tightest is not None and capped else needed
    basis = _rests_on(view)
    if finding.id in _WITHOUT_A_CORE:
        # Its finding says that more workers cannot help; room that the model still sees is within its error.
        tightest = next((bound for bound in bounds if bound.bound in _CORE_KINDS), tightest)
        count, capped = pipeline.workers, True
    if count <= pipeline.workers:
        if not capped or tightest is None:
            return ()
        now = pipeline.workers
        text = f"no number of workers can feed {view.waiter}: "
        if needed > now:
            text += f"it would take {needed}, and more than {now} are ruled out by {tightest.text}"
        else:
            text += f"{now} would do if they had the cores to themselves; bound by {tightest.text}"
        return (_unchanged(view, pipeline.workers, finding, text, tightest.bound, basis),)
    gain = predict_more(pipeline, count)
    if gain.low < LEAST_GAIN:
        return ()
    if capped and tightest is not None:
        text = (
            f"{count_words(count, 'worker')} instead of {pipeline.workers}, the most there can be: more are"
            f" ruled out by {tightest.text}; to feed {view.waiter} fully it would take {needed}"
        )
        bound = tightest.bound
    else:
        keep = "keeps" if count == 1 else "keep"
        text = f"{count_words(count, 'worker')} instead of {pipeline.workers} {keep} {view.waiter} fed"
        bound = Bound.GPU if view.on_gpu else Bound.NONE
    return (_change(view, pipeline.workers, count, finding, gain, text, bound, basis, rewrite),)


def _fewer(
    view: View, pipeline: Pipeline, bounds: tuple[WorkerBound, ...], finding: Finding, rewrite: Rewrite
) -> tuple[Suggestion, ...]:
    cores = pipeline.cores
    if cores is None:
        return ()
    # A worker that has a core to itself is busy for what it uses now plus what it waits outside the CPU.
    outside = pipeline.busy - pipeline.cpu - (view.worker_queue or 0.0)
    own_core = 1.0 if outside < _LEAST_OUTSIDE else pipeline.cpu / (pipeline.cpu + outside)
    main = pipeline.main_cpu
    count = max(1, ceil(0.95 * (cores - min(main, cores - 1)) / max(own_core, 0.05) - 1e-9))
    if bounds:
        count = min(count, max(1, bounds[0].workers))
    if count >= pipeline.workers:
        return ()
    gain = predict_fewer(pipeline, count)
    if gain.low < LEAST_GAIN:
        return ()
    basis = "what crowding costs elsewhere (10 to 45 % per doubling), not measured here: an estimate"
    usable = cores_of(view)
    if usable is not None and usable.others is not None and usable.others > _OTHERS_CORES:
        # Against other programs' threads the share of the cores falls with the number of workers.
        gain = Interval(gain.value, min(gain.low, 1.0), gain.high)
        basis += f"; fewer workers get less of the {cores_words(usable.others)} that other programs take"
    verb = "has a core to itself" if count == 1 else "have a core each"
    text = f"{count_words(count, 'worker')} instead of {pipeline.workers} {verb} instead of taking turns"
    core_bound = next((bound.bound for bound in bounds if bound.bound in _CORE_KINDS), Bound.CORES)
    return (_change(view, pipeline.workers, count, finding, gain, text, core_bound, basis, rewrite),)


def _from_none(view: View, finding: Finding, rewrite: Rewrite) -> tuple[Suggestion, ...]:
    wait = view.wait
    if isinstance(wait, Interval):
        return _from_none_by_wait(view, wait, finding, rewrite)
    busy = view.gpu_busy if view.on_gpu else None
    bounds = worker_bounds(view, None)
    if busy is None or busy <= 0.02:
        return ()
    loading = 1.0 - busy
    count = max(1, ceil(HEADROOM * loading / busy))
    tightest = bounds[0] if bounds else None
    if tightest is not None:
        count = min(count, tightest.workers)
    if count < 1:
        return ()
    factors = [
        max(1.0, min(1.0 / (1.0 - share * loading), count / (share * loading))) for share in _UNSEEN_LOADING
    ]
    gain = Interval(factors[0], min(factors), max(factors))
    if gain.low < LEAST_GAIN:
        return ()
    text = f"{count_words(count, 'worker')} would prepare batches while the GPU computes"
    basis = "the share of time in which the GPU is idle, of which loading is a part that cannot be seen"
    bound = tightest.bound if tightest is not None and tightest.workers == count else Bound.GPU
    return (_change(view, 0, count, finding, gain, text, bound, basis, rewrite),)


def _from_none_by_wait(
    view: View, wait: Interval, finding: Finding, rewrite: Rewrite
) -> tuple[Suggestion, ...]:
    """Return the workers that prepare batches as fast as the rest of the step takes them."""
    count = max(1, ceil(HEADROOM * wait.value * ceiling(wait.value) - 1e-9))
    bounds = worker_bounds(view, None)
    tightest = bounds[0] if bounds else None
    capped = tightest is not None and tightest.workers < count
    count = tightest.workers if tightest is not None and capped else count
    if count < 1:
        return ()
    most = _room(view)

    def factor(share: float) -> float:
        fastest = min(ceiling(share), count / max(share, 1e-9))
        return max(1.0, fastest if most is None else min(fastest, most))

    low, point, high = (factor(share) for share in (wait.low, wait.value, wait.high))
    # Handing a batch from process to process costs a part of what is gained.
    gain = Interval(point, min(point, 1.0 + _HANDED_OVER * (low - 1.0)), max(point, high))
    if gain.low < LEAST_GAIN:
        return ()
    text = f"{count_words(count, 'worker')} would prepare batches while {view.waiter} computes"
    if not view.on_gpu:
        text = f"{count_words(count, 'worker')} would prepare batches while the main process computes"
    bound = Bound.GPU if view.on_gpu else Bound.NONE
    if tightest is not None and capped:
        bound = tightest.bound
    elif most is not None and most < min(ceiling(wait.value), count / max(wait.value, 1e-9)):
        bound = Bound.CORES
    basis = "the share of time in which the main process prepares batches itself, which workers take over"
    return (_change(view, 0, count, finding, gain, text, bound, basis, rewrite),)


def _room(view: View) -> float | None:
    """Return the factor at which the training would fill the cores it may use, None where not known."""
    cores, own = cores_of(view), view.own_cpu
    if cores is None or cores.idle is None or own is None or own <= 0:
        return None
    return (own + cores.idle) / own


# The low end of what is left of a gain after that: an allowance for pickling and shared memory, not measured.
_HANDED_OVER = 0.8
# The three shares are known to a few hundredths. On crowded cores the CPU's is hardly more (0.05 to 0.10 seen
# with 2 workers on a core that others use too), and a rest of 0.05 would make half of it a wait for a disk.
_LEAST_OUTSIDE = 0.10
# From here on other programs count as neighbours on the cores.
_OTHERS_CORES = 0.5
_CORE_KINDS = frozenset({Bound.CORES, Bound.AFFINITY, Bound.QUOTA})


def _change(  # noqa: PLR0917 - the parts of one suggestion, in its order
    view: View,
    now: int,
    count: int,
    finding: Finding,
    gain: Interval,
    text: str,
    bound: Bound,
    basis: str,
    rewrite: Rewrite,
) -> Suggestion:
    return Suggestion(
        setting="workers",
        from_value=now,
        to_value=count,
        text=text,
        finding=finding.id,
        bound=bound,
        rests_on=basis,
        speedup=Effect(1.0, gain.value, gain.low, gain.high),
        images_per_second=rate_effect(view, gain),
        command=rewrite(view.reading.training, {"workers": count}),
        warnings=restart_warnings(view),
    )


def _unchanged(  # noqa: PLR0917 - the parts of one suggestion, in its order
    view: View, now: int, finding: Finding, text: str, bound: Bound, basis: str
) -> Suggestion:
    same = Interval(1.0, 1.0, 1.0)
    return Suggestion(
        setting="workers",
        from_value=now,
        to_value=now,
        text=text,
        finding=finding.id,
        bound=bound,
        rests_on=basis,
        speedup=Effect(1.0, 1.0, 1.0, 1.0),
        images_per_second=rate_effect(view, same),
        command=Missing("no other number of workers would help"),
    )


def rate_effect(view: View, gain: Interval) -> Maybe[Effect]:
    """Return a factor as images per second, or Missing where the rate is not known."""
    rate = view.rate
    if rate is None:
        return Missing("the rate of the training is not known")
    return Effect(rate, rate * gain.value, rate * gain.low, rate * gain.high)


def _rests_on(view: View) -> str:
    return (
        f"the wait for data and how busy the workers were over {view.steady_seconds:.0f} s of steady"
        " training: an estimate"
    )
