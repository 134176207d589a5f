"""Advice on the number of DataLoader workers."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from gpumon.advice.bounds import CORE_KINDS, WorkerBound, bounds_of, rank_batch, worker_bounds
from gpumon.advice.effects import LEAST_GAIN, SAME
from gpumon.advice.image_cost import image_cost_words
from gpumon.advice.ingest import ingest_of, utilisation_words
from gpumon.advice.neighbours import as_shared, shared_cores, taken_words
from gpumon.advice.no_workers import advise_some_workers
from gpumon.advice.pair import pair_suggestions, raised_batch
from gpumon.advice.scaling import best_workers, scaled, scaling_of
from gpumon.advice.slow_samples import advise_buffer
from gpumon.advice.terms import Terms
from gpumon.advice.throughput import drawn_pipeline, needed_workers, predict_fewer, predict_more
from gpumon.advice.worker_choice import Case, Choice, suggested, unchanged
from gpumon.diagnosis.cores import cores_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import cores_words, count_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.suggestion import Bound, Suggestion

# Workers that wait for a file leave their core to others: more of them help as far as the storage does.
_HELPED_BY_MORE = frozenset(
    {
        "starved-too-few-workers",
        "starved-remote-storage",
        "starved-local-disk",
        "starved-page-cache",
    }
)
WITHOUT_A_CORE = frozenset({"starved-cpu-exhausted", "starved-cpu-quota", "starved-neighbours"})
_ABOUT_WORKERS = _HELPED_BY_MORE | WITHOUT_A_CORE | {"starved-too-many-workers"}
# What is full for whoever has a core, too.
_ROOM_KINDS = frozenset({Bound.SHM, Bound.MEMORY})
# From here on other programs count as neighbours on the cores.
_OTHERS_CORES = 0.5


def advise_workers(
    view: View, finding: Finding, terms: Terms, *, may_raise_batch: bool = True
) -> tuple[Suggestion, ...]:
    """Return the advice on workers that follows from a finding about starvation, or nothing.

    `may_raise_batch` tells that nothing speaks against a larger batch along with them.
    """
    if finding.id == "starved-no-workers":
        return advise_some_workers(view, finding, terms, may_raise_batch=may_raise_batch)
    if finding.id == "starved-slow-samples":
        return advise_buffer(view, finding, terms)
    pipeline = drawn_pipeline(view, terms.prior) if finding.id in _ABOUT_WORKERS else None
    if pipeline is None:
        return ()
    scaling = scaling_of(view, terms.prior, rank_batch(view))
    if scaling is not None and pipeline.workers > scaling.reach:
        scaling = None
    case = Case(view, finding, terms, pipeline, bounds_of(view), scaling, may_raise_batch)
    if finding.id == "starved-too-many-workers":
        return _fewer(case)
    if scaling is not None and finding.id not in WITHOUT_A_CORE:
        return _by_earlier_runs(case)
    paired = () if finding.id in WITHOUT_A_CORE else pair_suggestions(case)
    return paired or _more(case)


def _more(case: Case) -> tuple[Suggestion, ...]:
    view, pipeline, tightest = case.view, case.pipeline, case.tightest
    needed, now = needed_workers(pipeline), pipeline.workers
    capped = tightest is not None and tightest.workers < needed
    count = tightest.workers if tightest is not None and capped else needed
    if case.finding.id in WITHOUT_A_CORE:
        # Its finding says that more workers cannot help; room that the model still sees is within its error.
        tightest = _ruling(case, now) or tightest
        count, capped = now, True
    if count <= now:
        if not capped or tightest is None:
            return ()
        text = f"no number of workers can feed {view.waiter}: "
        if needed > now and case.finding.id == "starved-neighbours" and tightest is case.core_bound:
            # What others leave changes: no number of workers is ruled out by it for good.
            text += f"it would take {needed}, too many for {tightest.text}"
        elif needed > now:
            text += f"it would take {needed}, and more than {now} are ruled out by {tightest.text}"
        else:
            text += f"{now} would do if they had the cores to themselves; bound by {tightest.text}"
        no_room = _no_room_for_a_batch(case) if case.finding.id in WITHOUT_A_CORE else None
        if no_room is not None:
            tightest, text = no_room, f"{text}; {no_room.text}"
        choice = Choice(now, now, SAME, text, tightest.bound, _rests_on(view))
        return (unchanged(view, case.finding, choice),)
    if capped and tightest is not None:
        text = (
            f"{count_words(count, 'worker')} instead of {now}, the most there can be: more are"
            f" ruled out by {tightest.text}; to feed {view.waiter} fully it would take {needed}"
        )
        bound = tightest.bound
    else:
        text = f"{count_words(count, 'worker')} instead of {now} {_keep(count)} {view.waiter} fed"
        bound = Bound.GPU if view.on_gpu else Bound.NONE
    gain, basis = predict_more(pipeline, count), _rests_on(view)
    # Whether it is worth it is judged without what others take: where that forbids it the finding says so.
    least, shared = gain.low, shared_cores(view, pipeline, count)
    if shared is not None:
        gain = as_shared(gain, pipeline, shared, Interval(0.0, 0.0, 0.0))
        basis += f"; {taken_words(view)}: the low end is by the share that it has now"
        text += f"; {taken_words(view)}, and what they leave then is not known"
    choice = Choice(now, count, gain, text, bound, basis, least)
    return suggested(view, case.finding, case.terms, choice, case)


def _ruling(case: Case, now: int) -> WorkerBound | None:
    """Return what rules out more workers where no core is free: /dev/shm or memory if full, or the cores."""
    full = (bound for bound in case.bounds if bound.bound in _ROOM_KINDS and bound.workers <= now)
    return next(full, case.core_bound)


def _no_room_for_a_batch(case: Case) -> WorkerBound | None:
    """Return /dev/shm with a sentence where it rules out a larger batch that the GPU has room for."""
    view, batch, now = case.view, rank_batch(case.view), case.pipeline.workers
    if not case.may_raise_batch or not view.on_gpu or batch is None:
        return None
    # A step doubles the batch at most: where that has room nothing else is to be looked at.
    if _shm_bound(case, 2 * batch, now) is None:
        return None
    raised = raised_batch(view, case.terms)
    found = None if raised is None else _shm_bound(case, raised.batch, now)
    if raised is None or found is None:
        return None
    room = count_words(found.workers, "worker") if found.workers else "no worker"
    text = f"batch {raised.batch * view.ranks} would fit the GPU, but {found.text} has room for {room} then"
    return replace(found, text=text)


def _shm_bound(case: Case, batch: int, now: int) -> WorkerBound | None:
    found = worker_bounds(case.view, case.pipeline, batch)
    return next((bound for bound in found if bound.bound is Bound.SHM and bound.workers <= now), None)


def _by_earlier_runs(case: Case) -> tuple[Suggestion, ...]:
    """Return the number of workers by the curve of earlier runs: more, fewer or as many as now."""
    view, pipeline, tightest, scaling = case.view, case.pipeline, case.tightest, case.scaling
    if scaling is None:
        return ()
    now = pipeline.workers
    most = scaling.reach if tightest is None else tightest.workers
    count = best_workers(scaling, pipeline, most)
    gain = scaled(scaling, pipeline, count)
    basis = (
        f"the curve through the rates of earlier runs of this training with up to"
        f" {count_words(scaling.most, 'worker')}, which it meets within {100 * scaling.error:.0f} %"
    )
    if count == now or gain.low < LEAST_GAIN:
        text = (
            f"by earlier runs of this training no other number of workers is clearly faster than {now}:"
            f" {count} would bring {gain.value:.2f} times the rate"
        )
        return (unchanged(view, case.finding, Choice(now, now, SAME, text, Bound.NONE, basis)),)
    if count < now:
        text = f"{count_words(count, 'worker')} instead of {now} were faster in earlier runs of this training"
        bound = Bound.NONE
    elif tightest is not None and count == tightest.workers and count < needed_workers(pipeline):
        text = (
            f"{count_words(count, 'worker')} instead of {now}, the most there can be: more are"
            f" ruled out by {tightest.text}"
        )
        bound = tightest.bound
    else:
        text = f"{count_words(count, 'worker')} instead of {now} {_keep(count)} {view.waiter} fed, as far as"
        text += " workers can"
        bound = Bound.GPU if view.on_gpu else Bound.NONE
    return suggested(view, case.finding, case.terms, Choice(now, count, gain, text, bound, basis), case)


def _fewer(case: Case) -> tuple[Suggestion, ...]:
    view, pipeline, cores = case.view, case.pipeline, case.pipeline.cores
    if cores is None:
        return ()
    # A worker that has a core to itself is busy for what it uses now plus what it waits outside the CPU.
    free = cores - min(pipeline.main_cpu, cores - 1)
    count = max(1, ceil(0.95 * free / max(pipeline.core_share, 0.05) - 1e-9))
    if case.tightest is not None:
        count = min(count, max(1, case.tightest.workers))
    if count >= pipeline.workers:
        return ()
    gain = predict_fewer(pipeline, count)
    if gain.low < LEAST_GAIN:
        return ()
    basis = "what crowding costs elsewhere (10 to 45 % per doubling), not measured here: an estimate"
    if case.scaling is not None:
        gain = scaled(case.scaling, pipeline, count)
        basis = "the curve through the rates of earlier runs of this training"
    # Whether it is worth it is judged without that: what others take is no more than a tail of the interval.
    least = gain.low
    usable = cores_of(view)
    if usable is not None and usable.others is not None and usable.others > _OTHERS_CORES:
        # Against other programs' threads the share of the cores falls with the number of workers.
        gain = Interval(gain.value, min(gain.low, 1.0), gain.high)
        basis += f"; fewer workers get less of the {cores_words(usable.others)} that other programs take"
    verb = "has a core to itself" if count == 1 else "have a core each"
    text = f"{count_words(count, 'worker')} instead of {pipeline.workers} {verb} instead of taking turns"
    bound = next((bound.bound for bound in case.bounds if bound.bound in CORE_KINDS), Bound.CORES)
    choice = Choice(pipeline.workers, count, gain, text, bound, basis, least)
    return suggested(view, case.finding, case.terms, choice, case)


def _keep(count: int) -> str:
    return "keeps" if count == 1 else "keep"


def _rests_on(view: View) -> str:
    ingest = ingest_of(view)
    seen = "the wait for data" if ingest is None else ingest.basis
    return (
        f"{seen}, and how busy the workers were{image_cost_words(view)}: an estimate{utilisation_words(view)}"
    )
