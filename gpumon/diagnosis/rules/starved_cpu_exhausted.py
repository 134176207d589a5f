"""The loop waits because all usable cores are taken: more workers cannot help."""

from __future__ import annotations

from gpumon.diagnosis.cores import Cores, are_words, cores_of, is_throttled, limit_words
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.rules.starved_neighbours import BUSY_RATIO, OTHERS_RATIO
from gpumon.diagnosis.rules.starved_too_many_workers import what_speaks_against
from gpumon.diagnosis.starvation import (
    COMPUTING_RATIO,
    QUEUE_PER_CPU,
    queue_evidence,
    starved_since,
    starved_words,
    starved_workers,
    wait_evidence,
    worker_time,
)
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import as_long_words, cores_words, percent
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import known

# Programs outside the training that take this share of the cores are named.
_NAMED_RATIO = 0.05


def judge(view: View) -> Judgement:
    """Fire where the loop waits, the cores are full, and workers queue or would need more cores."""
    wait = starved_workers(view)
    if not isinstance(wait, Interval):
        return wait
    cores, queue = cores_of(view), view.queue_per_cpu
    if cores is None or cores.busy_ratio is None or queue is None:
        return NotJudged("how busy the usable cores are, or how long workers wait for one, is not known")
    against = _against(view, cores, cores.busy_ratio, queue)
    if against:
        return Silent(against)
    taken = f"{limit_words(cores)} {are_words(cores)} busy {percent(cores.busy_ratio)}"
    text = f"{starved_words(view, wait)}{taken}, so more workers cannot help{_others(cores)}"
    evidence = (
        wait_evidence(wait),
        Evidence("host_cpu_busy_ratio", cores.busy_ratio, BUSY_RATIO, text=taken),
        queue_evidence(view, queue, QUEUE_PER_CPU),
    )
    return Finding(RULE.id, RULE.severity, text, starved_since(view), evidence, lost_ratio=wait.value)


def _against(view: View, cores: Cores, busy_ratio: float, queue: float) -> str:
    """Return what speaks against exhausted cores, or ""."""
    if is_throttled(view):
        return "its CPU quota keeps it from the cores"
    computing = worker_time(view).computing
    if busy_ratio <= BUSY_RATIO or computing < COMPUTING_RATIO:
        return f"the usable cores are busy {percent(busy_ratio)}, the workers compute {percent(computing)}"
    if cores.others_ratio is not None and cores.others_ratio >= OTHERS_RATIO:
        return f"other programs take {percent(cores.others_ratio)} of the cores"
    workers = known(view.workers)
    if workers is not None and not what_speaks_against(view, cores, workers * view.ranks, queue):
        return f"{workers * view.ranks} workers crowd {limit_words(cores)}"
    wants_more = cores.demand is not None and cores.demand > cores.usable
    if queue < QUEUE_PER_CPU and not wants_more:
        return f"workers wait for a core only {as_long_words(queue)} as they run"
    return ""


def _others(cores: Cores) -> str:
    if cores.others is None or cores.others < _NAMED_RATIO * cores.host:
        return ""
    return f"; other programs take {cores_words(cores.others)}"


RULE = Rule(
    "starved-cpu-exhausted",
    Severity.WARNING,
    ("data_wait_ratio", "worker_cpu_ratio", "worker_run_queue_wait_ratio"),
    judge,
)
