"""The wait for a disk of this machine that starves a training: what its two causes share."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.cores import cores_of
from gpumon.diagnosis.rule import NotJudged, Silent
from gpumon.diagnosis.starvation import (
    OUTSIDE_RATIO,
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
from gpumon.model.finding import Evidence
from gpumon.model.measure import Missing


@dataclass(frozen=True, slots=True)
class DiskWait:
    """A loop that waits because its workers wait for a disk here, for a `share` of their time."""

    wait: Interval
    share: float
    device_busy_ratio: float
    storage: Storage


def disk_wait(view: View) -> DiskWait | Silent | NotJudged:
    """Return the wait for a disk of this machine, or why there is none."""
    wait = starved_workers(view)
    if not isinstance(wait, Interval):
        return wait
    looks, time = view.reading.loader.worker_disk_ratio, worker_time(view)
    if isinstance(looks, Missing):
        return NotJudged(f"whether workers wait for a disk is not known: {looks.reason}")
    if not waits_for_storage(time.disk, wait, cores_of(view)):
        return Silent(f"the workers wait {percent(time.disk)} of the time for a disk")
    if max(time.remote, time.lock) > time.disk:
        return Silent("the workers wait longer for something else than for a disk")
    return _on_a_busy_disk(view, wait, time.disk)


def _on_a_busy_disk(view: View, wait: Interval, share: float) -> DiskWait | Silent | NotJudged:
    storage = storage_of(view)
    if storage.device_busy_ratio is None:
        return NotJudged("how busy the disks of this machine are is not known")
    if storage.device_busy_ratio < IDLE_DEVICE_RATIO:
        return Silent(f"the busiest disk here is busy only {percent(storage.device_busy_ratio)}")
    return DiskWait(wait, share, storage.device_busy_ratio, storage)


def disk_words(view: View, disk: DiskWait) -> str:
    """Return how the sentence about it begins."""
    begin = f"{starved_words(view, disk.wait)}{workers_words(view)} wait"
    return f"{begin} {percent(disk.share)} of the time for the disk"


def disk_evidence(view: View, disk: DiskWait) -> list[Evidence]:
    """Return the wait, what the workers do meanwhile, and how busy the disk is."""
    storage = disk.storage
    looks = view.pooled(lambda reading: reading.loader.worker_disk_ratio) or 0.0
    found = [
        wait_evidence(disk.wait),
        Evidence(
            "worker_disk_ratio",
            looks,
            OUTSIDE_RATIO if looks > OUTSIDE_RATIO else None,
            text=f"the workers wait {percent(disk.share)} of the time for a disk{_seen(view)}",
        ),
        Evidence("disk_busy_ratio", disk.device_busy_ratio, IDLE_DEVICE_RATIO, text=read_words(storage)),
    ]
    if storage.fetched_ratio is not None and storage.read_bytes_per_second is not None:
        words = f"{percent(storage.fetched_ratio)} of what the workers read was not in the page cache"
        found.append(Evidence("loader_read_bytes_per_second", storage.read_bytes_per_second, text=words))
    return found


def _seen(view: View) -> str:
    """Return how often each worker was found in state D: less often than it waits where waits are short."""
    each = each_words(shares_by_worker(view, lambda state: state.disk))
    return f", by looks in state D{each}" if each else ""
