"""The loop waits because all usable cores are taken: more workers cannot help."""

from __future__ import annotations

from gpumon.diagnosis.cores import Cores, cores_of, limit_words
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.starvation import starved, starved_since, wait_evidence
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import cores_words, percent, wait_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity

# facts, row 2: CPU busy above 90 % of the usable cores, and run-queue wait at least 20 % of the CPU time.
_BUSY_RATIO = 0.90
_QUEUE_PER_CPU = 0.20
# Workers that run, or queue to run, for less than this wait elsewhere: for those more of them do help.
_COMPUTING_RATIO = 0.5
# Programs outside the training that take this many cores are named.
_OTHERS_CORES = 0.5


def judge(view: View) -> Judgement:
    """Fire where the loop waits, the cores are full, and workers queue or would need more cores."""
    wait = starved(view)
    if not isinstance(wait, Interval):
        return wait
    if view.workers == 0:
        return Silent("no workers")
    cores, queue = cores_of(view), view.queue_per_cpu
    if cores is None or cores.busy_ratio is None or queue is None:
        return NotJudged("how busy the usable cores are, or how long workers wait for one, is not known")
    computing = (view.worker_cpu or 0.0) + (view.worker_queue or 0.0)
    if cores.busy_ratio <= _BUSY_RATIO or computing < _COMPUTING_RATIO:
        taken = percent(cores.busy_ratio)
        return Silent(f"the usable cores are busy {taken}, the workers compute {percent(computing)}")
    wants_more = cores.demand is not None and cores.demand > cores.usable
    if queue < _QUEUE_PER_CPU and not wants_more:
        return Silent(f"workers wait for a core only {percent(queue)} as long as they run")
    text = (
        f"{view.waiter} waits {wait_words(wait)} of each step for data: {limit_words(cores)}"
        f" {_are(cores)} busy {percent(cores.busy_ratio)}, so more workers cannot help{_others(cores)}"
    )
    busy = Evidence(
        "host_cpu_busy_ratio",
        cores.busy_ratio,
        _BUSY_RATIO,
        text=f"{limit_words(cores)} {_are(cores)} busy {percent(cores.busy_ratio)}",
    )
    queued = Evidence(
        "worker_run_queue_wait_ratio",
        view.worker_queue or 0.0,
        _QUEUE_PER_CPU * (view.worker_cpu or 0.0),
        text=f"workers wait for a core {percent(queue)} as long as they run on one",
    )
    return Finding(RULE.id, RULE.severity, text, starved_since(view), (wait_evidence(wait), busy, queued))


def _are(cores: Cores) -> str:
    return "is" if limit_words(cores).startswith("its") or cores.usable == 1 else "are"


def _others(cores: Cores) -> str:
    if cores.others is None or cores.others < _OTHERS_CORES:
        return ""
    return f"; other programs take {cores_words(cores.others)}"


RULE = Rule(
    "starved-cpu-exhausted",
    Severity.WARNING,
    ("data_wait_ratio", "host_cpu_busy_ratio", "worker_cpu_ratio", "worker_run_queue_wait_ratio"),
    judge,
)
