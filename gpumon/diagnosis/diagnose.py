"""The findings of a training: the rules in their order of decision."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.rule import NotJudged, Rule
from gpumon.diagnosis.rules import (
    compute_bound,
    nan_loss,
    shm_nearly_full,
    starting,
    starved_cpu_exhausted,
    starved_no_workers,
    starved_too_few_workers,
    starved_too_many_workers,
    unclear,
    vram_at_limit,
)
from gpumon.diagnosis.view import FULL_SECONDS, View, view_of
from gpumon.history.window import Window
from gpumon.model.finding import Finding, Severity

# facts, decision order: is it training at all, then the causes of a wait from the most to the least
# specific, then the healthy states; the first that fires is the verdict.
VERDICTS: tuple[Rule, ...] = (
    starting.RULE,
    starved_no_workers.RULE,
    starved_too_many_workers.RULE,
    starved_cpu_exhausted.RULE,
    starved_too_few_workers.RULE,
    compute_bound.RULE,
    unclear.RULE,
)
# Dangers: judged always, beside the verdict.
DANGERS: tuple[Rule, ...] = (nan_loss.RULE, shm_nearly_full.RULE, vram_at_limit.RULE)
RULES: tuple[Rule, ...] = (*VERDICTS, *DANGERS)

_UNSETTLED = frozenset({starting.RULE.id, unclear.RULE.id})
_RANK = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings of a training, the verdict first, and what could not be judged as (id, reason).

    `settled` is False while the window may still grow to a verdict or to a better one.
    """

    findings: tuple[Finding, ...]
    settled: bool
    not_judged: tuple[tuple[str, str], ...] = ()


def diagnose(window: Window, pid: int) -> tuple[Finding, ...]:
    """Return the findings of the training with that main PID, the verdict first."""
    view = view_of(window, pid)
    return examine(view).findings if view else ()


def settled(window: Window, pid: int) -> bool:
    """Tell whether the verdict on a training stands: a longer look would not make it clearer."""
    view = view_of(window, pid)
    return view is not None and examine(view).settled


def examine(view: View) -> Diagnosis:
    """Return the diagnosis of one training."""
    not_judged: list[tuple[str, str]] = []
    verdict: Finding | None = None
    for rule in VERDICTS:
        judgement = rule.judge(view)
        if isinstance(judgement, Finding):
            verdict = judgement
            break
        if isinstance(judgement, NotJudged):
            not_judged.append((rule.id, judgement.reason))
    dangers: list[Finding] = []
    for rule in DANGERS:
        judgement = rule.judge(view)
        if isinstance(judgement, Finding):
            dangers.append(judgement)
        elif isinstance(judgement, NotJudged):
            not_judged.append((rule.id, judgement.reason))
    dangers.sort(key=lambda finding: _RANK[finding.severity])
    findings = (verdict, *dangers) if verdict else tuple(dangers)
    return Diagnosis(findings, _is_settled(view, verdict), tuple(not_judged))


def _is_settled(view: View, verdict: Finding | None) -> bool:
    if verdict is None:
        return False
    if view.reading.ended is not None:
        return True
    if verdict.id == starting.RULE.id:
        return False
    return verdict.id not in _UNSETTLED or view.steady_seconds >= FULL_SECONDS
