"""Intervals of a run's numbers."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from random import Random

import pytest

from gpumon.history.estimate import Estimate, difference, quotient, student_95, wait_interval
from gpumon.model.measure import Missing, known
from gpumon.recording.runs_compare import compare
from gpumon.recording.runs_run import Peak, Run
from gpumon.recording.runs_statistics import peak_of, speed_of, summed, wait_of
from tests.recording.runs_scene import about, block, run_of
from tests.unit.synthetic_training import GIB


def _speed(run: Run) -> Estimate:
    found = speed_of(run)
    assert isinstance(found, Estimate)
    return found


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(1, 6.314), (2, 2.920), (3, 2.353), (5, 2.015), (10, 1.812), (30, 1.697), (1000, 1.646)],
)
def test_students_t_is_that_of_the_tables(degrees: float, expected: float) -> None:
    """The 95th percentile is right to 1.3 %."""
    assert student_95(degrees) == pytest.approx(expected, rel=0.013)


def test_the_speed_is_images_over_seconds() -> None:
    """Blocks weigh as much as the time they hold."""
    run = run_of([100.0, 100.0, 100.0])
    short = replace(run, blocks=(*run.blocks, block(9, 40.0, seconds=1.0)))

    assert _speed(short).value == pytest.approx((3 * 1000 + 40) / 31)


def test_the_interval_is_wider_where_blocks_differ_more() -> None:
    """What counts is how blocks differ."""
    calm, rough = _speed(run_of([99.0, 100.0, 101.0] * 3)), _speed(run_of([80.0, 100.0, 120.0] * 3))

    assert rough.interval().half_width > 10 * calm.interval().half_width


def test_blocks_that_follow_each_other_in_waves_count_less() -> None:
    """Ten slow blocks and ten fast ones say less than the same ones in turn."""
    waves = _speed(run_of([90.0] * 10 + [110.0] * 10)).interval()
    turns = _speed(run_of([90.0, 110.0] * 10)).interval()

    assert waves.half_width > 2 * turns.half_width


def test_a_short_look_gives_no_number() -> None:
    """Two blocks are too few for an interval, and the reason says how short it was."""
    assert speed_of(run_of([100.0, 101.0])) == Missing("its speed was seen for 20 s only")


@pytest.mark.parametrize(
    ("count", "correlation", "least"),
    [(3, 0.0, 0.90), (3, 0.3, 0.88), (6, 0.3, 0.87), (12, 0.3, 0.87), (40, 0.0, 0.87), (40, 0.6, 0.84)],
)
def test_two_runs_of_one_speed_are_seldom_told_apart(count: int, correlation: float, least: float) -> None:
    """The 90 % interval of a quotient holds 1, also of few blocks and of blocks that go in waves."""
    random = Random(11)  # noqa: S311 - a reproducible draw, not a secret
    hits = 0
    for _ in range(400):
        one, other = (_speed(run_of(_series(random, count, correlation))) for _ in range(2))
        found = quotient(one, other)
        assert not isinstance(found, Missing)
        hits += found.low <= 1.0 <= found.high

    assert hits / 400 >= least


def _series(random: Random, count: int, correlation: float) -> list[float]:
    """Return rates around 100 whose neighbours are correlated."""
    rest, rates = random.gauss(0.0, 10.0), []
    for _ in range(count):
        rest = correlation * rest + random.gauss(0.0, 10.0 * sqrt(1 - correlation**2))
        rates.append(max(1.0, 100.0 + rest))
    return rates


def test_no_wait_seen_is_not_no_wait() -> None:
    """Where no look found it waiting, the number of looks bounds the wait."""
    found = wait_of(run_of([100.0] * 4, [0.0] * 4))
    assert isinstance(found, Estimate)
    interval = wait_interval(found)

    assert (0.0, 0.0) == (interval.value, interval.low)
    assert 0.0005 < interval.high < 0.02


def test_bounds_that_chance_does_not_even_out_stay() -> None:
    """An estimate that may be 20 % too high everywhere is so however long it is seen."""
    run = run_of([100.0] * 50)
    loose = replace(run, blocks=tuple(replace(each, images_low=each.images * 0.8) for each in run.blocks))

    assert _speed(loose).interval().low == pytest.approx(80.0)


def test_a_speed_of_zero_has_no_quotient() -> None:
    """A run that stands still is not infinitely slower."""
    assert isinstance(quotient(_speed(run_of([0.0] * 4)), _speed(run_of([1.0] * 4))), Missing)


def test_a_difference_adds_both_errors() -> None:
    """The interval of a difference is wider than either, and narrower than their sum."""
    one, other = Estimate(0.4, 0.02, 50, 0.4, 0.4), Estimate(0.1, 0.02, 50, 0.1, 0.1)
    found = difference(one, other)

    assert found.value == pytest.approx(-0.3)
    assert one.interval().half_width < found.half_width < 2 * one.interval().half_width


def test_a_peak_is_a_lower_bound_until_a_validation_was_seen() -> None:
    """What training holds says nothing of what the first validation will."""
    run = run_of([100.0] * 4)
    found = peak_of(replace(run, blocks=tuple(replace(each, has_validation=False) for each in run.blocks)))

    assert isinstance(found, Peak)
    assert 5 * GIB == found.seen_bytes
    assert isinstance(found.likely_high_bytes, Missing)


def test_the_rise_at_the_start_is_no_sign_of_more() -> None:
    """What grew until every phase was seen once does not make the peak look as if it went on growing."""
    start = [replace(block(number, peak=number * GIB), has_validation=False) for number in range(5)]
    run = replace(run_of([1.0]), blocks=(*start, *(block(number, peak=5 * GIB) for number in range(5, 10))))
    found = peak_of(run)

    assert isinstance(found, Peak)
    assert known(found.likely_high_bytes) == pytest.approx(5.47 * GIB, rel=0.01)


def test_a_peak_that_keeps_rising_may_rise_further() -> None:
    """The room above a peak grows with its past rises, and ends at the size of the memory."""
    flat = replace(run_of([1.0]), blocks=tuple(block(n, peak=5 * GIB) for n in range(6)))
    rising = replace(run_of([1.0]), blocks=tuple(block(n, peak=n * GIB) for n in range(6)))
    full = replace(run_of([1.0]), blocks=tuple(block(n, peak=(6 + n) * GIB) for n in range(6)))
    found = [peak_of(run) for run in (flat, rising, full)]
    highs = [known(each.likely_high_bytes) for each in found if isinstance(each, Peak)]

    assert highs == [
        pytest.approx(5.47 * GIB, rel=0.01),
        pytest.approx(7.25 * GIB, rel=0.01),
        pytest.approx(12 * GIB),
    ]


def test_a_run_that_was_summed_up_says_the_same() -> None:
    """With one block in place of all, what is shown of it and what it is compared to stay as they were."""
    slow = run_of([90.0, 93.0, 88.0, 91.0], [0.4, 0.5, 0.3, 0.4])
    fast = run_of([147.0, 151.0, 144.0, 149.0], [0.0, 0.1, 0.0, 0.1], number=2, about=about(workers=6))
    lean = [summed(run) for run in (slow, fast)]
    whole, short = compare(slow, fast), compare(*lean)

    assert [1, 1] == [len(run.blocks) for run in lean]
    assert [40.0, 40.0] == [run.seen_seconds for run in lean]
    assert whole == replace(short, one=slow, other=fast)
    assert whole.proof is not None
    assert lean == [summed(run) for run in lean]
