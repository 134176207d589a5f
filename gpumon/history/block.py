"""A stretch of time of one training in sums: what speed, wait and peak over longer times are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """What one stretch of time of a run showed; `number` counts such stretches of monotonic time.

    `seen_seconds` were followed, `steady_seconds` of them were training without the burst after a gap.
    `images` were trained in the `rate_seconds` of these whose rate is known, and `waited_seconds` of the
    `wait_seconds` whose wait is known were waits for data; low and high are what the sources leave open,
    the same in every reading. `looks` is how many looks the wait rests on. `memory_peak_bytes` is the
    most that the training held on its GPUs, in any phase. `has_validation`: a validation was seen, or an
    epoch ended, whose validation was too short to be seen; what it held stays in PyTorch's cache.
    """

    number: int
    seen_seconds: float = 0.0
    steady_seconds: float = 0.0
    rate_seconds: float = 0.0
    images: float = 0.0
    images_low: float = 0.0
    images_high: float = 0.0
    wait_seconds: float = 0.0
    waited_seconds: float = 0.0
    waited_low_seconds: float = 0.0
    waited_high_seconds: float = 0.0
    looks: float = 0.0
    memory_peak_bytes: int | None = None
    has_validation: bool = False

    def joined(self, other: Block, number: int) -> Block:
        """Return both as one block of that number."""
        peaks = [peak for peak in (self.memory_peak_bytes, other.memory_peak_bytes) if peak is not None]
        return Block(
            number,
            self.seen_seconds + other.seen_seconds,
            self.steady_seconds + other.steady_seconds,
            self.rate_seconds + other.rate_seconds,
            self.images + other.images,
            self.images_low + other.images_low,
            self.images_high + other.images_high,
            self.wait_seconds + other.wait_seconds,
            self.waited_seconds + other.waited_seconds,
            self.waited_low_seconds + other.waited_low_seconds,
            self.waited_high_seconds + other.waited_high_seconds,
            self.looks + other.looks,
            max(peaks, default=None),
            self.has_validation or other.has_validation,
        )
