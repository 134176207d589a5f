"""The loop waits because its workers wait for each other: a lock lets only one of them go on."""

from __future__ import annotations

from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.starvation import (
    OUTSIDE_RATIO,
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
from gpumon.model.measure import Missing
from gpumon.model.process import ThreadStates


def judge(view: View) -> Judgement:
    """Fire where the loop waits and workers are in a futex for a fifth of their time or more."""
    wait = starved_workers(view)
    if not isinstance(wait, Interval):
        return wait
    known_lock = view.reading.loader.worker_lock_ratio
    time = worker_time(view)
    if isinstance(known_lock, Missing) and not time.lock:
        return NotJudged(f"whether workers wait for a lock is not known: {known_lock.reason}")
    if time.lock <= OUTSIDE_RATIO:
        return Silent(f"the workers wait {percent(time.lock)} of the time for a lock")
    if time.lock < max(time.disk, time.remote):
        return Silent("the workers wait for storage longer than for a lock")
    text = (
        f"{starved_words(view, wait)}{workers_words(view)} wait {percent(time.lock)} of the time for a lock"
        " that another process or thread holds, for no core and no disk; more workers would queue for it, too"
    )
    each = each_words(shares_by_worker(view, _in_a_futex))
    locked = Evidence(
        "worker_lock_ratio",
        time.lock,
        OUTSIDE_RATIO,
        text=f"the workers are in a futex {percent(time.lock)} of the time{each}",
    )
    return Finding(
        RULE.id,
        RULE.severity,
        text,
        starved_since(view),
        (wait_evidence(wait), locked),
        lost_ratio=wait.value,
    )


def _in_a_futex(state: ThreadStates) -> int:
    return state.futex_untimed or state.futex_timed


RULE = Rule("starved-lock", Severity.WARNING, ("data_wait_ratio", "worker_lock_ratio"), judge)
