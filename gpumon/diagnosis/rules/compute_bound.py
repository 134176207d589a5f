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
# A wait near 5 % that no worker is to blame for is handing over: batches are ready while the workers idle.
_IDLE_RATIO, _HANDING_RATIO = 0.80, 2 * STARVED_RATIO


def judge(view: View) -> Judgement:
    """Fire where the wait lies below 5 %, or near it with batches ready, and the GPU, if any, has no gap."""
    if view.steady and view.steady_seconds < FIRST_SECONDS:
        return NotJudged(f"only {view.steady_seconds:.0f} s of steady training seen")
    wait, step = view.wait, step_of(view)
    if isinstance(wait, Missing):
        return _unseen(view, wait)
    if wait.high >= STARVED_RATIO and not _hands_over(view, wait):
        return Silent(f"the wait for data is {wait_words(wait)}")
    if isinstance(step, Step) and step.gap.low > _GAP_RATIO:
        return Silent(f"nothing waits for data, yet the GPU is busy only {percent(step.busy)}")
    since = since_series(view, "data_wait_ratio", lambda value: value < max(STARVED_RATIO, wait.high))
    text, evidence = _told(view, wait)
    return Finding(RULE.id, RULE.severity, text, since, evidence)


def _unseen(view: View, wait: Missing) -> Judgement:
    """Judge a training without workers, whose wait cannot be seen, by how busy its GPU is."""
    busy = view.gpu_busy if view.on_gpu else None
    if view.workers != 0 or busy is None or busy < _FED_RATIO:
        return NotJudged(f"the wait for data is not known: {wait.reason}")
    text = f"the GPU is the limit: it is busy {percent(busy)} of the time, even without workers"
    start = view.steady[0][0].instant.unix_seconds
    return Finding(RULE.id, RULE.severity, text, start, (_busy_evidence(busy, _FED_RATIO),))


def _hands_over(view: View, wait: Interval) -> bool:
    """Tell whether a wait near 5 % is only what handing over a batch that is ready takes."""
    idle = view.idle if view.workers else None
    return wait.value < STARVED_RATIO and wait.high < _HANDING_RATIO and (idle or 0.0) >= _IDLE_RATIO


def _told(view: View, wait: Interval) -> tuple[str, tuple[Evidence, ...]]:
    """Return the sentence and its evidence."""
    busy = view.gpu_busy if view.on_gpu else None
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
    return text, tuple(evidence)


def _wait_evidence(wait: Interval) -> Evidence:
    text = f"{wait_words(wait)} of the time the training loop waits for a batch"
    return Evidence("data_wait_ratio", wait.value, STARVED_RATIO, wait.low, wait.high, text)


def _busy_evidence(busy: float, threshold: float) -> Evidence:
    return Evidence("gpu_busy_ratio", busy, threshold, text=f"the GPU is busy {percent(busy)}")


RULE = Rule("compute-bound", Severity.INFO, ("data_wait_ratio",), judge)
