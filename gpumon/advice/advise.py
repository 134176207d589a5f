"""From findings to settings: what to change, what it brings, and the report of a training."""

from __future__ import annotations

from gpumon.advice.batch import larger_batch, smaller_batch
from gpumon.advice.doubt import doubt_of
from gpumon.advice.knobs.command import rewrite_command
from gpumon.advice.memory import outlook_of
from gpumon.advice.workers import Rewrite, advise_workers
from gpumon.diagnosis.diagnose import Diagnosis, examine
from gpumon.diagnosis.view import View, view_of
from gpumon.history.window import Window
from gpumon.model.finding import Finding
from gpumon.model.report import TrainingReport
from gpumon.model.suggestion import Suggestion


def advise(
    window: Window, pid: int, findings: tuple[Finding, ...], rewrite: Rewrite = rewrite_command
) -> tuple[Suggestion, ...]:
    """Return what to change in the training with that main PID, the most urgent first.

    `findings` are those of `diagnose` on the same window. A larger batch is never advised to a starved
    training, nor to one whose GPU memory or /dev/shm is at risk. An unclear verdict gives no advice.
    """
    view = view_of(window, pid)
    return advise_view(view, findings, rewrite) if view else ()


def report_on(window: Window, pid: int, rewrite: Rewrite = rewrite_command) -> TrainingReport:
    """Return findings, suggestions and memory of the training with that main PID, from one look."""
    view = view_of(window, pid)
    return TrainingReport(pid) if view is None else report_of(view, examine(view), rewrite)


def report_of(view: View, diagnosis: Diagnosis, rewrite: Rewrite = rewrite_command) -> TrainingReport:
    """Return the report that follows from a diagnosis of this view."""
    return TrainingReport(
        view.pid,
        diagnosis.findings,
        advise_view(view, diagnosis.findings, rewrite),
        outlook_of(view),
        diagnosis.settled,
        "" if diagnosis.settled else doubt_of(view),
    )


def advise_view(view: View, findings: tuple[Finding, ...], rewrite: Rewrite) -> tuple[Suggestion, ...]:
    """Return the suggestions that follow from the findings on one view."""
    if view.reading.ended is not None:
        return ()
    by_id = {finding.id: finding for finding in findings}
    suggestions: list[Suggestion] = []
    at_risk = by_id.get("vram-at-limit")
    for finding in findings:
        suggestions += advise_workers(view, finding, rewrite)
    full = next((by_id[name] for name in ("batch-too-small", "compute-bound") if name in by_id), None)
    if at_risk is not None:
        suggestions += smaller_batch(view, at_risk, rewrite)
    elif view.on_gpu and full is not None and "shm-nearly-full" not in by_id:
        suggestions += larger_batch(view, full, rewrite)
    return tuple(suggestions)
