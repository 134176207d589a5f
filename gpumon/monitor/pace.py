"""The pace of looks: as many as were asked for, or as many as their CPU budget allows."""

from __future__ import annotations

# Of one core, for the looks at all trainings: with what is done once a second 1 % at 50 Hz and eight workers.
LOOKS_CPU_RATIO = 0.0065
# The error of a wait grows as the root of what is left out: by less than half at a quarter of the looks.
_SLOWEST_SHARE = 0.25
# One busy moment must not slow the looks down, and one quiet one not speed them up: a few seconds together.
_WEIGHT = 0.25


class Pace:
    """The share of the wanted rate at which the looks stay within their budget."""

    __slots__ = ("_budget_ratio", "share")

    def __init__(self, budget_ratio: float = LOOKS_CPU_RATIO) -> None:
        """Begin at the wanted rate."""
        self._budget_ratio = budget_ratio
        self.share = 1.0

    def take(self, cpu_seconds: float, wall_seconds: float) -> None:
        """Take in what the looks used of a core in so much time at the present share."""
        if wall_seconds <= 0:
            return
        affordable = affordable_share(self.share, cpu_seconds / wall_seconds, self._budget_ratio)
        self.share += _WEIGHT * (affordable - self.share)


def affordable_share(share: float, used_ratio: float, budget_ratio: float) -> float:
    """Return the share of the wanted rate that uses the budget, where the present share uses `used_ratio`.

    What a look costs does not depend on how many there are. Never more than 1, nor less than a quarter.
    """
    if used_ratio <= 0:
        return 1.0
    return min(max(share * budget_ratio / used_ratio, _SLOWEST_SHARE), 1.0)
