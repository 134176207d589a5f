"""From findings to settings: what to change, what it brings, and the report of a training."""

from __future__ import annotations

from gpumon.advice.amp import advise_amp
from gpumon.advice.batch import larger_batch, smaller_batch
from gpumon.advice.cache import cache_suggestions
from gpumon.advice.changing import is_change
from gpumon.advice.doubt import doubt_of
from gpumon.advice.golden_rule import plan_of
from gpumon.advice.idle_gpus import advise_idle_gpus
from gpumon.advice.launcher import advise_ddp
from gpumon.advice.learning_rate_change import learning_rate_suggestions
from gpumon.advice.memory import outlook_of
from gpumon.advice.memory_growth import while_it_grows
from gpumon.advice.proof import proof_of
from gpumon.advice.terms import ORDINARY_TERMS, Terms
from gpumon.advice.turn import in_turn
from gpumon.advice.workers import advise_workers
from gpumon.diagnosis.diagnose import Diagnosis, examine
from gpumon.diagnosis.order import WAITS
from gpumon.diagnosis.view import View, view_of
from gpumon.history.window import Window
from gpumon.model.finding import Finding
from gpumon.model.report import TrainingReport
from gpumon.model.suggestion import Suggestion

# What comes before a larger batch: room for its images, memory at rest, and a training that learns at all.
_BEFORE_BATCH = frozenset({"vram-at-limit", "vram-growth", "shm-nearly-full", "nan-loss"})
# What a larger batch may be a cure for: it shares out the work that every step has.
_HELPED_BY_BATCH = ("batch-too-small", "host-overhead", "compute-bound")
# A starved training, or one near it, may be helped, too, where its workers are right: what the main process
# does once a step then leaves more of the cores to them, and larger batches are waited for less often.
_HELPED_AT_TIMES = frozenset({"unclear", *(rule.id for rule in WAITS)})
_PAIRED = frozenset({"workers", "batch_size"})
_CURED_OTHERWISE = "starved-slow-samples"


def advise(
    window: Window, pid: int, findings: tuple[Finding, ...], terms: Terms = ORDINARY_TERMS
) -> tuple[Suggestion, ...]:
    """Return what to change in the training with that main PID, the most urgent first (`in_turn`).

    `findings` are those of `diagnose` on the same window. A larger batch is advised to a starved training
    together with the workers that feed it, or where no other number of them helps; never to one whose GPU
    memory grows or is at risk, whose /dev/shm is, or whose loss is nan. An unclear verdict gives no other.
    """
    view = view_of(window, pid)
    return advise_view(view, findings, terms) if view else ()


def report_on(window: Window, pid: int, terms: Terms = ORDINARY_TERMS) -> TrainingReport:
    """Return all that is to be said of the training with that main PID, from one look."""
    view = view_of(window, pid)
    return TrainingReport(pid) if view is None else report_of(view, examine(view), terms)


def report_of(view: View, diagnosis: Diagnosis, terms: Terms = ORDINARY_TERMS) -> TrainingReport:
    """Return the report that follows from a diagnosis of this view."""
    findings = diagnosis.findings
    suggestions, outlook = advise_view(view, findings, terms), outlook_of(view, terms.prior)
    return TrainingReport(
        view.pid,
        findings,
        suggestions,
        outlook,
        diagnosis.settled,
        "" if diagnosis.settled else doubt_of(view),
        plan_of(view, findings, suggestions, outlook, terms.prior),
        proof_of(view, terms.prior),
    )


def advise_view(view: View, findings: tuple[Finding, ...], terms: Terms) -> tuple[Suggestion, ...]:
    """Return the suggestions that follow from the findings on one view."""
    by_id = {finding.id: finding for finding in findings}
    endangered = by_id.get("vram-growth") or by_id.get("vram-at-limit")
    suggestions: list[Suggestion] = []
    if endangered is not None:
        suggestions += while_it_grows(view, endangered, terms)
    if view.reading.ended is not None:
        return tuple(suggestions)
    at_risk = by_id.get("vram-at-limit")
    if at_risk is not None:
        # Who runs out of memory first needs no more images a second.
        suggestions += smaller_batch(view, at_risk, terms)
    may_raise_batch = view.on_gpu and not by_id.keys() & _BEFORE_BATCH
    for finding in findings:
        suggestions += advise_workers(view, finding, terms, may_raise_batch=may_raise_batch)
    suggestions += cache_suggestions(view, findings, terms)
    helped = next((by_id[name] for name in _HELPED_BY_BATCH if name in by_id), None)
    if helped is None and not any(is_change(found) for found in suggestions if found.setting in _PAIRED):
        helped = next((finding for finding in findings if finding.id in _HELPED_AT_TIMES), None)
    if may_raise_batch and helped is not None:
        larger = larger_batch(view, helped, terms)
        if any(change.setting == "workers" for found in larger for change in found.together):
            suggestions = [found for found in suggestions if not _is_overtaken(found)]
        suggestions += larger
    for more in (advise_amp, advise_ddp, advise_idle_gpus):
        suggestions += more(view, findings, terms)
    suggestions += learning_rate_suggestions(view, findings, suggestions, terms)
    return in_turn(tuple(suggestions))


def _is_overtaken(found: Suggestion) -> bool:
    """Tell whether a suggestion contradicts a larger batch with another number of workers.

    That none would help is said of the present batch. Where single samples are slow it says what cures them,
    too, and stays.
    """
    return found.setting == "workers" and not is_change(found) and found.finding != _CURED_OTHERWISE
