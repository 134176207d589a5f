"""What is told beside the verdict: what phases cost, dangers, and the state of the GPUs."""

from __future__ import annotations

from gpumon.diagnosis.order import DANGERS, HARDWARE, PHASES
from gpumon.diagnosis.rule import Judgement, Rule, Silent
from gpumon.diagnosis.verdict import judged, recent, view_at
from gpumon.diagnosis.view import View
from gpumon.model.finding import Finding, Severity
from gpumon.model.sample import Sample

# What GPUs say is pooled over seconds and may cross a threshold for one of them: told is what most of so many
# seconds say. A danger is told at once, and shares of phases change with each epoch at most.
_SECONDS = 5
_LASTING = tuple(rule for rule in HARDWARE if rule.severity is not Severity.CRITICAL)


def beside(view: View) -> list[tuple[Rule, Judgement]]:
    """Return the judgement of every rule that is judged beside the verdict."""
    at_once = [(rule, judged(view, rule)) for rule in (*PHASES, *DANGERS, *HARDWARE) if rule not in _LASTING]
    return [*at_once, *((rule, _lasting(view, rule)) for rule in _LASTING)]


def _lasting(view: View, rule: Rule) -> Judgement:
    """Return the judgement of most of the newest seconds; the newest one of those."""
    newest = tuple(sample for sample, _ in view.seen[-_SECONDS:])
    fired = [rule.id in ids for ids in view.once(_fired)]
    now = judged(recent(view), rule)
    if sum(fired) * 2 > len(fired):
        if isinstance(now, Finding):
            return now
        last = max(place for place, has_fired in enumerate(fired) if has_fired)
        return rule.judge(view_at(view, newest[last]))
    return Silent("it has not lasted yet") if isinstance(now, Finding) else now


def _fired(view: View) -> list[frozenset[str]]:
    """Return the ids of the rules that fired by themselves in each of the newest seconds."""

    def look(sample: Sample) -> frozenset[str]:
        then = recent(view) if sample is view.sample else view_at(view, sample)
        return frozenset(rule.id for rule in _LASTING if isinstance(judged(then, rule), Finding))

    newest = (sample for sample, _ in view.seen[-_SECONDS:])
    return view.window.moments.answers(("beside", view.reading.training.id), newest, look)
