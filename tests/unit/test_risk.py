"""The risk of running out of GPU memory, from its signs alone."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.diagnosis.risk import (
    FITTED,
    PUBLISHED,
    Ground,
    Signs,
    Weights,
    record_probability,
    records_expected,
    risk_of,
    size_probability,
)

GIB = 1 << 30
QUIET = Signs(12 * GIB, 6 * GIB, 4.0 * GIB, records=log(2.0))

a_signs = st.builds(
    Signs,
    total_bytes=st.integers(GIB, 80 * GIB),
    headroom_bytes=st.integers(0, 80 * GIB),
    batch_bytes=st.floats(0, 80 * GIB),
    records=st.floats(0, 12),
    rises=st.lists(st.floats(1e6, 1e10), max_size=5).map(tuple),
    rises_due=st.floats(0, 12),
    has_validation_ahead=st.booleans(),
    size_probability=st.floats(0, 1),
    growth_probability=st.floats(0, 0.95),
    flushes=st.integers(0, 9),
)


@given(a_signs)
def test_a_risk_is_a_probability(signs: Signs) -> None:
    """Whatever the signs."""
    assert 0.0 <= risk_of(signs).probability <= 1.0


@given(a_signs, st.integers(0, 80 * GIB))
def test_more_room_is_never_more_risk(signs: Signs, more: int) -> None:
    """All else alike."""
    roomier = replace(signs, headroom_bytes=signs.headroom_bytes + more)
    assert risk_of(roomier).probability <= risk_of(signs).probability + 1e-12


@given(a_signs, st.floats(0, 12))
def test_more_steps_to_come_are_never_less_risk(signs: Signs, more: float) -> None:
    """All else alike."""
    longer = replace(signs, records=signs.records + more)
    assert risk_of(longer).probability >= risk_of(signs).probability - 1e-12


def test_the_published_weights_are_record_theory() -> None:
    """P = 1 - exp(-ln((n + m) / n) exp(-H / g)) with g = 1.5 % of the device."""
    signs = replace(QUIET, headroom_bytes=int(0.015 * 12 * GIB), records=records_expected(100, 300))
    assert record_probability(signs, PUBLISHED) == pytest.approx(1 - 4 ** -(2.718281828**-1), rel=1e-6)


def test_seen_rises_say_how_large_the_next_is() -> None:
    """Four of 1 GiB make the prior's 0.18 GiB a mean of 0.59, so 1 GiB of room is worth less."""
    tight = replace(QUIET, headroom_bytes=GIB)
    risen = replace(tight, rises=(GIB, GIB, GIB, GIB))
    assert record_probability(risen, PUBLISHED) > 10 * record_probability(tight, PUBLISHED)


def test_records_that_were_due_and_did_not_come_lower_the_risk() -> None:
    """Steps whose peaks are all alike set no record, however little room there is."""
    weights = replace(PUBLISHED, due_count=1.0)
    tight = replace(QUIET, headroom_bytes=0)
    assert record_probability(tight, weights) == pytest.approx(0.5)
    calm = record_probability(replace(tight, rises_due=4.0), weights)
    assert calm == pytest.approx(1 - 0.5**0.2)


def test_as_many_steps_again_are_taken_where_their_number_is_not_known() -> None:
    """The logarithm of 2: record theory for n steps after n."""
    assert records_expected(None, 5) == records_expected(5, None) == log(2.0)
    assert records_expected(10, 0) == 0.0


@pytest.mark.parametrize(
    ("signs", "ground"),
    [
        (replace(QUIET, headroom_bytes=0), Ground.RECORDS),
        (replace(QUIET, size_probability=0.4), Ground.SIZES),
        (replace(QUIET, has_validation_ahead=True, headroom_bytes=0, records=0.0), Ground.VALIDATION),
        (replace(QUIET, flushes=2), Ground.FLUSHES),
        (replace(QUIET, growth_probability=0.9), Ground.GROWTH),
    ],
)
def test_a_risk_says_what_it_rests_on(signs: Signs, ground: Ground) -> None:
    """The largest of its parts."""
    assert risk_of(signs).ground is ground


def test_a_second_flush_is_no_less_a_sign_than_the_first() -> None:
    """None, one, two, and more."""
    told = [risk_of(replace(QUIET, flushes=count), FITTED).probability for count in range(4)]
    assert told == sorted(told)
    assert told[2] == told[3] > told[0]


def test_the_largest_sizes_come_late() -> None:
    """After one step a larger size is nearly sure among 1000, after 1000 nearly none is left."""
    early = size_probability(1, 1000, 5.0 * GIB, 0)
    late = size_probability(1000, 1000, 5.0 * GIB, 0)
    assert early > 0.94
    assert late < 1e-6


def test_with_room_for_the_largest_size_there_is_no_risk() -> None:
    """9 times the pixels of the smallest of 21 sizes: then all fit, whatever was drawn."""
    assert size_probability(1, 1000, 5.0 * GIB, 40 * GIB) == 0.0


def test_a_size_that_does_not_fit_is_drawn_as_often_as_chance_has_it() -> None:
    """One step done, one to come, and room for nothing larger: 10 of 21 (less a tie's half)."""
    assert size_probability(1, 1, 5.0 * GIB, 0) == pytest.approx(10 / 21)


def test_sizes_need_a_step() -> None:
    """Before the first one nothing is known of them."""
    with pytest.raises(ValueError, match="no step"):
        size_probability(0, 5, 1.0, 1)


def test_where_hardly_any_room_is_left_the_risk_is_never_low() -> None:
    """Until the last step: less than 4.4 % of the device, as where a real training failed at random."""
    tight = replace(QUIET, headroom_bytes=int(0.04 * 12 * GIB), rises_due=9.0)
    assert risk_of(tight).probability >= 0.06
    assert risk_of(replace(tight, records=0.0)).probability == 0.0
    assert risk_of(replace(tight, headroom_bytes=int(0.05 * 12 * GIB))).probability < 0.05


def test_records_alone_are_never_high() -> None:
    """Above 5 % a tenth counts, as simulated trainings failed."""
    worst = replace(QUIET, headroom_bytes=0, records=50.0)
    assert risk_of(worst).probability == pytest.approx(0.05 + FITTED.excess_ratio * 0.95)
    assert risk_of(worst).probability < 0.30


def test_a_size_that_surely_does_not_fit_is_told_as_sure() -> None:
    """It is drawn evenly, whatever is not known of records."""
    assert risk_of(replace(QUIET, size_probability=1.0)).probability == 1.0
    assert risk_of(replace(QUIET, size_probability=0.4)).probability == pytest.approx(0.4, abs=0.01)


def test_a_first_validation_without_room_is_told_by_its_own_weight() -> None:
    """Not a tenth of it; and a record may come as well."""
    ahead = replace(QUIET, has_validation_ahead=True, headroom_bytes=0, records=0.0)
    assert risk_of(ahead).probability == pytest.approx(FITTED.validation_probability)
    assert risk_of(replace(ahead, records=50.0)).probability > FITTED.validation_probability


def test_fitted_weights_are_in_order() -> None:
    """A fit that turned them round would be a mistake of its data."""
    assert isinstance(FITTED, Weights)
    assert list(FITTED.flush_probabilities) == sorted(FITTED.flush_probabilities)
    assert 0.0 < FITTED.record_ratio < 0.1
