"""The pace of looks: the rate that was asked for, unless it costs more than the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.monitor.pace import Pace, affordable_share

BUDGET = 0.008


def after(pace: Pace, cost_ratio: float, seconds: int) -> float:
    """Return the share after so many seconds in which the full rate would use `cost_ratio` of a core."""
    for _ in range(seconds):
        pace.take(cost_ratio * pace.share, 1.0)
    return pace.share


def test_cheap_looks_keep_their_rate() -> None:
    """Nothing is slowed down below the budget."""
    assert after(Pace(BUDGET), BUDGET / 2, 100) == 1.0


def test_dear_looks_end_within_the_budget() -> None:
    """At twice the budget half of the looks remain."""
    assert after(Pace(BUDGET), 2 * BUDGET, 30) == pytest.approx(0.5, abs=0.01)


def test_looks_recover() -> None:
    """When the workers are gone the rate is what was asked for again."""
    pace = Pace(BUDGET)
    after(pace, 2 * BUDGET, 30)
    assert after(pace, BUDGET / 4, 60) == pytest.approx(1.0, abs=0.001)


def test_one_busy_moment_changes_little() -> None:
    """A second that costs ten times the budget leaves four fifths of the rate."""
    assert after(Pace(BUDGET), 10 * BUDGET, 1) > 0.8


def test_no_time_is_no_account() -> None:
    """A clock that stands still changes nothing."""
    pace = Pace(BUDGET)
    pace.take(1.0, 0.0)
    assert pace.share == 1.0


@given(st.floats(0.25, 1.0), st.floats(0.0, 10.0))
def test_looks_never_stop(share: float, used_ratio: float) -> None:
    """Whatever they cost, a quarter remains: a wait that is not looked for is not seen."""
    assert 0.25 <= affordable_share(share, used_ratio, BUDGET) <= 1.0
