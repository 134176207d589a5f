"""The validation of a laboratory training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.lab.jpeg.log import log
from tests.lab.jpeg.stamps import Stamps
from tests.lab.virtual_gpu import VirtualGpu

VALIDATION = 1


def run(
    batches: Iterator[Any], count: int, gpu: VirtualGpu, stamps: Stamps, *, batch_size: int, workers: int
) -> None:
    """Look at `count` batches without gradients."""
    head = ("%22s" + "%11s" * 6) % ("Class", "Images", "Instances", "P", "R", "mAP50", "mAP50-95")
    for number in range(count):
        images, _ = stamps.next(batches, VALIDATION, batch_size, workers)
        gpu.validate(len(images))
        log(f"\r{head}: {(number + 1) / count:4.0%}|{'█' * 10}| {number + 1}/{count} 00:00", end="")
    log("")
