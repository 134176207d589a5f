"""More workers than cores: they take turns and slow each other."""

from __future__ import annotations

from gpumon.diagnosis.cores import cores_of, limit_words
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.starvation import starved, starved_since, wait_evidence
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent, wait_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing

# A worker that waits for a core half as long as it runs on one (facts: row 3; measured 0.64 / 0.31 with
# 4 workers on 2 cores against 0.16 / 0.81 with 2).
_QUEUE_PER_CPU = 0.5


def judge(view: View) -> Judgement:
    """Fire where the loop waits, workers outnumber the usable cores, and they queue for them."""
    wait = starved(view)
    if not isinstance(wait, Interval):
        return wait
    cores, workers, queue = cores_of(view), view.workers, view.queue_per_cpu
    if isinstance(workers, Missing):
        return NotJudged(f"the number of workers is not known: {workers.reason}")
    if cores is None or queue is None:
        return NotJudged("the usable cores, or how long workers wait for one, are not known")
    total = workers * view.ranks
    if total <= cores.usable:
        return Silent(f"{total} workers on {limit_words(cores)}")
    if queue <= _QUEUE_PER_CPU:
        return Silent(f"workers wait for a core only {percent(queue)} as long as they run")
    text = (
        f"{view.waiter} waits {wait_words(wait)} of each step for data: {total} workers share"
        f" {limit_words(cores)} and wait {percent(view.worker_queue or 0.0)} of the time for one"
    )
    evidence = Evidence(
        "worker_run_queue_wait_ratio",
        view.worker_queue or 0.0,
        _QUEUE_PER_CPU * (view.worker_cpu or 0.0),
        text=f"workers wait for a core {percent(queue)} as long as they run on one",
    )
    return Finding(RULE.id, RULE.severity, text, starved_since(view), (wait_evidence(wait), evidence))


RULE = Rule(
    "starved-too-many-workers",
    Severity.WARNING,
    ("data_wait_ratio", "worker_cpu_ratio", "worker_run_queue_wait_ratio"),
    judge,
)
