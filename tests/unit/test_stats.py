"""Statistics hold their promises: order, coverage, robustness, and the same result every time."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.history.stats import (
    RESAMPLES,
    SEED,
    Interval,
    bootstrap_shares,
    ewma,
    interval_of,
    quantile,
    resamples,
    share_interval,
    theil_sen,
    wilson,
)

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)
blocks = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), min_size=1, max_size=20).map(
    lambda pairs: [(hits, hits + misses) for hits, misses in pairs]
)


@given(numbers)
def test_quantiles_lie_between_the_extremes_and_rise(values: list[float]) -> None:
    """A quantile is within the values, and a higher share gives no lower one."""
    low, middle, high = (quantile(values, share) for share in (0.05, 0.5, 0.95))
    assert min(values) <= low <= middle + 1e-9
    assert middle <= high + 1e-9
    assert high <= max(values)


def test_the_median_of_an_even_number_is_interpolated() -> None:
    """Between two values the quantile is linear."""
    assert quantile([1.0, 2.0, 3.0, 10.0], 0.5) == 2.5


def test_ewma_moves_towards_the_newest_value() -> None:
    """With alpha one half, half of each step is taken."""
    assert ewma([0.0, 1.0, 1.0], 0.5) == 0.75


def test_theil_sen_ignores_outliers() -> None:
    """A fifth of wild values leaves the slope where it was."""
    places = [float(place) for place in range(20)]
    values = [2.0 * place for place in places]
    for index in (3, 9, 14, 19):
        values[index] += 1000.0
    slope = theil_sen(places, values)
    assert slope.low <= 2.0 <= slope.high
    assert slope.value == pytest.approx(2.0, abs=0.5)


def test_the_slope_of_noise_is_not_told_from_zero() -> None:
    """The interval of a series without trend holds zero."""
    random = Random(5)  # noqa: S311 - a reproducible draw
    slope = theil_sen([float(place) for place in range(30)], [random.gauss(0, 1) for _ in range(30)])
    assert slope.low < 0 < slope.high


def test_a_slope_needs_two_places() -> None:
    """One place has no slope."""
    with pytest.raises(ValueError, match="two different places"):
        theil_sen([1.0, 1.0], [2.0, 3.0])


def test_nothing_seen_is_not_zero() -> None:
    """No hit in 20 looks still allows 10 %, no hit in 200 does not."""
    assert wilson(0, 20).high > 0.10
    assert wilson(0, 200).high < 0.02
    assert wilson(0, 0) == Interval(0.5, 0.0, 1.0)


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_holds_the_share(hits: int, misses: int) -> None:
    """The share lies in its interval, and the interval between 0 and 1."""
    found = wilson(hits, hits + misses)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0


@given(blocks)
def test_the_interval_of_a_share_holds_it_and_is_the_same_every_time(pairs: list[tuple[int, int]]) -> None:
    """Same blocks, same interval, bit for bit."""
    found = share_interval(pairs)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert share_interval(pairs) == found


def test_dependent_looks_widen_the_interval() -> None:
    """Seconds that wait wholly or not at all say less than evenly spread waits."""
    spread = share_interval([(10, 20)] * 10)
    lumps = share_interval([(20, 20), (0, 20)] * 5)
    assert lumps.half_width > 2 * spread.half_width


def test_the_interval_covers_the_truth() -> None:
    """Of 300 draws of 10 s of looks with a true wait of 30 %, at least 85 % hold it."""
    random = Random(1)  # noqa: S311 - a reproducible draw
    held = 0
    for _ in range(300):
        pairs = [(sum(random.random() < 0.3 for _ in range(20)), 20) for _ in range(10)]
        found = share_interval(pairs)
        held += found.low <= 0.3 <= found.high
    assert held >= 255


def test_resampling_without_looks_is_refused() -> None:
    """Blocks without a look have no share."""
    with pytest.raises(ValueError, match="no block"):
        bootstrap_shares([(0, 0)])


def test_an_interval_is_widened_to_hold_its_value() -> None:
    """A value outside the draws becomes an end of the interval."""
    assert interval_of(5.0, [1.0, 2.0]).high == 5.0


@pytest.mark.parametrize("blocks", [1, 2, 20, 256, 257])
def test_resamples_are_drawn_as_by_the_standard_library(blocks: int) -> None:
    """Each holds the indices that `random.choices` draws from the same seed, one after the other."""
    random = Random(SEED)  # noqa: S311 - a reproducible draw
    assert [random.choices(range(blocks), k=blocks) for _ in range(RESAMPLES)] == list(
        map(list, resamples(blocks))
    )
