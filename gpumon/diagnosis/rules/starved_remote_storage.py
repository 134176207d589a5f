"""The loop waits because its workers wait for a file system that is elsewhere: NFS, FUSE, a parallel one."""

from __future__ import annotations

from gpumon.diagnosis.cores import cores_of
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.starvation import (
    OUTSIDE_RATIO,
    WorkerTime,
    starved_since,
    starved_words,
    starved_workers,
    wait_evidence,
    waits_for_storage,
    worker_time,
    workers_words,
)
from gpumon.diagnosis.storage import IDLE_DEVICE_RATIO, Storage, read_words, storage_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent
from gpumon.diagnosis.workers import each_words, shares_by_worker
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import Missing


def judge(view: View) -> Judgement:
    """Fire where the loop waits and workers wait for a remote file system, or for a disk that is not here."""
    wait = starved_workers(view)
    if not isinstance(wait, Interval):
        return wait
    looks, time = view.reading.loader.worker_disk_ratio, worker_time(view)
    if isinstance(looks, Missing):
        return NotJudged(f"whether workers wait for storage is not known: {looks.reason}")
    share = time.remote + time.disk
    if not waits_for_storage(share, wait, cores_of(view)) or time.lock > share:
        return Silent(f"the workers wait {percent(share)} of the time for storage")
    storage = storage_of(view)
    where = _elsewhere(time, storage)
    if not where:
        return Silent(f"the workers wait {percent(time.disk)} of the time for a disk here")
    share = max(time.remote, share if time.remote < time.disk else 0.0)
    how = f"wait {percent(share)} of the time for {where}"
    metric = "worker_remote_ratio" if time.remote >= time.disk else "worker_disk_ratio"
    local = read_words(storage)
    text = f"{starved_words(view, wait)}{workers_words(view)} {how}"
    text += f", while of the disks here {local}" if local else ""
    each = each_words(shares_by_worker(view, lambda state: state.remote + state.disk))
    evidence = [
        wait_evidence(wait),
        Evidence(metric, share, OUTSIDE_RATIO, text=f"the workers {how}{each}"),
    ]
    if storage.device_busy_ratio is not None:
        words = f"of the disks here {local}"
        evidence.append(Evidence("disk_busy_ratio", storage.device_busy_ratio, IDLE_DEVICE_RATIO, text=words))
    return Finding(RULE.id, RULE.severity, text, starved_since(view), tuple(evidence), lost_ratio=wait.value)


def _elsewhere(time: WorkerTime, storage: Storage) -> str:
    """Return what the workers wait for where that is not on this machine, else ""."""
    if time.remote >= time.disk:
        return "a remote file system"
    if storage.device_busy_ratio is not None and storage.device_busy_ratio < IDLE_DEVICE_RATIO:
        return "storage that is not on a disk here"
    return ""


RULE = Rule("starved-remote-storage", Severity.WARNING, ("data_wait_ratio", "worker_disk_ratio"), judge)
