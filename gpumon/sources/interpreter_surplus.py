"""How much more often looks found a thread blocked than the kernel's account says."""

from __future__ import annotations

import math

# Half of what is remembered is of the last half minute: single seconds are too few looks to tell.
_HALF_LIFE_SECONDS = 30.0


class Surplus:
    """Looks that found a thread blocked, beyond the share of time in which it was: a mean that fades."""

    __slots__ = ("_blocked", "_expected", "_looks")

    def __init__(self) -> None:
        """Begin with no looks."""
        self._looks = self._blocked = self._expected = 0.0

    def take(self, looks: int, blocked: int, blocked_ratio: float, seconds: float) -> None:
        """Take in looks, those that found it blocked, and the share of those seconds in which it was."""
        fade = 0.5 ** (seconds / _HALF_LIFE_SECONDS)
        self._looks = self._looks * fade + looks
        self._blocked = self._blocked * fade + blocked
        self._expected = self._expected * fade + looks * blocked_ratio

    @property
    def ratio(self) -> float:
        """The surplus as a share of the looks, -1..1; 0 without looks."""
        return (self._blocked - self._expected) / self._looks if self._looks else 0.0

    @property
    def error(self) -> float:
        """The standard error of `ratio` by chance alone; 0 without looks."""
        if not self._looks:
            return 0.0
        share = (self._expected + 0.5) / (self._looks + 1.0)
        return math.sqrt(share * (1.0 - share) / self._looks)
