"""Time as it is passed in: pure code never asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks: Unix time (may step) and monotonic time (never does), in seconds."""

    unix_seconds: float
    monotonic_seconds: float


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> Instant:
        """Return the present moment."""
        ...
