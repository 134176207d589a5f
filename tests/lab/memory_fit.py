"""How small a virtual GPU may be for a training: found by running its steps on the allocator alone."""

from __future__ import annotations

import random

from tests.lab.allocator import OutOfMemoryError
from tests.lab.gpu_cost import GpuCost
from tests.lab.jpeg.spec import LoopSpec
from tests.lab.virtual_gpu import VirtualGpu

MIB = 1 << 20
_STEPS = 60
_VALIDATIONS = 2


def tightest_bytes(cost: GpuCost, batch_size: int, loop: LoopSpec, slack_bytes: int) -> int:
    """Return the smallest total, to 8 MiB, on which the training lives, plus `slack_bytes`."""
    low, high = 0, 80 << 30
    while high - low > 8 * MIB:
        middle = (low + high) // 2
        low, high = (low, middle) if lives(cost, batch_size, loop, middle) is not None else (middle, high)
    return high + slack_bytes


def lives(cost: GpuCost, batch_size: int, loop: LoopSpec, total_bytes: int) -> int | None:
    """Return how often the allocator had to flush and retry; None where the training runs out of memory."""
    noise = random.Random(3)  # noqa: S311 - noise, not keys
    try:
        gpu = VirtualGpu(cost, Unwritten(), lambda seconds: (0.0, seconds), total_bytes=total_bytes)
        for number in range(_STEPS):
            gpu.train(batch_size, targets_of(loop, batch_size, number, noise))
        for _ in range(_VALIDATIONS):
            gpu.validate(2 * batch_size)
        gpu.train(batch_size, targets_of(loop, batch_size, loop.dense_every - 1, noise))
    except OutOfMemoryError:
        return None
    return gpu.allocator.retries


def targets_of(loop: LoopSpec, images: int, number: int, noise: random.Random) -> int:
    """Return how many targets the batch of that number has."""
    mean = images * loop.targets
    if loop.dense_every and number % loop.dense_every == loop.dense_every - 1:
        mean *= loop.dense_factor
    return max(0, round(noise.gauss(mean, mean**0.5)))


class Unwritten:
    """The books of a GPU that nobody looks at."""

    def begin(self, unix_seconds: float) -> None: ...
    def end(self, start_unix_seconds: float, end_unix_seconds: float) -> None: ...
    def memory(self, used_bytes: int, reserved_bytes: int, process_bytes: int) -> None: ...
    def sensors(self, temperature_celsius: float, power_watts: float, sm_clock_hertz: float) -> None: ...
