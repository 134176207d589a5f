"""The loop waits for a disk again and again because the data set does not fit into the page cache."""

from __future__ import annotations

from gpumon.diagnosis.disk import DiskWait, disk_evidence, disk_wait, disk_words
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.starvation import starved_since
from gpumon.diagnosis.storage import THROWN_OUT_RATIO, Storage
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, percent
from gpumon.model.finding import Evidence, Finding, Severity


def judge(view: View) -> Judgement:
    """Fire where workers wait for a disk and the kernel says that it reads what memory had held before."""
    disk = disk_wait(view)
    if not isinstance(disk, DiskWait):
        return disk
    storage = disk.storage
    if storage.thrown_out_ratio is None and storage.epoch_bytes is None:
        return NotJudged("neither the pressure on memory and I/O nor what an epoch reads is known")
    if not storage.is_thrown_out:
        return Silent("nothing shows that memory had held what is read")
    evidence = disk_evidence(view, disk)
    stalled, waiting = storage.memory_stall_ratio, storage.io_stall_ratio
    if storage.thrown_out_ratio is not None and stalled is not None and waiting is not None:
        words = (
            f"{percent(storage.thrown_out_ratio)} of the time in which anything waits for I/O it waits for"
            " what memory had thrown out"
        )
        evidence.append(Evidence("memory_some_ratio", stalled, THROWN_OUT_RATIO * waiting, text=words))
    return Finding(
        RULE.id,
        RULE.severity,
        f"{disk_words(view, disk)}, for files that memory had held and thrown out: {_room(storage)}",
        starved_since(view),
        tuple(evidence),
        lost_ratio=disk.wait.value,
    )


def _room(storage: Storage) -> str:
    if storage.cache_room_bytes is None:
        return "the page cache does not hold the data set"
    where = "its memory limit leaves" if storage.cache_is_limited else "this machine has"
    return f"{where} {bytes_words(storage.cache_room_bytes)} for the page cache, and the data set is larger"


RULE = Rule("starved-page-cache", Severity.WARNING, ("data_wait_ratio", "worker_disk_ratio"), judge)
