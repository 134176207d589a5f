"""What DataLoader workers hold in /dev/shm: the batches that they have ready for the loop."""

from __future__ import annotations

from math import ceil

from gpumon.history.stats import Interval

# torch's default, which YOLOv5 and ultralytics never set.
PREFETCH = 2
# uint8, three channels: images become floating point on the device (YOLOv5's train.py).
_BYTES_PER_PIXEL = 3
# Batches on their way to the loop besides: one that it works on and one that is pinned.
_ON_THE_WAY = 2
# YOLOv5 validates with twice the workers (since v6.1) at twice the batch.
_VAL_WORKERS, _VAL_BATCH = 2, 2
# Validation batches are rectangles of multiples of 32 with half of one as padding. COCO's pictures are 4:3
# as a rule; 16:9 and squares bound them.
_STRIDE, _PADDING = 32, 0.5
_ASPECT_LOW, _ASPECT, _ASPECT_HIGH = 0.5625, 0.75, 1.0


def shared_memory_need_bytes(
    workers: int, rank_batch: int, imgsz: int, *, ranks: int = 1, val_workers: int | None = None
) -> Interval:
    """Return what the loaders of all ranks hold in /dev/shm when their queues are full, in bytes.

    `workers` and `rank_batch` are those of one rank; `val_workers` those of rank 0's validation loader:
    None for YOLOv5's twice as many, 0 for a training without one. Low and high are for pictures of 16:9 and
    squares. Raises ValueError for a negative number.

    Source: YOLOv5's train.py and dataloaders.py; with the real YOLOv5 it gave 32.0 MB where 32.2 MB were
    measured.
    """
    if min(workers, rank_batch, imgsz, ranks, val_workers or 0) < 0:
        raise ValueError("workers, batch, image size and ranks are not negative")
    if workers == 0:
        return Interval(0.0, 0.0, 0.0)
    image = _BYTES_PER_PIXEL * imgsz**2
    train = ranks * (PREFETCH * workers + _ON_THE_WAY) * rank_batch * image
    validating = _VAL_WORKERS * workers if val_workers is None else val_workers

    def bytes_at(aspect: float) -> float:
        pixels = _padded(imgsz) * _padded(imgsz * aspect)
        return float(train + PREFETCH * validating * _VAL_BATCH * rank_batch * _BYTES_PER_PIXEL * pixels)

    return Interval(bytes_at(_ASPECT), bytes_at(_ASPECT_LOW), bytes_at(_ASPECT_HIGH))


def workers_that_fit(
    free_bytes: float, workers: int, rank_batch: int, imgsz: int, *, ranks: int = 1, validates: bool = True
) -> int:
    """Return how many workers of one rank /dev/shm has room for, where `workers` run and so much is free.

    Those that run have filled their queues. By squares, the safe side; never fewer than run now.
    """
    validating = None if validates else 0
    one, two = (
        shared_memory_need_bytes(count, rank_batch, imgsz, ranks=ranks, val_workers=validating).high
        for count in (1, 2)
    )
    if workers == 0 and free_bytes < one:
        return 0
    # The first one brings the batches on their way, each further one only its own.
    room = free_bytes if workers else free_bytes - one
    return max(workers, 1) + int(max(0.0, room) / (two - one)) if two > one else workers


def _padded(side: float) -> int:
    return ceil(side / _STRIDE + _PADDING) * _STRIDE
