"""The workers that come with another batch although nobody asks for another number of them.

YOLOv5 starts no more workers than a batch of one rank has images, and none for one image (its
dataloaders.py). So a larger batch may bring more of those that it was asked for, and a smaller one fewer.
"""

from __future__ import annotations

from gpumon.advice.bounds import framework_cap, rank_batch
from gpumon.advice.throughput import cpu_factor, pipeline_of, work_factor
from gpumon.diagnosis.view import View
from gpumon.history.stats import Interval


def started_workers(view: View, now: int, batch: int) -> int:
    """Return how many workers of one rank a start with that batch of one brings; `now` are those it has."""
    present = rank_batch(view)
    if view.reading.training.framework != "yolov5" or present is None:
        return now
    asked, cap = view.setting("workers_asked"), framework_cap(view)
    most = asked if isinstance(asked, int) else now
    if cap is not None:
        most = min(most, cap)
    # Where other things than these decide how many there are, those that are seen count.
    if _cut(most, present) != now:
        most = now
    return _cut(most, batch)


def fed_by_fewer(view: View, workers: int, gpu: Interval) -> Interval:
    """Return the factor on the rate where so few workers are left, or none, for a GPU that takes `gpu`."""
    pipeline = pipeline_of(view)
    if pipeline is None or workers >= pipeline.workers:
        return gpu
    if workers:
        fed = work_factor(pipeline, workers, cpu_factor(pipeline), crowded=False)
        return Interval(min(fed, gpu.value), min(fed, gpu.low), min(fed, gpu.high))
    # The main process then does the work of the workers, too, and the GPU waits meanwhile.
    own = pipeline.busy * pipeline.workers
    value, low, high = (
        min(1.0, 1.0 / ((1.0 - pipeline.wait) / end + own)) for end in (gpu.value, gpu.low, gpu.high)
    )
    return Interval(value, low, high)


def _cut(workers: int, batch: int) -> int:
    return min(workers, batch) if batch > 1 else 0
