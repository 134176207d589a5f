"""The golden rule of tuning as a plan: the largest batch, workers until the GPU is fed, the learning rate.

After these come mixed precision, a cache, the images and further GPUs, where they matter. The order is that
of the guide that people follow; what ticks a step is the evidence of this run, and the limits of the rules.
"""

from __future__ import annotations

from dataclasses import replace

from gpumon.advice.batch_step import batch_step
from gpumon.advice.changing import is_change
from gpumon.advice.further_steps import amp_step, cache_step, gpus_step, images_step
from gpumon.advice.learning_rate_step import learning_rate_step
from gpumon.advice.prior import Prior
from gpumon.advice.situation import Situation
from gpumon.advice.turn import cure_of, first_of
from gpumon.advice.workers_step import workers_step
from gpumon.diagnosis.view import View
from gpumon.model.finding import Finding
from gpumon.model.plan import PlanStep, StepState
from gpumon.model.suggestion import MemoryOutlook, Suggestion

_STEPS = (
    batch_step,
    workers_step,
    learning_rate_step,
    amp_step,
    cache_step,
    images_step,
    gpus_step,
)
_BLOCKED = frozenset({"batch", "workers"})
# Steps of which one is tried after the other, in the order of their suggestions.
_FEEDING = frozenset({"batch", "workers", "cache", "images"})
_NAMES = {"batch_size": "batch"}


def plan_of(
    view: View,
    findings: tuple[Finding, ...],
    suggestions: tuple[Suggestion, ...],
    outlook: MemoryOutlook,
    prior: Prior,
) -> tuple[PlanStep, ...]:
    """Return the steps in their order; the index in a step points into `suggestions`, the report's own."""
    seen = Situation(view, findings, suggestions, outlook, prior)
    steps = [make(seen) for make in _STEPS]
    return _told_once(tuple(_in_turn(step, seen) for step in steps if step is not None))


def _in_turn(step: PlanStep, seen: Situation) -> PlanStep:
    """Return the step, for later where the training does not compute where it should, or not at all.

    For later, too, where another change comes first, and where nothing can be changed: then it is looked at
    again after what cures the same finding.
    """
    blocked, index = seen.blocked, step.suggestion
    if blocked is not None and step.name in _BLOCKED:
        return replace(step, state=StepState.LATER, text=f"{blocked.text}; that comes first", suggestion=None)
    if step.state is not StepState.TO_DO:
        return step
    if index is not None and is_change(seen.suggestions[index]):
        first = first_of(seen.suggestions, index) if step.name in _FEEDING else None
        return step if first is None else _later(step, f"first the {_name(first)}")
    finding = _finding_of(step, seen)
    if finding is None:
        return step
    cure = cure_of(finding, seen.suggestions)
    if cure is not None:
        return _later(step, f"to be seen again after the {_name(cure)}")
    return step if index is None else _later(step, f"first what is behind {finding}")


def _finding_of(step: PlanStep, seen: Situation) -> str | None:
    """Return the id of the finding that a step without a change is about, None where it is not known."""
    if step.suggestion is not None:
        return seen.suggestions[step.suggestion].finding
    return seen.starved.id if step.name == "workers" and seen.starved is not None else None


def _later(step: PlanStep, why: str) -> PlanStep:
    return replace(step, state=StepState.LATER, text=f"{step.text}; {why}")


def _name(suggestion: Suggestion) -> str:
    return _NAMES.get(suggestion.setting, suggestion.setting)


def _told_once(steps: tuple[PlanStep, ...]) -> tuple[PlanStep, ...]:
    """Return the steps; one that an earlier one's command does, or its sentence is about, names that one."""
    done_by: dict[int, str] = {}
    told: dict[str, str] = {}
    found = []
    for step in steps:
        name, text = step.name.replace("-", " "), step.text
        if step.suggestion is not None and step.suggestion in done_by:
            text = f"with the {done_by[step.suggestion]}, by the same command"
        elif text in told:
            text = f"as for the {told[text]}"
        found.append(replace(step, text=text))
        told.setdefault(step.text, name)
        if step.suggestion is not None:
            done_by.setdefault(step.suggestion, name)
    return tuple(found)
