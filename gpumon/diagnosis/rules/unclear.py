"""No cause is certain: the two likeliest, and the signal that would tell them apart."""

from __future__ import annotations

from gpumon.diagnosis.order import CAUSES
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.runners_up import likeliest_two, straddles
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.view import VERDICT_SECONDS, View
from gpumon.diagnosis.words import percent, wait_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing


def judge(view: View) -> Judgement:
    """Fire where there was time enough for a verdict and no cause fires."""
    if view.steady_seconds < VERDICT_SECONDS:
        return NotJudged(f"only {view.steady_seconds:.0f} s of steady training seen")
    for rule in CAUSES:
        if isinstance(view.once(rule.judge), Finding):
            return Silent(f"the verdict is {rule.id}")
    start = view.steady[0][0].instant.unix_seconds
    wait = view.wait
    if isinstance(wait, Missing):
        busy = view.gpu_busy if view.on_gpu else None
        known = f"; the GPU is busy {percent(busy)}" if busy is not None else ""
        first, second = likeliest_two(view)
        text = (
            f"unclear whether the training waits for data: {wait.reason}{known}; likeliest are {first.id} and"
            f" {second.id}"
        )
        return Finding(RULE.id, RULE.severity, text, start)
    return Finding(RULE.id, RULE.severity, _text(view, wait), start, (_evidence(wait),))


def _text(view: View, wait: Interval) -> str:
    first, second = likeliest_two(view)
    words = f"{view.waiter} waits {wait_words(wait)} of each step for data"
    rest = f"{first.id} or {second.id}; {first.signal} would tell them apart"
    if straddles(wait):
        return f"{words}, too near to 5 % to call: {rest}"
    if wait.low > STARVED_RATIO:
        return f"{words}, but the cause is not certain: {rest}"
    busy = "" if view.gpu_busy is None else f", and the GPU is busy {percent(view.gpu_busy)}"
    return f"{words}{busy}, and what limits it is not certain: {rest}"


def _evidence(wait: Interval) -> Evidence:
    text = f"{wait_words(wait)} of the time the training loop waits for a batch"
    return Evidence("data_wait_ratio", wait.value, STARVED_RATIO, wait.low, wait.high, text)


RULE = Rule("unclear", Severity.INFO, (), judge)
