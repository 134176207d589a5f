"""The loop waits, its workers are busy, and there are cores for more of them."""

from __future__ import annotations

from gpumon.diagnosis.cores import CoreLimit, Cores, cores_of, limit_words
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.starvation import (
    COMPUTING_RATIO,
    OUTSIDE_RATIO,
    busy_workers_words,
    contended,
    idle_allowed,
    starved_since,
    starved_words,
    starved_workers,
    wait_evidence,
    waits_for_storage,
    worker_time,
)
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import cores_words, percent
from gpumon.diagnosis.workers import each_words, shares_by_worker
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.process import ThreadStates

# Workers that compute need cores: below this, or below a tenth of them, they are as good as taken.
_SPARE_CORES = 0.25
_SPARE_RATIO = 0.10


def judge(view: View) -> Judgement:
    """Fire where the loop waits, the workers are busy, and nothing forbids more of them."""
    wait = starved_workers(view)
    if not isinstance(wait, Interval):
        return wait
    busy = view.busy
    if busy is None:
        return NotJudged("what the workers wait for is not known")
    allowed = idle_allowed(wait)
    if 1.0 - busy > allowed:
        return Silent(f"the workers idle {percent(1.0 - busy)} of the time, so more of them would not help")
    cores = cores_of(view)
    obstacle = _obstacle(view, wait, cores)
    if obstacle:
        return Silent(obstacle)
    idle = cores.idle if cores else None
    spare = "" if idle is None else ", no core idle" if idle < 0.05 else f", {cores_words(idle)} idle"
    sleeping = worker_time(view).sleeping
    off = f" ({percent(sleeping)} off the CPU)" if sleeping > OUTSIDE_RATIO else ""
    text = f"{starved_words(view, wait)}{busy_workers_words(view)}{off}{spare}"
    each = each_words(shares_by_worker(view, _not_polling))
    words = f"the workers are busy {percent(busy)}{each}"
    if off:
        words += f"; {percent(sleeping)} of the time they sleep, and wait for neither a core nor a disk"
    evidence = [wait_evidence(wait), Evidence("worker_idle_ratio", 1.0 - busy, allowed, text=words)]
    if idle is not None and cores is not None and cores.busy_ratio is not None:
        words = f"{cores_words(idle)} of {cores.usable:g} idle"
        evidence.append(Evidence("host_cpu_busy_ratio", cores.busy_ratio, text=words))
    return Finding(RULE.id, RULE.severity, text, starved_since(view), tuple(evidence), lost_ratio=wait.value)


def _obstacle(view: View, wait: Interval, cores: Cores | None) -> str:
    """Return what forbids more workers, or ""."""
    time = worker_time(view)
    if time.lock > OUTSIDE_RATIO:
        return f"the workers wait {percent(time.lock)} of the time for a lock"
    if waits_for_storage(time.disk + time.remote, wait, cores):
        return f"the workers wait {percent(time.disk + time.remote)} of the time for storage"
    if cores is None or cores.idle is None or time.computing < COMPUTING_RATIO:
        return ""
    if cores.idle < max(_SPARE_CORES, _SPARE_RATIO * cores.usable):
        return f"the workers compute, and only {cores_words(cores.idle)} are idle"
    if cores.limit is CoreLimit.AFFINITY and contended(view):
        return f"the workers queue for {limit_words(cores)}"
    return ""


def _not_polling(state: ThreadStates) -> int:
    return state.samples - state.stopped - state.polling


RULE = Rule("starved-too-few-workers", Severity.WARNING, ("data_wait_ratio",), judge)
