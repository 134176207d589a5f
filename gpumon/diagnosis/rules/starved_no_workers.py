"""No DataLoader workers: the main process prepares the images itself, between the steps."""

from __future__ import annotations

from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.diagnosis.words import percent
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing

# Between the steps something else than loading takes time too; with a GPU this busy loading takes none.
_FED_RATIO = 0.95
# Below this the GPU is idle for longer than launching kernels explains.
_IDLE_RATIO = 0.85


def judge(view: View) -> Judgement:
    """Fire where there are no train workers, as a warning only where the GPU is seen to idle."""
    workers = view.workers
    if isinstance(workers, Missing):
        return NotJudged(f"the number of workers is not known: {workers.reason}")
    if workers > 0:
        return Silent(f"{workers} workers")
    if view.steady_seconds < FIRST_SECONDS:
        return NotJudged(f"only {view.steady_seconds:.0f} s of steady training seen")
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
    evidence = Evidence("gpu_busy_ratio", busy, _IDLE_RATIO, text=f"the GPU is busy {percent(busy)}")
    text = f"{opening}, and the GPU is busy only {percent(busy)} of the time"
    severity = RULE.severity if busy < _IDLE_RATIO else Severity.INFO
    return Finding(RULE.id, severity, text, start, (evidence,))


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


RULE = Rule("starved-no-workers", Severity.WARNING, ("gpu_busy_ratio",), judge)
