"""Flushes of PyTorch's allocator: the leading sign that GPU memory runs out.

Where the driver refuses a request, the allocator gives all its free segments back and asks again
(num_alloc_retries counts that, and cannot be seen from outside). What can be seen is a saw-tooth near the
limit: memory falls by hundreds of MB within a step and is back one or two steps later. Ordinary freeing
gives nothing back to the driver; a framework that empties the cache does so between two phases.
"""

from __future__ import annotations

from gpumon.diagnosis.view import View
from gpumon.model.measure import known
from gpumon.model.reading import TrainingReading
from gpumon.model.training import Phase

_NEAR_LIMIT = 0.90
# Chosen: torch gives all free blocks back before it fails (CUDACachingAllocator::malloc), seen as a drop by
# hundreds of MB; of a small device by a fiftieth of it.
_LEAST_BYTES = 100e6
_LEAST_RATIO = 0.02
# Steps of seconds are slow ones: by then it is back.
_BACK_SECONDS = 8.0
_BACK_RATIO = 0.97


def flushes_of(view: View, limit_bytes: int) -> int:
    """Return how many flushes the full samples show; 0 where the training has several GPUs."""
    newest = view.reading
    if len(newest.gpu_uuids) != 1 or (known(newest.gpu_memory_used_bytes) or 0) < _NEAR_LIMIT * limit_bytes:
        return 0  # far from its limit now: whatever fell was given up for good
    found = 0
    drop = max(_LEAST_BYTES, _LEAST_RATIO * limit_bytes)
    used = [known(reading.gpu_memory_used_bytes) or 0 for _, reading in view.seen]
    if max(used) - min(used) < drop:
        return 0
    for index in range(1, len(used)):
        before = used[index - 1]
        if before < _NEAR_LIMIT * limit_bytes or before - used[index] < drop:
            continue
        if _same_training(view.seen[index - 1][1], view.seen[index][1]) and _is_back(view, used, index):
            found += 1
    return found


def _same_training(before: TrainingReading, after: TrainingReading) -> bool:
    return (
        before.phase is Phase.TRAIN
        and after.phase is Phase.TRAIN
        and known(before.progress.epoch) == known(after.progress.epoch)
    )


def _is_back(view: View, used: list[int], index: int) -> bool:
    seconds = 0.0
    for later in range(index + 1, len(used)):
        seconds += view.seen[later][0].interval_seconds
        if seconds > _BACK_SECONDS:
            return False
        if used[later] >= _BACK_RATIO * used[index - 1]:
            return True
    return False
