"""PyTorch's DataLoader as a queue model: in-order delivery, two batches ahead per worker, round robin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Run:
    """What came out: batches per second, and the shares of time main waits and workers idle."""

    rate: float
    wait: float
    idle: float


def simulate(
    workers: int, service: Callable[[Random], float], gpu_seconds: float, batches: int = 2000, seed: int = 1
) -> Run:
    """Run an epoch. Batch k goes to worker k mod W; its index is sent when batch k - 2W was taken."""
    random = Random(seed)  # noqa: S311 - a reproducible draw
    taken: list[float] = []
    worker_free = [0.0] * workers
    main_free = waited = worked = 0.0
    for batch in range(batches):
        issued = taken[batch - 2 * workers] if batch >= 2 * workers else 0.0
        seconds = service(random)
        worker = batch % workers
        done = max(worker_free[worker], issued) + seconds
        worker_free[worker] = done
        worked += seconds
        at = max(main_free, done)
        waited += at - main_free
        taken.append(at)
        main_free = at + gpu_seconds
    return Run(batches / main_free, waited / main_free, max(0.0, 1 - worked / (workers * main_free)))
