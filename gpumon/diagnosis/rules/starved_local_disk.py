"""The loop waits because its workers wait for a disk of this machine."""

from __future__ import annotations

from gpumon.diagnosis.disk import DiskWait, disk_evidence, disk_wait, disk_words
from gpumon.diagnosis.rule import Judgement, Rule, Silent
from gpumon.diagnosis.starvation import starved_since
from gpumon.diagnosis.storage import read_words
from gpumon.diagnosis.view import View
from gpumon.model.finding import Finding, Severity

# A disk this busy has nothing left for further workers.
_SATURATED_RATIO = 0.90


def judge(view: View) -> Judgement:
    """Fire where the loop waits, workers wait for a disk, and memory had not held what they read."""
    disk = disk_wait(view)
    if not isinstance(disk, DiskWait):
        return disk
    if disk.storage.is_thrown_out:
        return Silent("the disk is asked for what memory could not keep")
    saturated = disk.device_busy_ratio >= _SATURATED_RATIO
    room = "so more workers would only queue for it" if saturated else "so it has room for more workers"
    return Finding(
        RULE.id,
        RULE.severity,
        f"{disk_words(view, disk)}: {read_words(disk.storage)}, {room}",
        starved_since(view),
        tuple(disk_evidence(view, disk)),
        lost_ratio=disk.wait.value,
    )


RULE = Rule(
    "starved-local-disk",
    Severity.WARNING,
    ("data_wait_ratio", "worker_disk_ratio", "disk_busy_ratio"),
    judge,
)
