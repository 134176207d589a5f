"""The pace of looks: the rates that were asked for, unless they cost more than the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.monitor.pace import Pace, Spent, Wanted, affordable_shares

BUDGET = 0.008
STATES = Wanted(turn_hertz=20.0, state_hertz=20.0, spares_states=False)
BOTH = Wanted(turn_hertz=40.0, state_hertz=20.0, spares_states=True)
HIDDEN = Wanted(turn_hertz=40.0, state_hertz=20.0, spares_states=False)


def used(pace: Pace, wanted: Wanted, turn_seconds: float, state_seconds: float, drain: float = 0.0) -> Spent:
    """Return what ten seconds at the present pace use."""
    turns = round(10 * wanted.turn_hertz * pace.turn_share)
    states = round(10 * wanted.state_hertz * pace.state_share)
    return Spent(
        wall_seconds=10.0,
        turns=turns,
        cpu_seconds=turns * turn_seconds + states * state_seconds,
        state_looks=states,
        state_cpu_seconds=states * state_seconds,
        drain_cpu_seconds=10 * drain,
    )


def after(
    pace: Pace,
    wanted: Wanted,
    turn_seconds: float,
    state_seconds: float = 0.0,
    *,
    drain: float = 0.0,
    times: int = 60,
) -> tuple[float, float]:
    """Return turns and looks at states a second after so many accounts of the same costs."""
    for _ in range(times):
        pace.take(used(pace, wanted, turn_seconds, state_seconds, drain), wanted)
    return pace.turn_share * wanted.turn_hertz, pace.state_share * wanted.state_hertz


def test_cheap_looks_keep_their_rate() -> None:
    """Nothing is slowed down below the budget."""
    assert (40.0, 20.0) == after(Pace(BUDGET), BOTH, BUDGET / 80, BUDGET / 80)


def test_dear_looks_end_within_the_budget() -> None:
    """At twice the budget half of the looks remain."""
    assert after(Pace(BUDGET), STATES, BUDGET / 20, BUDGET / 20) == pytest.approx((10.0, 10.0), abs=0.3)


def test_states_give_way_to_frames() -> None:
    """Where frames tell the wait, looks at the states are slowed down first, to 5 a second at least."""
    turns, states = after(Pace(BUDGET), BOTH, BUDGET / 80, BUDGET / 20)
    assert (turns, states) == pytest.approx((40.0, 10.0), abs=0.3)
    turns, states = after(Pace(BUDGET), BOTH, BUDGET / 60, BUDGET / 20)
    assert (turns, states) == pytest.approx((40.0, 20.0 / 3), abs=0.3)
    turns, states = after(Pace(BUDGET), BOTH, BUDGET / 40, BUDGET / 20)
    assert (turns, states) == pytest.approx((30.0, 5.0), abs=0.3)


def test_states_that_tell_the_wait_do_not_give_way() -> None:
    """Where the frames of a training cannot be read both are slowed down alike."""
    turns, states = after(Pace(BUDGET), HIDDEN, BUDGET / 40, BUDGET / 20)
    assert (turns, states) == pytest.approx((20.0, 10.0), abs=0.3)


def test_drains_are_in_the_budget() -> None:
    """What is read once a second leaves so much less to the looks."""
    turns, _states = after(Pace(BUDGET), BOTH, BUDGET / 40, drain=BUDGET / 4)
    assert turns == pytest.approx(30.0, abs=0.3)


def test_looks_recover() -> None:
    """When the workers are gone the rates are what was asked for again."""
    pace = Pace(BUDGET)
    after(pace, BOTH, BUDGET / 20, BUDGET / 10)
    assert after(pace, BOTH, BUDGET / 160, BUDGET / 160) == pytest.approx((40.0, 20.0), abs=0.01)


def test_one_busy_moment_changes_little() -> None:
    """An account at ten times the budget leaves four fifths of the looks at frames."""
    turns, _states = after(Pace(BUDGET), BOTH, BUDGET / 4, times=1)
    assert turns > 32


def test_looks_at_states_that_were_not_taken_keep_their_price() -> None:
    """An account without one tells nothing of what one costs."""
    pace = Pace(BUDGET)
    pace.take(used(pace, BOTH, BUDGET / 80, BUDGET / 20), BOTH)
    share = pace.state_share
    pace.take(Spent(1.0, 40, BUDGET / 2, 0, 0.0, 0.0), BOTH)
    assert pace.state_share < share < 1.0


def test_no_time_is_no_account() -> None:
    """A clock that stands still, or no look at all, changes nothing."""
    pace = Pace(BUDGET)
    pace.take(Spent(0.0, 32, 1.0, 16, 0.5, 0.0), BOTH)
    pace.take(Spent(1.0, 0, 1.0, 0, 0.0, 0.0), BOTH)
    assert (1.0, 1.0) == (pace.turn_share, pace.state_share)


@given(
    st.floats(-1.0, 0.1),
    st.floats(1e-6, 0.1),
    st.floats(0.0, 0.1),
    st.builds(Wanted, st.floats(1.0, 100.0), st.floats(1.0, 100.0), st.booleans()),
)
def test_looks_never_stop_and_keep_to_the_budget(
    budget: float, turn_seconds: float, state_seconds: float, wanted: Wanted
) -> None:
    """Whatever they cost a quarter remains; more than that never costs more than the budget."""
    turns, states = affordable_shares(budget, turn_seconds, state_seconds, wanted)
    assert 0.25 <= turns <= 1.0
    assert 0.25 <= states <= 1.0
    used_ratio = turns * wanted.turn_hertz * turn_seconds + states * wanted.state_hertz * state_seconds
    assert turns == 0.25 or used_ratio <= max(budget, 0.0) * (1 + 1e-9) + 1e-12
