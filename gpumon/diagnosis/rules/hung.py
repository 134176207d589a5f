"""No batch has come for long, and nothing of the training moves."""

from __future__ import annotations

from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.standstill import (
    STOPPED_STATES,
    Standstill,
    Stillness,
    last_work_unix_seconds,
    standstill_of,
    step_seconds,
)
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, percent, seconds_words
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.host import SharedMemoryReading
from gpumon.model.measure import known, number
from gpumon.model.process import Role
from gpumon.model.training import Phase

# Chosen: no batch for more than 10 steps and 60 s. Where no process uses a core and the GPU idles, no
# batch can come: a third of that is enough, and for a signal, which is certain, less.
_STEPS = 10
_LEAST_SECONDS = {Stillness.STOPPED: 8.0, Stillness.ASLEEP: 20.0, Stillness.NO_BATCH: 60.0}
# A start downloads and a checkpoint uploads: both sleep on the network for long, and yet end.
_QUIET_PHASE_SECONDS = 120.0
_QUIET_PHASES = frozenset({Phase.START, Phase.CHECKPOINT, Phase.END})
# A mount that hangs may come back.
_REMOTE_RATIO, _REMOTE_SECONDS = 0.5, 60.0
# A real YOLOv5 with torch 2.13 hung on a /dev/shm of 8 MB that was 90 % full.
_FULL_SHM_RATIO = 0.15
_WAITING_RATIO = 0.8


def judge(view: View) -> Judgement:
    """Fire where the training has stood still for longer than any step or pause of a sound one."""
    if view.reading.ended is not None:
        return Silent("it has ended")
    if not view.reading.processes:
        return NotJudged("its processes cannot be seen")
    found = standstill_of(view)
    if found is None:
        return Silent("the training moves")
    least = _least_seconds(view, found)
    if found.seconds < least:
        return Silent(f"nothing has moved for {found.seconds:.0f} s; {least:.0f} s would be a hang")
    now = view.sample.instant.unix_seconds
    since = now - found.seconds
    if found.is_longer:
        since = min(since, last_work_unix_seconds(view) or since)
    text = f"no batch has come for {seconds_words(now - since)}: {_cause(view, found)}"
    evidence = Evidence(
        "batches_per_second", 0.0, 0.0, text=f"no batch in the last {seconds_words(found.seconds)}"
    )
    return Finding(RULE.id, RULE.severity, text, since, (evidence,), lost_ratio=1.0)


def _least_seconds(view: View, found: Standstill) -> float:
    least = max(_LEAST_SECONDS[found.how], _STEPS * step_seconds(view))
    if found.how is Stillness.STOPPED:
        return _LEAST_SECONDS[found.how]
    if view.phase in _QUIET_PHASES and _short_shm(view) is None:
        return max(least, _QUIET_PHASE_SECONDS)
    if _remote_ratio(view) > _REMOTE_RATIO:
        return max(least, _REMOTE_SECONDS)
    return least


def _cause(view: View, found: Standstill) -> str:
    """Return how it stands still, and the likeliest reason."""
    if who := _stopped(view, found):
        return f"{who} stopped by a signal, kill -CONT would let it go on"
    shm = _short_shm(view)
    if shm is not None:
        full = percent(1 - shm.shm_free_bytes / shm.shm_total_bytes)
        size = bytes_words(shm.shm_total_bytes)
        return f"all its processes sleep and its /dev/shm of {size} is {full} full, a batch was lost for it"
    if _remote_ratio(view) > _REMOTE_RATIO:
        return "its workers wait for remote storage, which does not answer"
    if found.how is Stillness.NO_BATCH:
        return f"the workers rest, and the main process is busy with the same batch{_ranks(view)}"
    wait = number(view.reading.loader.data_wait_ratio)
    if wait is not None and wait >= _WAITING_RATIO:
        return "the loop waits for a batch that no worker prepares, all its processes sleep"
    return f"all its processes sleep, none uses a core{_ranks(view)}"


def _stopped(view: View, found: Standstill) -> str:
    """Return who was stopped by a signal (`worker 4711 is`), the loop or those it waits for; or no words."""
    if found.how is Stillness.STOPPED:
        return "its main process is"
    role = Role.VAL_WORKER if view.phase is Phase.VALIDATE else Role.TRAIN_WORKER
    rows = view.reading.processes
    workers = [row.id.pid for row in rows if row.role is role and row.state in STOPPED_STATES]
    if len(workers) > 1:
        return f"{len(workers)} of its workers are"
    return f"worker {workers[0]} is" if workers else ""


def _short_shm(view: View) -> SharedMemoryReading | None:
    """Return a /dev/shm that may have lost a batch of the workers: full, or smaller than they need."""
    shm = known(view.reading.loader.shm)
    if shm is None or not view.workers:
        return None
    needed = number(view.reading.loader.shm_needed_bytes)
    is_full = shm.shm_free_bytes <= _FULL_SHM_RATIO * shm.shm_total_bytes
    return shm if is_full or (needed is not None and needed > shm.shm_total_bytes) else None


def _ranks(view: View) -> str:
    return "" if view.ranks == 1 else f"; one of its {view.ranks} ranks may wait for another that is gone"


def _remote_ratio(view: View) -> float:
    return number(view.reading.loader.worker_remote_ratio) or 0.0


RULE = Rule("hung", Severity.CRITICAL, (), judge)
