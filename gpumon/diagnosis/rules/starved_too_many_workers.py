"""More workers than cores: they take turns and slow each other."""

from __future__ import annotations

from gpumon.diagnosis.cores import Cores, cores_of, is_throttled, limit_words
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.rules.starved_neighbours import FEW_OTHERS_RATIO
from gpumon.diagnosis.starvation import (
    COMPUTING_RATIO,
    queue_evidence,
    starved_since,
    starved_words,
    starved_workers,
    wait_evidence,
    worker_time,
)
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import as_long_words, percent
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding, Severity
from gpumon.model.measure import Missing

# A worker that waits for a core half as long as it runs on one (chosen; measured 0.64 / 0.31 with
# 4 workers on 2 cores against 0.16 / 0.81 with 2).
_QUEUE_PER_CPU = 0.5


def judge(view: View) -> Judgement:
    """Fire where the loop waits, workers outnumber the usable cores, and they queue for them."""
    wait = starved_workers(view)
    if not isinstance(wait, Interval):
        return wait
    cores, workers, queue = cores_of(view), view.workers, view.queue_per_cpu
    if isinstance(workers, Missing):
        return NotJudged(f"the number of workers is not known: {workers.reason}")
    if cores is None or queue is None:
        return NotJudged("the usable cores, or how long workers wait for one, are not known")
    total = workers * view.ranks
    against = what_speaks_against(view, cores, total, queue)
    if against:
        return Silent(against)
    text = (
        f"{starved_words(view, wait)}{total} workers share {limit_words(cores)} and wait"
        f" {percent(view.worker_queue or 0.0)} of the time for one"
    )
    evidence = queue_evidence(view, queue, _QUEUE_PER_CPU)
    return Finding(
        RULE.id,
        RULE.severity,
        text,
        starved_since(view),
        (wait_evidence(wait), evidence),
        lost_ratio=wait.value,
    )


def what_speaks_against(view: View, cores: Cores, total: int, queue: float) -> str:
    """Return what speaks against crowded workers, or ""."""
    if is_throttled(view):
        return "its CPU quota keeps it from the cores"
    if total <= cores.usable:
        return f"{total} workers on {limit_words(cores)}"
    if queue <= _QUEUE_PER_CPU or worker_time(view).computing < COMPUTING_RATIO:
        return f"workers wait for a core only {as_long_words(queue)} as they run"
    if cores.others_ratio is not None and cores.others_ratio >= FEW_OTHERS_RATIO:
        return f"other programs take {percent(cores.others_ratio)} of the cores"
    return ""


RULE = Rule(
    "starved-too-many-workers",
    Severity.WARNING,
    ("data_wait_ratio", "worker_cpu_ratio", "worker_run_queue_wait_ratio"),
    judge,
)
