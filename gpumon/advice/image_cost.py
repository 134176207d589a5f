"""What an image costs the worker that prepares it."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.advice.throughput import pipeline_of
from gpumon.diagnosis.view import View


@dataclass(frozen=True, slots=True)
class ImageCost:
    """Seconds of a worker for one image: on a core, and outside (a disk, a lock, a network).

    `contention` is the factor by which waiting for a core lengthens the time on one: 1 + run-queue wait per
    time on a core. W workers on C cores prepare min(W / (contention * cpu + outside), C / cpu) images a
    second, whatever the batch: a worker makes all images of a batch in turn.
    """

    cpu_seconds: float
    outside_seconds: float
    contention: float

    @property
    def worker_seconds(self) -> float:
        """What one worker takes for an image."""
        return self.contention * self.cpu_seconds + self.outside_seconds

    def rate(self, workers: int, cores: float) -> float:
        """Return the images per second that so many workers prepare on so many cores."""
        by_workers = workers / self.worker_seconds
        return by_workers if self.cpu_seconds <= 0 else min(by_workers, cores / self.cpu_seconds)


def image_cost_of(view: View) -> ImageCost | None:
    """Return the cost of an image, or None where the rate or the workers' time is not known.

    Source: the workers' time by schedstat and by what they wait for, divided by the images of their rank.
    """
    pipeline, rate = pipeline_of(view), view.rate
    if pipeline is None or rate is None or view.worker_cpu is None or view.worker_cpu <= 0:
        return None
    images = rate / view.ranks
    return ImageCost(
        pipeline.cpu * pipeline.workers / images,
        pipeline.outside * pipeline.workers / images,
        1.0 + (view.queue_per_cpu or 0.0),
    )


def image_cost_words(view: View) -> str:
    """Return "; an image takes its worker 21 ms on a core and 40 ms outside", or "" where it is not known."""
    cost = image_cost_of(view)
    if cost is None:
        return ""
    words = f"; an image takes its worker {1000 * cost.cpu_seconds:.3g} ms on a core"
    if cost.outside_seconds > 0:
        words += f" and {1000 * cost.outside_seconds:.3g} ms outside"
    return words
