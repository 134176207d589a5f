"""The loop waits, its workers are busy, and there are cores for more of them."""

from __future__ import annotations

from gpumon.diagnosis.cores import Cores, cores_of
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.starvation import (
    SEVERE_RATIO,
    WorkerWaits,
    busy_workers_words,
    starved,
    starved_since,
    wait_evidence,
    worker_waits,
)
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import cores_words, percent, wait_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity

# facts, row 1: workers busy at least 95 %; measured 96-100 % where the wait is severe. Near the balance
# a worker now and then finds its queue full, so a light wait allows more.
_IDLE_RATIO, _IDLE_RATIO_LIGHT = 0.15, 0.30
# facts, section 4 of the attach measurements: an untimed futex above 20 % is a lock, D above 20 % a disk.
_LOCK_RATIO, _DISK_RATIO, _SLEEPING_RATIO = 0.20, 0.20, 0.20
# A disk this busy has nothing left for further workers.
_SATURATED_RATIO = 0.90
# Workers that compute need a share of a core; below this the cores are as good as taken.
_SPARE_CORES = 0.25
_COMPUTING_RATIO = 0.5


def judge(view: View) -> Judgement:
    """Fire where the loop waits, the workers are busy, and nothing forbids more of them."""
    wait = starved(view)
    if not isinstance(wait, Interval):
        return wait
    if view.workers == 0:
        return Silent("no workers")
    busy = view.busy
    if busy is None:
        return NotJudged("what the workers wait for is not known")
    allowed = _IDLE_RATIO if wait.value >= SEVERE_RATIO else _IDLE_RATIO_LIGHT
    if 1.0 - busy > allowed:
        return Silent(f"the workers idle {percent(1.0 - busy)} of the time, so more of them would not help")
    waits, cores = worker_waits(view), cores_of(view)
    obstacle = _obstacle(view, waits, cores)
    if obstacle:
        return Silent(obstacle)
    idle = cores.idle if cores else None
    spare = "" if idle is None else ", no core idle" if idle < 0.05 else f", {cores_words(idle)} idle"
    text = (
        f"{view.waiter} waits {wait_words(wait)} of each step for data:"
        f" {busy_workers_words(view)}{_outside(waits)}{spare}"
    )
    evidence = [
        wait_evidence(wait),
        Evidence("worker_idle_ratio", 1.0 - busy, allowed, text=f"the workers are busy {percent(busy)}"),
    ]
    if waits.disk > _DISK_RATIO:
        words = f"they wait {percent(waits.disk)} of the time for a disk"
        if waits.device_busy is not None:
            words += f" that is busy {percent(waits.device_busy)}"
        evidence.append(Evidence("worker_disk_ratio", waits.disk, _DISK_RATIO, text=words))
    if idle is not None and cores is not None and cores.busy_ratio is not None:
        words = f"{cores_words(idle)} of {cores.usable:g} idle"
        evidence.append(Evidence("host_cpu_busy_ratio", cores.busy_ratio, text=words))
    return Finding(RULE.id, RULE.severity, text, starved_since(view), tuple(evidence))


def _obstacle(view: View, waits: WorkerWaits, cores: Cores | None) -> str:
    if waits.lock > _LOCK_RATIO:
        return f"the workers wait {percent(waits.lock)} of the time for a lock"
    saturated = waits.device_busy is not None and waits.device_busy >= _SATURATED_RATIO
    if waits.disk > _DISK_RATIO and saturated:
        return f"the workers wait {percent(waits.disk)} of the time for a disk that is busy all the time"
    wanted = (view.worker_cpu or 0.0) + (view.worker_queue or 0.0)
    if (
        cores is not None
        and cores.idle is not None
        and cores.idle < _SPARE_CORES
        and wanted > _COMPUTING_RATIO
    ):
        return f"the workers compute, and only {cores_words(cores.idle)} are idle"
    return ""


def _outside(waits: WorkerWaits) -> str:
    if waits.remote > _DISK_RATIO:
        return f", {percent(waits.remote)} of the time waiting for remote storage"
    if waits.disk > _DISK_RATIO:
        return f", {percent(waits.disk)} of the time waiting for a disk"
    if waits.sleeping > _SLEEPING_RATIO:
        return f", {percent(waits.sleeping)} of the time asleep, waiting for neither a core nor a disk"
    return ""


RULE = Rule(
    "starved-too-few-workers",
    Severity.WARNING,
    ("data_wait_ratio", "worker_idle_ratio"),
    judge,
)
