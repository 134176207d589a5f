"""The training may run out of GPU memory before it ends."""

from __future__ import annotations

from gpumon.diagnosis.memory import GpuMemory, growth_words, has_run_out, memory_of
from gpumon.diagnosis.risk import Signs
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_of_words, bytes_words, percent
from gpumon.history.phases import Seen
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing, known
from gpumon.model.suggestion import RiskLevel

# Within this share of its peak the training is taken to be there.
_AT_PEAK = 0.98
# Growth has a rule of its own; this one speaks of it where the device is nearly full already.
_NEARLY_FULL = 0.90


def judge(view: View) -> Judgement:
    """Fire where the probability of running out of memory is elevated or high."""
    memory = memory_of(view)
    if isinstance(memory, Missing):
        return NotJudged(memory.reason)
    if has_run_out(view):
        return _ran_out(view, memory)
    risk = memory.risk
    if isinstance(risk, Missing):
        return NotJudged(f"the risk is not known: {risk.reason}")
    if risk.level is RiskLevel.LOW:
        return Silent(risk.text)
    share = memory.peak / memory.limit if memory.limit > 0 else 1.0
    if memory.growth is not None and share < _NEARLY_FULL:
        return Silent(f"its memory grows, and {percent(1 - share)} are left: vram-growth tells it")
    text = (
        f"the risk to run out of GPU memory is {risk.level.value}, about {percent(risk.probability)}:"
        f" the peak is {bytes_of_words(memory.peak, memory.limit)} ({percent(share)})"
    )
    if memory.growth is not None:
        text += f"; it grows steadily (vram-growth says what to do): {growth_words(memory.growth)}"
    elif memory.flushes:
        times = "once" if memory.flushes == 1 else f"{memory.flushes} times"
        text += f", and PyTorch had to give its cache back {times} in the last minutes"
    elif isinstance(memory.signs, Signs) and memory.signs.has_validation_ahead:
        text += ", and the first validation, at twice the batch, is still to come"

    def at_peak(pair: Seen) -> bool:
        used = known(pair[1].gpu_memory_used_bytes)
        return used is not None and used >= _AT_PEAK * memory.peak

    return Finding(RULE.id, RULE.severity, text, since_seen(view, at_peak), (_evidence(memory),))


def _ran_out(view: View, memory: GpuMemory) -> Finding:
    """Return what is told of a training that ended for it: what it asked for last is not known."""
    text = f"GPU memory ran out: the peak that was seen is {bytes_of_words(memory.peak, memory.limit)}"
    ended = view.reading.ended
    since = view.sample.instant.unix_seconds if ended is None else ended.unix_seconds
    return Finding(RULE.id, Severity.CRITICAL, text, since, (_evidence(memory),))


def _evidence(memory: GpuMemory) -> Evidence:
    return Evidence(
        "training_gpu_memory_used_bytes",
        float(memory.peak),
        float(memory.limit),
        text=f"{bytes_words(max(0, memory.limit - memory.peak))} left at the peak",
    )


RULE = Rule("vram-at-limit", Severity.WARNING, ("gpu_memory_total_bytes",), judge)
