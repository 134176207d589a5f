"""The loop waits because other programs take the cores that its workers queue for."""

from __future__ import annotations

from gpumon.diagnosis.cores import CoreLimit, Cores, cores_of, is_throttled
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
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

# Chosen: what others take of the cores that this training competes for.
OTHERS_RATIO = 0.30
# Below this they are no matter; between both it may be either they or its own need for cores.
FEW_OTHERS_RATIO = 0.20
# Cores that are busy for more than that are full (as in SageMaker Debugger's rule CPUBottleneck).
BUSY_RATIO = 0.90
# A hypervisor that takes this much is named.
_STOLEN_RATIO = 0.10


def judge(view: View) -> Judgement:
    """Fire where the loop waits, workers queue for a core, and others take three cores in ten."""
    wait = starved_workers(view)
    if not isinstance(wait, Interval):
        return wait
    cores, queue = cores_of(view), view.queue_per_cpu
    if cores is None or cores.others is None or cores.others_ratio is None or queue is None:
        return NotJudged("what other programs take of the cores, or how long workers wait, is not known")
    against = _against(view, cores, cores.others_ratio, queue)
    if against:
        return Silent(against)
    taken = _taken(cores)
    text = (
        f"{starved_words(view, wait)}{taken}, and a worker waits for one"
        f" {percent(view.worker_queue or 0.0)} of the time"
    )
    evidence = (
        wait_evidence(wait),
        Evidence("host_cpu_busy_ratio", _busy(view, cores), BUSY_RATIO, text=taken),
        queue_evidence(view, queue, QUEUE_PER_CPU),
    )
    return Finding(RULE.id, RULE.severity, text, starved_since(view), evidence, lost_ratio=wait.value)


def _against(view: View, cores: Cores, others_ratio: float, queue: float) -> str:
    """Return what speaks against neighbours, or ""."""
    if is_throttled(view):
        return "its CPU quota keeps it from the cores"
    if queue < QUEUE_PER_CPU or worker_time(view).computing < COMPUTING_RATIO:
        return f"workers wait for a core only {as_long_words(queue)} as they run"
    if others_ratio < OTHERS_RATIO:
        return f"other programs take {percent(others_ratio)} of the cores"
    taken = _busy(view, cores)
    # How full the cores are that its affinity leaves it is not known; the queue for them says it.
    if cores.limit is not CoreLimit.AFFINITY and taken <= BUSY_RATIO:
        return f"the cores of the machine are busy only {percent(taken)}"
    return ""


def _busy(view: View, cores: Cores) -> float:
    """Return how busy all cores of the machine are."""
    return min(1.0, ((cores.others or 0.0) + (view.own_cpu or 0.0)) / cores.host)


def _taken(cores: Cores) -> str:
    if cores.others is None or cores.others_ratio is None:
        return ""
    if cores.limit is CoreLimit.AFFINITY:
        taken = cores_words(cores.others_ratio * cores.usable)
        return f"other programs take {taken} of the {cores.usable:g} that it may run on"
    if cores.stolen >= _STOLEN_RATIO * cores.host:
        return (
            f"other programs take {cores_words(cores.others)} of {cores.host:g}, and of these the hypervisor"
            f" gives {cores_words(cores.stolen)} to other machines"
        )
    return f"other programs take {cores_words(cores.others)} of {cores.host:g}"


RULE = Rule(
    "starved-neighbours",
    Severity.WARNING,
    ("data_wait_ratio", "host_cpu_busy_ratio", "worker_cpu_ratio", "worker_run_queue_wait_ratio"),
    judge,
)
