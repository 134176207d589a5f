"""The first step of the plan: the largest batch that is safe, and whether it would bring anything."""

from __future__ import annotations

from dataclasses import replace

from gpumon.advice.situation import Situation
from gpumon.diagnosis.words import bytes_words
from gpumon.model.finding import Evidence
from gpumon.model.measure import Missing, known
from gpumon.model.plan import PlanStep, StepState
from gpumon.model.suggestion import OomRisk, RiskLevel

# Findings under which a larger batch is looked for (gpumon.advice.advise).
_FULL = ("batch-too-small", "compute-bound", "host-overhead")


def batch_step(seen: Situation) -> PlanStep:
    """Return the step about the batch. It is done where no other batch is both safe and worth a restart."""
    if not seen.view.on_gpu:
        text = "the training computes on the CPU: there is no GPU memory to fill"
        return PlanStep("batch", StepState.UNKNOWN, text)
    evidence, found = _evidence(seen), seen.change("batch_size")
    if found is not None:
        return PlanStep("batch", StepState.TO_DO, found[1].text, evidence, found[0])
    risk = known(seen.outlook.oom_risk)
    if risk is not None and risk.level is RiskLevel.HIGH:
        text = f"the risk of running out of GPU memory is high: {risk.text}"
        return PlanStep("batch", StepState.TO_DO, text, evidence)
    largest, batch = seen.outlook.largest_safe_batch, seen.batch
    if isinstance(largest, Missing):
        text = f"the largest batch that is safe is not known: {largest.reason}"
        return PlanStep("batch", StepState.UNKNOWN, text, evidence)
    if batch is None:
        text = f"batch {largest} would be safe; the present batch is not known"
        return PlanStep("batch", StepState.UNKNOWN, text, evidence)
    step = PlanStep("batch", *_beside(seen, batch, largest, risk), evidence)
    # One at risk is kept where a smaller one costs more than that.
    kept = seen.unchanged("batch_size") if largest < batch else None
    if kept is not None:
        step = replace(step, state=StepState.DONE, text=kept[1].text, suggestion=kept[0])
    return step


def _beside(seen: Situation, batch: int, largest: int, risk: OomRisk | None) -> tuple[StepState, str]:
    """Return where the batch stands beside the largest one that is safe.

    The margin is for a batch that was never tried. One that runs is judged by its risk.
    """
    if largest < batch and risk is not None and risk.level is RiskLevel.LOW:
        words = f"batch {batch} is above the margin, within which {largest} would be, yet it runs"
        return StepState.DONE, f"{words}: the risk of running out of GPU memory is low"
    if largest < batch:
        return StepState.TO_DO, f"batch {batch} leaves too little room: only {largest} is safe"
    if largest == batch:
        return StepState.DONE, f"batch {batch} is the largest that is safe"
    return _larger(seen, batch, f"batch {largest} would be safe")


def _larger(seen: Situation, batch: int, fits: str) -> tuple[StepState, str]:
    """Return why a larger batch, although it fits, is not suggested."""
    verdict = seen.verdict
    if seen.starved is not None:
        return StepState.LATER, f"{fits}, but brings nothing while {seen.view.waiter} waits for data"
    if seen.finding(*_FULL) is not None:
        return StepState.DONE, f"batch {batch} will do: {fits}, too, but no gain worth a restart is expected"
    if verdict is None or verdict.id == "unclear":
        return StepState.UNKNOWN, f"{fits}; whether it brings anything is not known before there is a verdict"
    return StepState.LATER, f"{fits}; first what limits the training now: {verdict.id}"


def _evidence(seen: Situation) -> tuple[Evidence, ...]:
    outlook = seen.outlook
    found = []
    peak, limit, risk = known(outlook.peak_bytes), known(outlook.limit_bytes), known(outlook.oom_risk)
    if peak is not None:
        of = "" if limit is None else f" of the {bytes_words(limit)} there are for it"
        threshold = None if limit is None else float(limit)
        words = f"peak of its GPU memory: {bytes_words(peak)}{of}"
        found.append(Evidence("training_gpu_memory_used_bytes", float(peak), threshold, text=words))
    if risk is not None:
        words = f"risk of running out of it before the end: {risk.level.value} ({risk.text})"
        found.append(Evidence("oom_risk_ratio", risk.probability, text=words))
    largest = known(outlook.largest_safe_batch)
    if largest is not None:
        low, high = outlook.largest_safe_batch_low, outlook.largest_safe_batch_high
        up_to = f", maybe up to {high}" if high is not None and high > largest else ""
        found.append(
            Evidence(
                "largest_safe_batch",
                float(largest),
                low=None if low is None else float(low),
                high=None if high is None else float(high),
                text=f"largest batch that is safe: {largest}{up_to}",
            )
        )
    return tuple(found)
