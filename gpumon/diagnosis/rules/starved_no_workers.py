"""No DataLoader workers: the main process prepares the images itself, between the steps."""

from __future__ import annotations

from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.starvation import STARVED_RATIO, starved_since, wait_evidence
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.diagnosis.words import percent, wait_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing

# Between the steps something else than loading takes time too; with a GPU this busy loading takes none.
_FED_RATIO = 0.95
# Below this the GPU is idle for longer than launching kernels explains.
_IDLE_RATIO = 0.85
# A wait longer than this is "all of the time": a factor above 50 is no promise.
_LONGEST_WAIT = 0.98


def judge(view: View) -> Judgement:
    """Fire where there are no train workers: by the wait where it is measured, else by the idle GPU."""
    workers = view.workers
    if isinstance(workers, Missing):
        return NotJudged(f"the number of workers is not known: {workers.reason}")
    if workers > 0:
        return Silent(f"{workers} workers")
    if view.steady_seconds < FIRST_SECONDS:
        return NotJudged(f"only {view.steady_seconds:.0f} s of steady training seen")
    wait = view.wait
    return _by_gpu(view) if isinstance(wait, Missing) else _by_wait(view, wait)


def _by_wait(view: View, wait: Interval) -> Judgement:
    """Judge by the share of time that the main process spends preparing batches, which is all wait."""
    if wait.low <= STARVED_RATIO:
        return Silent(f"preparing the batches takes {wait_words(wait)} of the time")
    busy = view.gpu_busy if view.on_gpu else None
    text = (
        f"{view.waiter} waits {wait_words(wait)} of each step for data: there are no DataLoader workers"
        f"{_why(view)}, the main process prepares every batch itself; workers would make it at most"
        f" {_factor(wait.high)} as fast"
    )
    evidence = [wait_evidence(wait)]
    if busy is not None:
        evidence.append(_busy_evidence(busy))
    return Finding(RULE.id, RULE.severity, text, starved_since(view), tuple(evidence), lost_ratio=wait.value)


def _by_gpu(view: View) -> Judgement:
    """Judge by how busy the GPU is, where the wait itself cannot be seen."""
    busy = view.gpu_busy if view.on_gpu else None
    if busy is not None and busy >= _FED_RATIO:
        return Silent(f"the GPU is busy {percent(busy)}")
    start = view.steady[0][0].instant.unix_seconds
    opening = (
        f"no DataLoader workers{_why(view)}: every batch is prepared by the main process between the steps"
    )
    if busy is None:
        text = f"{opening}; how long that takes cannot be seen from outside"
        return Finding(RULE.id, Severity.INFO, text, start)
    text = f"{opening}, and the GPU is busy only {percent(busy)} of the time"
    severity = RULE.severity if busy < _IDLE_RATIO else Severity.INFO
    return Finding(RULE.id, severity, text, start, (_busy_evidence(busy),))


def _busy_evidence(busy: float) -> Evidence:
    return Evidence("gpu_busy_ratio", busy, _IDLE_RATIO, text=f"the GPU is busy {percent(busy)}")


def _factor(wait: float) -> str:
    """Return how much faster it goes without any wait, as "1.7 times"."""
    factor = 1.0 / (1.0 - min(wait, _LONGEST_WAIT))
    return f"{factor:.1f} times" if factor < 9.95 else f"{factor:.0f} times"


def _why(view: View) -> str:
    framework = view.reading.training.framework
    batch = view.setting("batch_size")
    asked = view.setting("workers_asked")
    if not isinstance(asked, int) or asked == 0:
        return ""
    if framework == "yolov5" and batch == 1:
        return " (YOLOv5 starts none at batch 1)"
    if framework == "ultralytics" and not view.on_gpu:
        return " (ultralytics starts none on the CPU)"
    return f", though {asked} were asked for"


RULE = Rule("starved-no-workers", Severity.WARNING, (), judge)
