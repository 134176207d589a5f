"""The laboratory's virtual GPU: a training computes on it, and a timeline tells the stand-in driver.

It knows no clock of its own: what computing means (spinning, sleeping, or nothing in a test) is passed in.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tests.lab.allocator import Block, CachingAllocator
from tests.lab.gpu_cost import GpuCost


class Books(Protocol):
    """Where the GPU writes when it works and what it holds: a timeline, or a list of a test."""

    def begin(self, unix_seconds: float) -> None: ...
    def end(self, start_unix_seconds: float, end_unix_seconds: float) -> None: ...
    def memory(self, used_bytes: int, reserved_bytes: int, process_bytes: int) -> None: ...
    def sensors(self, temperature_celsius: float, power_watts: float, sm_clock_hertz: float) -> None: ...


@dataclass
class VirtualGpu:
    """A GPU of `total_bytes`, of which the driver keeps `reserved_bytes`.

    `compute` makes so many seconds pass and returns when it began and ended (Unix seconds).
    `neighbour_bytes` and `neighbour_ratio` are another process on it: memory, and a share of the time.
    `busy_sensors` are degrees Celsius, watts and hertz of the SM clock.
    """

    cost: GpuCost
    books: Books
    compute: Callable[[float], tuple[float, float]]
    total_bytes: int = 12 << 30
    reserved_bytes: int = 300 << 20
    neighbour_bytes: int = 0
    neighbour_ratio: float = 0.0
    busy_sensors: tuple[float, float, float] = (68.0, 160.0, 1.8e9)
    noise: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - noise, not keys

    def __post_init__(self) -> None:
        """Load the model."""
        own = self.total_bytes - self.reserved_bytes - self.neighbour_bytes - self.cost.context_bytes
        self.allocator = CachingAllocator(own)
        self._static = [self.allocator.allocate(size) for size in self.cost.static_tensors()]
        self._gradients: list[Block] = []
        self._leaked: list[Block] = []
        self._tell()

    def train(self, images: int, targets: int, scale: float = 1.0) -> float:
        """Make one step; return its seconds of work. Raises OutOfMemoryError."""
        take, give = self.allocator.allocate, self.allocator.free
        casts = [take(size) for size in self.cost.casts()]
        kept = [take(size) for size in self.cost.activations(images, scale)]
        loss = [take(size) for size in self.cost.loss_tensors(targets)]
        self._tell()
        for block in loss:
            give(block)
        if not self._gradients:
            self._gradients = [take(size) for size in self.cost.gradients()]
        for block in reversed(kept):
            gradient = take(block.size_bytes)
            give(block)
            give(gradient)
        for block in casts:
            give(block)
        return self._work(self.cost.seconds(images, targets, scale, self.noise))

    def validate(self, images: int, scale: float = 1.0) -> float:
        """Look at a batch without gradients: few outputs live at once; return its seconds of work."""
        alive: list[Block] = []
        for size in self.cost.activations(images, scale):
            alive.append(self.allocator.allocate(size))
            if len(alive) > self.cost.kept_in_validation():
                self.allocator.free(alive.pop(0))
        self._tell()
        for block in alive:
            self.allocator.free(block)
        return self._work(0.35 * self.cost.seconds(images, 0, scale, self.noise))

    def leak(self, size_bytes: int) -> None:
        """Keep that much more for ever. Raises OutOfMemoryError."""
        self._leaked.append(self.allocator.allocate(size_bytes))

    def _work(self, seconds: float) -> float:
        shared = seconds / (1.0 - self.neighbour_ratio)
        self.books.sensors(*self.busy_sensors)
        start, end = self.compute(shared)
        self.books.end(start, end)
        self._tell()
        return shared

    def _tell(self) -> None:
        own = self.cost.context_bytes + self.allocator.reserved_bytes
        self.books.memory(own + self.neighbour_bytes, self.reserved_bytes, own)
