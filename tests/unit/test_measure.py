"""Known, missing and measured numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.measure import Certainty, Measure, Missing, known, number

MEASURE = Measure(0.41, Certainty.SAMPLED, "main thread", standard_error=0.03)


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.text()))
def test_a_known_value_is_itself(value: float | str) -> None:
    """`known` returns what is there."""
    assert value == known(value)


def test_a_missing_value_is_none() -> None:
    """`known` returns None for what is missing."""
    assert known(Missing("not read")) is None


def test_the_number_of_a_measure_is_its_value() -> None:
    """A measure counts as its value where only the number matters."""
    assert number(MEASURE) == 0.41


def test_the_number_of_an_integer_is_a_float() -> None:
    """All numbers come out as one type."""
    assert isinstance(number(3), float)


def test_zero_is_a_number() -> None:
    """Zero is not taken for missing."""
    assert number(0) == 0.0


def test_what_is_missing_has_no_number() -> None:
    """Missing and None have no number: never 0."""
    assert [None, None] == [number(Missing("not read")), number(None)]
