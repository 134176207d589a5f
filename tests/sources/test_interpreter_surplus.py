"""Looks at a thread compared with the kernel's account of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.sources.interpreter_surplus import Surplus


def test_no_looks_tell_nothing() -> None:
    """Without looks the surplus is 0, and so is its error, which means that it is not known."""
    assert (0.0, 0.0) == (Surplus().ratio, Surplus().error)


def test_surplus_is_of_looks_over_time() -> None:
    """30 of 40 looks at a thread that was blocked half the time are a quarter too many."""
    surplus = Surplus()
    surplus.take(40, 30, 0.5, 1.0)
    assert surplus.ratio == pytest.approx(0.25)
    assert surplus.error == pytest.approx((0.25 / 40) ** 0.5)


def test_old_looks_fade() -> None:
    """After a few minutes of agreement an old surplus is gone."""
    surplus = Surplus()
    surplus.take(40, 40, 0.0, 1.0)
    for _ in range(300):
        surplus.take(40, 20, 0.5, 1.0)
    assert surplus.ratio == pytest.approx(0.0, abs=0.001)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1), st.floats(0, 1), st.floats(0, 5)), max_size=30)
)
def test_always_a_share_with_an_error(
    seconds: list[tuple[int, float, float, float]],
) -> None:
    """Whatever was seen, the surplus lies within -1..1 and its error within 0..1."""
    surplus = Surplus()
    for looks, blocked, ratio, span in seconds:
        surplus.take(looks, round(blocked * looks), ratio, span)
    assert -1.0 - 1e-9 <= surplus.ratio <= 1.0 + 1e-9
    assert 0.0 <= surplus.error <= 1.0
