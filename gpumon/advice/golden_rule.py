"""The golden rule of tuning as a plan: the largest batch, workers until the GPU is fed, the learning rate.

After these come mixed precision, a cache, the images and further GPUs, where they matter. The order is that
of the guide that people follow; what ticks a step is the evidence of this run, and the limits of the rules.
"""

from __future__ import annotations

from dataclasses import replace

from gpumon.advice.batch_step import batch_step
from gpumon.advice.further_steps import amp_step, cache_step, gpus_step, images_step
from gpumon.advice.learning_rate_step import learning_rate_step
from gpumon.advice.prior import Prior
from gpumon.advice.situation import Situation
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
    return tuple(_in_turn(step, seen) for step in steps if step is not None)


def _in_turn(step: PlanStep, seen: Situation) -> PlanStep:
    """Return the step, for later where the training does not compute where it should, or not at all."""
    blocked = seen.blocked
    if blocked is None or step.name not in _BLOCKED:
        return step
    return replace(step, state=StepState.LATER, text=f"first of all: {blocked.text}", suggestion=None)
