"""The loop waits for single slow images although its workers idle: batches go in turn."""

from __future__ import annotations

from gpumon.diagnosis.pace import pace_drop
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.starvation import (
    OUTSIDE_RATIO,
    contended,
    idle_allowed,
    starved_since,
    starved_words,
    starved_workers,
    wait_evidence,
    worker_time,
    workers_words,
)
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent
from gpumon.diagnosis.workers import each_words, shares_by_worker
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity

# Workers that idle more than that are as good as never late: what the loop waits for is on its own side.
_MOST_IDLE_RATIO = 0.75
# How much less they get done in the seconds in which the loop waits more; alike images differ by chance.
DROP_RATIO = 0.10


def judge(view: View) -> Judgement:
    """Fire where the loop waits, workers idle, nothing else keeps them, and they work by fits and starts."""
    wait = starved_workers(view)
    if not isinstance(wait, Interval):
        return wait
    idle = view.idle
    if idle is None:
        return NotJudged("how much the workers idle is not known")
    against = _against(view, wait, idle)
    if against:
        return Silent(against)
    drop = pace_drop(view)
    if drop is None:
        return NotJudged("how evenly the workers work is not known")
    if drop < DROP_RATIO:
        return Silent("the workers get as much done while it waits as while it does not")
    text = (
        f"{starved_words(view, wait)}{workers_words(view)} idle {percent(idle)} of the time, yet are late at"
        f" times: in the seconds in which it waits more they get {percent(drop)} less done, as single images"
        " take much longer and the batches after them wait for their turn"
    )
    each = each_words(shares_by_worker(view, lambda state: state.polling))
    evidence = (
        wait_evidence(wait),
        Evidence(
            "worker_idle_ratio",
            idle,
            idle_allowed(wait),
            text=f"the workers idle {percent(idle)} of the time{each}",
        ),
        Evidence(
            "worker_cpu_ratio",
            view.worker_cpu or 0.0,
            text=f"they get {percent(drop)} less done in the seconds in which it waits more",
        ),
    )
    return Finding(RULE.id, RULE.severity, text, starved_since(view), evidence, lost_ratio=wait.value)


def _against(view: View, wait: Interval, idle: float) -> str:
    """Return what speaks against late single images, or ""."""
    time = worker_time(view)
    if not idle_allowed(wait) < idle <= _MOST_IDLE_RATIO:
        return f"the workers idle {percent(idle)} of the time"
    if max(time.disk, time.remote, time.lock) > OUTSIDE_RATIO or contended(view):
        return "the workers wait for something else, too"
    if view.main_queue is not None and view.main_queue >= wait.value:
        # Then the pace is that of the machine, and less is done in any second in which others take the cores.
        return f"the main process waits for a core {percent(view.main_queue)} of the time"
    return ""


RULE = Rule("starved-slow-samples", Severity.WARNING, ("data_wait_ratio", "worker_idle_ratio"), judge)
