"""Steps of the plan beyond the golden rule, where they matter: mixed precision, cache, image size, GPUs."""

from __future__ import annotations

from gpumon.advice.situation import Situation
from gpumon.diagnosis.amp_checklist import amp_checklist
from gpumon.diagnosis.rule import Silent
from gpumon.diagnosis.rules import amp_off
from gpumon.diagnosis.verdict import judged, recent
from gpumon.model.finding import Evidence, Finding
from gpumon.model.measure import known
from gpumon.model.plan import PlanStep, StepState


def amp_step(seen: Situation) -> PlanStep | None:
    """Return the step about mixed precision; None for a training on the CPU, where there is none."""
    view = seen.view
    if not view.on_gpu or seen.finding("not-on-gpu") is not None:
        return None
    evidence, found = amp_checklist(recent(view)), seen.change("amp")
    if found is not None:
        state = StepState.TO_DO if seen.starved is None else StepState.LATER
        text = found[1].text if seen.starved is None else f"{found[1].text}; first feed the GPU"
        return PlanStep("amp", state, text, evidence, found[0])
    progress = view.reading.progress
    if known(progress.amp_enabled):
        return PlanStep("amp", StepState.DONE, f"mixed precision is on, says {progress.amp_source}", evidence)
    judgement = judged(recent(view), amp_off.RULE)
    if isinstance(judgement, Finding):
        # Told as a finding of its own only once the GPU is fed.
        state = StepState.TO_DO if seen.starved is None else StepState.LATER
        return PlanStep("amp", state, judgement.text, evidence)
    if isinstance(judgement, Silent):
        return PlanStep("amp", StepState.DONE, f"nothing to gain: {judgement.reason}", evidence)
    return PlanStep("amp", StepState.UNKNOWN, judgement.reason, evidence)


def cache_step(seen: Situation) -> PlanStep | None:
    """Return the step about the cache: where one is suggested, and where there is one."""
    found = seen.change("cache")
    if found is not None:
        return PlanStep("cache", StepState.TO_DO, found[1].text, (), found[0])
    cache = seen.view.setting("cache")
    if not cache:
        return None
    where = {"ram": "in memory", "disk": "on disk"}.get(str(cache), f"({cache})")
    return PlanStep("cache", StepState.DONE, f"it was told to cache its images {where}")


def images_step(seen: Situation) -> PlanStep | None:
    """Return the step about the images themselves, where their size is what is suggested."""
    found = seen.change("images")
    if found is None:
        return None
    return PlanStep("images", StepState.TO_DO, found[1].text, (), found[0])


def gpus_step(seen: Situation) -> PlanStep | None:
    """Return the step about several GPUs: those that idle beside it, and how those it has are driven."""
    finding = seen.finding("data-parallel", "idle-gpus")
    if finding is None:
        return None
    found = seen.change("launcher", "device")
    evidence: tuple[Evidence, ...] = finding.evidence
    # More GPUs come after what one of them lacks.
    waits = seen.starved is not None or seen.change("workers", "batch_size") is not None
    if found is not None:
        state = StepState.LATER if waits else StepState.TO_DO
        return PlanStep("gpus", state, found[1].text, evidence, found[0])
    state = StepState.LATER if waits else StepState.UNKNOWN
    return PlanStep("gpus", state, finding.text, evidence)
