"""The loop waits because the CPU quota of the training's cgroup stops its processes again and again."""

from __future__ import annotations

from gpumon.diagnosis.cores import THROTTLED_RATIO, quota_of
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.starvation import starved_since, starved_words, starved_workers, wait_evidence
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import cores_words, percent
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing, known


def judge(view: View) -> Judgement:
    """Fire where the loop waits and a quarter of the periods or more are cut short by the quota."""
    wait = starved_workers(view)
    if not isinstance(wait, Interval):
        return wait
    quota = quota_of(view)
    if isinstance(quota, Missing):
        return NotJudged(f"the CPU quota of its cgroup, or its throttling, is not known: {quota.reason}")
    if quota is None:
        return Silent("its cgroup has no CPU quota")
    if not quota.stops:
        return Silent(f"its CPU quota stops it in {percent(quota.throttled_ratio)} of the periods")
    stopped = f"in {percent(quota.throttled_ratio)} of its periods"
    text = (
        f"{starved_words(view, wait)}its CPU quota of {cores_words(quota.cores)} is used up {stopped},"
        f" and until the next one nothing of it runs{_blind(view)}"
    )
    evidence = [
        wait_evidence(wait),
        Evidence(
            "cpu_throttled_ratio",
            quota.throttled_ratio,
            THROTTLED_RATIO,
            text=f"{stopped} the kernel stops its processes, which have {cores_words(quota.cores)}",
        ),
    ]
    if view.worker_queue is not None:
        words = f"a worker could run but may not, or finds no core, {percent(view.worker_queue)} of the time"
        evidence.append(Evidence("worker_run_queue_wait_ratio", view.worker_queue, text=words))
    return Finding(RULE.id, RULE.severity, text, starved_since(view), tuple(evidence), lost_ratio=wait.value)


def _blind(view: View) -> str:
    """Return who takes the machine's cores for its own: neither os.cpu_count nor affinity knows a quota."""
    host = known(view.sample.host.cores)
    if not host:
        return ""
    name = {"yolov5": "YOLOv5", "ultralytics": "ultralytics"}.get(view.reading.training.framework)
    who = f"{name} and torch" if name else "torch"
    return f"; {who} {'see' if name else 'sees'} the {len(host)} cores of the machine and no quota"


RULE = Rule("starved-cpu-quota", Severity.WARNING, ("data_wait_ratio", "cpu_throttled_ratio"), judge)
