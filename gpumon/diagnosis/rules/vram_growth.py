"""GPU memory grows epoch after epoch, or without end within one: a leak."""

from __future__ import annotations

from gpumon.diagnosis.growth import Growth
from gpumon.diagnosis.memory import GpuMemory, growth_words, has_run_out, memory_of
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_of_words, bytes_words, count_words, seconds_words
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing, known

# Chosen: full within so many seconds leaves no time to wait for.
_SOON_SECONDS = 600.0


def judge(view: View) -> Judgement:
    """Fire where the peak of the training's GPU memory rises steadily."""
    memory = memory_of(view)
    if isinstance(memory, Missing):
        return NotJudged(memory.reason)
    if not memory.is_settled:
        return NotJudged("the first validation is still to come: until then memory grows in every training")
    growth = memory.growth
    if growth is None:
        return Silent("its peak has come to rest")
    pace = f"{bytes_words(60 * growth.bytes_per_second)} a minute"
    evidence = Evidence(
        "training_gpu_memory_used_bytes",
        float(memory.peak),
        float(memory.limit),
        text=f"{pace}, seen over {_seen(growth)}",
    )
    since = view.sample.instant.unix_seconds - growth.watched_seconds
    return Finding(RULE.id, _severity(view, growth), _text(view, memory, growth, pace), since, (evidence,))


def _severity(view: View, growth: Growth) -> Severity:
    """Return critical where memory was full, or will be within minutes and before the run ends."""
    left = known(view.reading.progress.eta_seconds)
    is_before_end = left is None or growth.full_in_seconds < left
    is_soon = growth.full_in_seconds <= _SOON_SECONDS and is_before_end
    return Severity.CRITICAL if is_soon or has_run_out(view) else RULE.severity


def _text(view: View, memory: GpuMemory, growth: Growth, pace: str) -> str:
    held = bytes_of_words(memory.peak, memory.limit)
    if has_run_out(view):
        return f"GPU memory grew by {pace} over {_seen(growth)} until it was full: {held} were held"
    left = known(view.reading.progress.eta_seconds)
    ends = "" if left is None else f", and the run takes {seconds_words(left)} more"
    return (
        f"GPU memory grows by {pace} over {_seen(growth)} and does not come to rest:"
        f" {held} are held, {growth_words(growth)}{ends}"
    )


def _seen(growth: Growth) -> str:
    watched = seconds_words(growth.watched_seconds)
    return f"{count_words(growth.epochs, 'epoch')} ({watched})" if growth.epochs else watched


RULE = Rule("vram-growth", Severity.WARNING, ("gpu_memory_total_bytes",), judge)
