"""The pace of looks: as many as were asked for, or as many as their CPU budget allows."""

from __future__ import annotations

from dataclasses import dataclass

# Of one core, for all that looking at trainings costs: the looks, and what is read inside them once a second.
# Chosen below the aim of 1 %, for what /proc is asked for once a second comes on top.
LOOKS_CPU_RATIO = 0.0092
# The error of a wait grows as the root of what is left out: it doubles at a quarter of the looks.
_SLOWEST_SHARE = 0.25
# Where frames tell the wait, states tell only what workers do: 50 looks in a window of 10 s say a share to
# 0.07 (binomial).
_FEWEST_STATES_HERTZ = 5.0
# One busy moment must not slow the looks down, and one quiet one not speed them up: a few seconds together.
_WEIGHT = 0.25


@dataclass(frozen=True, slots=True)
class Wanted:
    """Looks a second as they were asked for: wake-ups, and those of them at the states of threads.

    `spares_states` tells that states may give way first, since all that is watched shows its frames.
    """

    turn_hertz: float
    state_hertz: float
    spares_states: bool


@dataclass(frozen=True, slots=True)
class Spent:
    """What looking used of CPU within `wall_seconds`.

    `cpu_seconds` are those of all turns, `state_cpu_seconds` those of them for states of threads. What is
    drained once a second is `drain_cpu_seconds`.
    """

    wall_seconds: float
    turns: int
    cpu_seconds: float
    state_looks: int
    state_cpu_seconds: float
    drain_cpu_seconds: float


class Pace:
    """The shares of the wanted rates at which looking stays within its budget."""

    __slots__ = ("_budget_ratio", "_drain_ratio", "_state_seconds", "state_share", "turn_share")

    def __init__(self, budget_ratio: float = LOOKS_CPU_RATIO) -> None:
        """Begin at the wanted rates."""
        self._budget_ratio = budget_ratio
        self._drain_ratio: float | None = None
        self._state_seconds = 0.0
        self.turn_share = self.state_share = 1.0

    def take(self, spent: Spent, wanted: Wanted) -> None:
        """Take in what was spent at the present rates.

        What one look costs does not depend on how many there are; drains cost the same at any rate.
        """
        if spent.wall_seconds <= 0 or spent.turns <= 0:
            return
        drained = spent.drain_cpu_seconds / spent.wall_seconds
        before = drained if self._drain_ratio is None else self._drain_ratio
        self._drain_ratio = before + _WEIGHT * (drained - before)
        if spent.state_looks:
            self._state_seconds = spent.state_cpu_seconds / spent.state_looks
        turn_seconds = max(spent.cpu_seconds - spent.state_cpu_seconds, 0.0) / spent.turns
        turns, states = affordable_shares(
            self._budget_ratio - self._drain_ratio, turn_seconds, self._state_seconds, wanted
        )
        self.turn_share += _WEIGHT * (turns - self.turn_share)
        self.state_share += _WEIGHT * (states - self.state_share)


def affordable_shares(
    budget_ratio: float, turn_seconds: float, state_seconds: float, wanted: Wanted
) -> tuple[float, float]:
    """Return the shares of the wanted turns and looks at states that use so much of a core.

    A turn costs `turn_seconds`, and `state_seconds` more where states are looked at. Never more than 1, nor
    less than a quarter; nor fewer than 5 looks at states a second because of frames.
    """
    turns = wanted.turn_hertz * turn_seconds
    states = wanted.state_hertz * state_seconds
    if not wanted.spares_states:
        share = _share(budget_ratio, turns + states, _SLOWEST_SHARE)
        return share, share
    fewest = min(max(_FEWEST_STATES_HERTZ / wanted.state_hertz, _SLOWEST_SHARE), 1.0)
    state_share = _share(budget_ratio - turns, states, fewest)
    return _share(budget_ratio - state_share * states, turns, _SLOWEST_SHARE), state_share


def _share(budget_ratio: float, used_ratio: float, least: float) -> float:
    return 1.0 if used_ratio <= max(budget_ratio, 0.0) else max(budget_ratio / used_ratio, least)
