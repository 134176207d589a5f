"""The loop does not wait for data: the computation itself is the limit, as it should be."""

from __future__ import annotations

from gpumon.diagnosis.devices import devices_of, highest
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_series
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.step import Step, step_of
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.diagnosis.words import percent, wait_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing

# A GPU that surely idles more than this although a batch is there is held up by something else: not healthy.
# XProf's line for all other time; YOLOv5 drains the GPU in every step, so some per cent are always there.
_GAP_RATIO = 0.15
# Without workers the wait cannot be seen; a GPU this busy is fed all the same.
_FED_RATIO = 0.95


def judge(view: View) -> Judgement:
    """Fire where the whole interval of the wait lies below 5 % and the GPU, if there is one, is busy."""
    if view.steady and view.steady_seconds < FIRST_SECONDS:
        return NotJudged(f"only {view.steady_seconds:.0f} s of steady training seen")
    busy = view.gpu_busy if view.on_gpu else None
    wait, step = view.wait, step_of(view)
    if isinstance(wait, Missing):
        if view.workers == 0 and busy is not None and busy >= _FED_RATIO:
            text = f"the GPU is the limit: it is busy {percent(busy)} of the time, even without workers"
            start = view.steady[0][0].instant.unix_seconds
            return Finding(RULE.id, RULE.severity, text, start, (_busy_evidence(busy, _FED_RATIO),))
        return NotJudged(f"the wait for data is not known: {wait.reason}")
    if wait.high >= STARVED_RATIO:
        return Silent(f"the wait for data is {wait_words(wait)}")
    if isinstance(step, Step) and step.gap.low > _GAP_RATIO:
        return Silent(f"nothing waits for data, yet the GPU is busy only {percent(step.busy)}")
    parts = []
    if busy is not None:
        parts.append(f"the GPU is busy {percent(busy)}")
    active = highest(devices_of(view), "gpu_sm_busy_ratio")
    if isinstance(active, tuple):
        parts.append(f"{percent(active[1])} of its SMs are active")
    if view.idle is not None and view.workers != 0:
        parts.append(f"the workers idle {percent(view.idle)}")
    subject = (
        "the GPU is the limit: it waits"
        if view.on_gpu
        else "the training's own computation is the limit: it waits"
    )
    text = ", ".join([f"{subject} only {wait_words(wait)} of each step for data", *parts])
    evidence = [_wait_evidence(wait)]
    if busy is not None:
        evidence.append(_busy_evidence(busy, 1 - _GAP_RATIO))
    if isinstance(active, tuple):
        words = f"{percent(active[1])} of the SMs are active"
        evidence.append(Evidence("gpu_sm_busy_ratio", active[1], text=words))
    if view.idle is not None:
        evidence.append(
            Evidence(
                "worker_idle_ratio", view.idle, text=f"the workers idle {percent(view.idle)} of the time"
            )
        )
    since = since_series(view, "data_wait_ratio", lambda value: value < STARVED_RATIO)
    return Finding(RULE.id, RULE.severity, text, since, tuple(evidence))


def _wait_evidence(wait: Interval) -> Evidence:
    text = f"{wait_words(wait)} of the time the training loop waits for a batch"
    return Evidence("data_wait_ratio", wait.value, STARVED_RATIO, wait.low, wait.high, text)


def _busy_evidence(busy: float, threshold: float) -> Evidence:
    return Evidence("gpu_busy_ratio", busy, threshold, text=f"the GPU is busy {percent(busy)}")


RULE = Rule("compute-bound", Severity.INFO, ("data_wait_ratio",), judge)
