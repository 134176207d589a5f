"""What DataLoader workers hold in /dev/shm: the batches that they have ready for the loop."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from math import ceil

from gpumon.history.stats import Interval

# torch's default, which YOLOv5 and ultralytics never set.
PREFETCH = 2
# uint8, three channels: images become floating point on the device (YOLOv5's train.py).
_BYTES_PER_PIXEL = 3
# Batches on their way to the loop besides: one that it works on and one that is pinned.
_ON_THE_WAY = 2
# YOLOv5 validates at twice the batch.
_VAL_BATCH = 2
# Validation batches are rectangles of multiples of 32 with half of one as padding. COCO's pictures are 4:3
# as a rule; 16:9 and squares bound them.
_STRIDE, _PADDING = 32, 0.5
_ASPECT_LOW, _ASPECT, _ASPECT_HIGH = 0.5625, 0.75, 1.0


def shared_memory_need_bytes(
    workers: int, rank_batch: int, imgsz: int, *, val_workers: int, ranks: int = 1
) -> Interval:
    """Return what the loaders of all ranks hold in /dev/shm when their queues are full, in bytes.

    `workers` and `rank_batch` are those of one rank; `val_workers` those of rank 0's validation loader, as
    the framework caps them (`gpumon.advice.effective.validation_workers`), 0 for a training without one.
    Low and high are for pictures of 16:9 and squares. Raises ValueError for a negative number.

    Source: YOLOv5's train.py and dataloaders.py; with the real YOLOv5 it gave 32.0 MB where 32.2 MB were
    measured.
    """
    if min(workers, rank_batch, imgsz, ranks, val_workers) < 0:
        raise ValueError("workers, batch, image size and ranks are not negative")
    if workers == 0:
        return Interval(0.0, 0.0, 0.0)
    train = ranks * (PREFETCH * workers + _ON_THE_WAY) * rank_batch * _BYTES_PER_PIXEL * imgsz**2

    def bytes_at(aspect: float) -> float:
        pixels = _padded(imgsz) * _padded(imgsz * aspect)
        return float(train + PREFETCH * val_workers * _VAL_BATCH * rank_batch * _BYTES_PER_PIXEL * pixels)

    return Interval(bytes_at(_ASPECT), bytes_at(_ASPECT_LOW), bytes_at(_ASPECT_HIGH))


def workers_that_fit(  # noqa: PLR0917 - what the need of so many workers rests on
    free_bytes: float,
    workers: int,
    rank_batch: int,
    imgsz: int,
    val_workers: Callable[[int], int],
    ranks: int = 1,
) -> int:
    """Return how many workers of one rank /dev/shm has room for, where `workers` run and so much is free.

    `val_workers` gives the validation workers that come with so many. Those that run have filled their
    queues. By squares, the safe side; never fewer than run now. Raises ValueError for a negative number, or
    none of the batch or the image size.
    """
    if rank_batch < 1 or imgsz < 1:
        raise ValueError("batch and image size are positive")

    def need(count: int) -> float:
        beside = val_workers(count)
        return shared_memory_need_bytes(count, rank_batch, imgsz, val_workers=beside, ranks=ranks).high

    now = need(workers)
    each = ranks * PREFETCH * rank_batch * _BYTES_PER_PIXEL * imgsz**2
    # A cap ends the validation's share, so the need grows in steps of two sizes: by bisection.
    counts = range(workers + 1, workers + 2 + int(max(0.0, free_bytes) / each))
    return workers + bisect_right(counts, free_bytes, key=lambda count: need(count) - now)


def _padded(side: float) -> int:
    return ceil(side / _STRIDE + _PADDING) * _STRIDE
