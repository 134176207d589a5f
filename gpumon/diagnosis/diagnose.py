"""The findings of a training, and what could not be judged."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.beside import beside
from gpumon.diagnosis.candidates import Candidate
from gpumon.diagnosis.order import BESIDE, STANDSTILLS
from gpumon.diagnosis.ranking import ranked
from gpumon.diagnosis.rule import NotJudged, Rule
from gpumon.diagnosis.rules import starting, unclear
from gpumon.diagnosis.runners_up import runners_up
from gpumon.diagnosis.verdict import VERDICTS, judged, not_judged, recent, verdict_of
from gpumon.diagnosis.view import FULL_SECONDS, View, view_of
from gpumon.history.window import Window
from gpumon.model.finding import Finding

RULES: tuple[Rule, ...] = (*STANDSTILLS, *VERDICTS, *BESIDE)


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
    missing: list[tuple[str, str]] = []
    verdict = _first(STANDSTILLS, view, missing)
    if verdict is None:
        verdict = verdict_of(view)
        missing += not_judged(view, verdict)
    others = []
    for rule, judgement in beside(view):
        if isinstance(judgement, Finding):
            others.append(judgement)
        elif isinstance(judgement, NotJudged):
            missing.append((rule.id, judgement.reason))
    return Diagnosis(ranked(verdict, others), _is_settled(view, verdict), tuple(missing))


def likeliest(view: View, diagnosis: Diagnosis) -> tuple[Candidate, ...]:
    """Return the causes that are likeliest after those that are told, the likeliest first."""
    told = {finding.id for finding in diagnosis.findings}
    return tuple(found for found in runners_up(recent(view)) if found.id not in told)


def _first(rules: tuple[Rule, ...], view: View, missing: list[tuple[str, str]]) -> Finding | None:
    for rule in rules:
        judgement = judged(view, rule)
        if isinstance(judgement, Finding):
            return judgement
        if isinstance(judgement, NotJudged):
            missing.append((rule.id, judgement.reason))
    return None


def _is_settled(view: View, verdict: Finding | None) -> bool:
    if verdict is None:
        return False
    if view.reading.ended is not None:
        return True
    if verdict.id == starting.RULE.id:
        return False
    return verdict.id != unclear.RULE.id or view.steady_seconds >= FULL_SECONDS
