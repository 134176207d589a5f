"""The likeliest causes of all families: what an unclear verdict names, and what comes after a clear one."""

from __future__ import annotations

from math import erf, sqrt

from gpumon.diagnosis.candidates import Candidate, candidates
from gpumon.diagnosis.rule import NotJudged
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.step import step_of
from gpumon.diagnosis.view import View
from gpumon.history.stats import Z_90, Interval
from gpumon.model.measure import Missing, known

_COMPUTES = "compute-bound"
# A gap of this share of a step, without a wait, speaks for the host rather than for the GPU.
_GAP_RATIO = 0.15
# Without a number that speaks for or against it.
_UNKNOWN = 0.3
# A batch that leaves more than half of the memory free could be larger (Gao et al., ICSE 2024).
_MEMORY_RATIO = 0.50
# A wait for which no cause has even this much evidence is likelier none: handing over batches, say.
_EVIDENCE = 0.25
# The chance of a wait is told by an interval that is never taken to be narrower than this.
_LEAST_DEVIATION = 0.002


def runners_up(view: View) -> tuple[Candidate, ...]:
    """Return the causes of all families, the likeliest first.

    Causes of a data wait share the chance that there is one, the others the rest. Where its interval lies
    across 5 % the likeliest of both come first: whether there is a wait is the question then.
    """
    return view.once(_runners_up)


def likeliest_two(view: View) -> tuple[Candidate, Candidate]:
    """Return the two likeliest causes; the signal of the first tells them apart."""
    first, second = runners_up(view)[:2]
    if _COMPUTES in (first.id, second.id):
        waits = first.id.startswith("starved-") or second.id.startswith("starved-")
        signal = "a longer look at the wait" if waits else "the busy share of the main process"
        first = Candidate(first.id, first.weight, signal)
    return first, second


def waits_probability(view: View) -> float:
    """Return the probability that the loop waits for more than 5 % of the time; half where nobody knows."""
    wait = view.wait
    if isinstance(wait, Missing):
        return 0.5
    deviation = max(_LEAST_DEVIATION, wait.half_width / Z_90)
    return (1.0 + erf((wait.value - STARVED_RATIO) / (deviation * sqrt(2.0)))) / 2.0


def _runners_up(view: View) -> tuple[Candidate, ...]:
    causes = [cause for cause in candidates(view) if cause.id.startswith("starved-")]
    evidence = max((cause.weight for cause in causes), default=0.0)
    waits = waits_probability(view) * min(1.0, evidence / _EVIDENCE)
    waiting, fed = _shared(causes, waits), _shared(_without_wait(view), 1.0 - waits)
    found = sorted((*waiting, *fed), key=lambda cause: -cause.weight)
    if isinstance(view.wait, Missing) or straddles(view.wait):
        first = [min(family, key=found.index) for family in (waiting, fed) if family]
        first.sort(key=found.index)
        found = [*first, *(cause for cause in found if cause not in first)]
    return tuple(found)


def _shared(causes: list[Candidate], chance: float) -> list[Candidate]:
    total = sum(cause.weight for cause in causes) or 1.0
    return [Candidate(cause.id, chance * cause.weight / total, cause.signal) for cause in causes]


def _without_wait(view: View) -> list[Candidate]:
    """Return what limits a training that is fed, by its step and its memory."""
    step = step_of(view)
    if isinstance(step, NotJudged):
        gap = busy = None
    else:
        gap, busy = step.gap.value, step.busy
    host = _UNKNOWN if gap is None else min(1.0, gap / _GAP_RATIO)
    return [
        Candidate(_COMPUTES, _UNKNOWN if busy is None else max(0.01, 1.0 - host), "how busy the GPU is"),
        Candidate("host-overhead", host, "what the main process runs between two steps"),
        Candidate("batch-too-small", _small_batch(view), "whether the rate rises with a larger batch"),
    ]


def _small_batch(view: View) -> float:
    """Return how far the training stays below half of its GPUs' memory, by its newest reading alone."""
    used = known(view.reading.gpu_memory_used_bytes)
    totals = [known(gpu.gpu_memory_total_bytes) for gpu in view.reading.gpus(view.sample.gpus)]
    total = sum(size for size in totals if size is not None)
    if used is None or not total:
        return _UNKNOWN / 2
    return max(0.0, _MEMORY_RATIO - used / total)


def straddles(wait: Interval) -> bool:
    """Tell whether the interval of a wait lies across 5 %."""
    return wait.low <= STARVED_RATIO <= wait.high
