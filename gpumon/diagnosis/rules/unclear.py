"""No cause is certain: the two likeliest, and the signal that would tell them apart."""

from __future__ import annotations

from gpumon.diagnosis.candidates import likeliest_two
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.rules import (
    compute_bound,
    starved_cpu_exhausted,
    starved_no_workers,
    starved_too_few_workers,
    starved_too_many_workers,
)
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.view import VERDICT_SECONDS, View
from gpumon.diagnosis.words import percent, wait_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing

_CAUSES = (
    starved_no_workers.RULE,
    starved_too_many_workers.RULE,
    starved_cpu_exhausted.RULE,
    starved_too_few_workers.RULE,
    compute_bound.RULE,
)


def judge(view: View) -> Judgement:
    """Fire where there was time enough for a verdict and no other rule gives one."""
    if view.steady_seconds < VERDICT_SECONDS:
        return NotJudged(f"only {view.steady_seconds:.0f} s of steady training seen")
    for rule in _CAUSES:
        if isinstance(rule.judge(view), Finding):
            return Silent(f"the verdict is {rule.id}")
    start = view.steady[0][0].instant.unix_seconds
    wait = view.wait
    if isinstance(wait, Missing):
        busy = view.gpu_busy if view.on_gpu else None
        known = f"; the GPU is busy {percent(busy)}" if busy is not None else ""
        text = f"unclear whether the training waits for data: {wait.reason}{known}"
        return Finding(RULE.id, RULE.severity, text, start)
    return Finding(RULE.id, RULE.severity, _text(view, wait), start, (_evidence(wait),))


def _text(view: View, wait: Interval) -> str:
    words = wait_words(wait)
    if wait.high < STARVED_RATIO:
        busy = "" if view.gpu_busy is None else f", yet the GPU is busy only {percent(view.gpu_busy)}"
        return (
            f"{view.waiter} waits only {words} of each step for data{busy}: host-overhead or batch-too-small;"
            " the busy share of the main process would tell them apart"
        )
    first, second = likeliest_two(view, wait)
    if wait.low <= STARVED_RATIO:
        return (
            f"{view.waiter} waits {words} of each step for data, too near to 5 % to call: {first.id} or"
            f" {second.id}; {first.signal} would tell them apart"
        )
    return (
        f"{view.waiter} waits {words} of each step for data, but the cause is not certain: {first.id} or"
        f" {second.id}; {first.signal} would tell them apart"
    )


def _evidence(wait: Interval) -> Evidence:
    text = f"{wait_words(wait)} of the time the training loop waits for a batch"
    return Evidence("data_wait_ratio", wait.value, STARVED_RATIO, wait.low, wait.high, text)


RULE = Rule("unclear", Severity.INFO, (), judge)
