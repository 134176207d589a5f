"""Statistics of short series: quantiles, robust slopes, and intervals that hold with few numbers.

All intervals are 90 %. Random draws come from a seed that is passed in, so the same samples give the
same interval, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, sqrt
from operator import itemgetter
from random import Random

RESAMPLES = 200
SEED = 20
# The 95th percentile of the normal distribution: the half-width of a 90 % interval in deviations.
Z_90 = 1.6448536269514722
_LARGEST_BYTE = 255


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 90 % interval; low <= value <= high."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the width of the interval: the number behind a plus-minus sign."""
        return (self.high - self.low) / 2

    def around(self, other: Interval) -> Interval:
        """Return this estimate with the wider of both intervals."""
        return Interval(self.value, min(self.low, other.low), max(self.high, other.high))


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean. Raises ZeroDivisionError without values."""
    return sum(values) / len(values)


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile by linear interpolation (type 7). Raises IndexError without values."""
    return _quantile_of_sorted(sorted(values), share)


def _quantile_of_sorted(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = max(0, min(floor(place), len(ordered) - 1))
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def interval_of(value: float, draws: Sequence[float]) -> Interval:
    """Return the interval between the 5th and 95th percentile of `draws`, widened to hold `value`."""
    ordered = sorted(draws)
    low, high = _quantile_of_sorted(ordered, 0.05), _quantile_of_sorted(ordered, 0.95)
    return Interval(value, min(low, value), max(high, value))


def ewma(values: Sequence[float], alpha: float) -> float:
    """Return the exponentially weighted mean, oldest value first. Raises IndexError without values."""
    smoothed = values[0]
    for value in values[1:]:
        smoothed += alpha * (value - smoothed)
    return smoothed


def theil_sen(places: Sequence[float], values: Sequence[float]) -> Interval:
    """Return the median of all pairwise slopes with its interval by Kendall's statistic (Sen 1968).

    Robust to outliers up to 29 %. Raises ValueError with fewer than two different places.
    """
    slopes = sorted(
        (values[j] - values[i]) / (places[j] - places[i])
        for i in range(len(places))
        for j in range(i + 1, len(places))
        if places[i] != places[j]
    )
    if not slopes:
        message = "a slope needs two different places"
        raise ValueError(message)
    count = len(places)
    spread = Z_90 * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, floor((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, ceil((len(slopes) + spread) / 2))
    return Interval(_quantile_of_sorted(slopes, 0.5), slopes[low], slopes[high])


def wilson(hits: int, total: int) -> Interval:
    """Return a share with Wilson's score interval, which is honest at 0 and 1. (0, 0) knows nothing."""
    if total <= 0:
        return Interval(0.5, 0.0, 1.0)
    share = hits / total
    square = Z_90 * Z_90
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = Z_90 * sqrt(share * (1 - share) / total + square / (4 * total * total)) / (1 + square / total)
    return Interval(share, max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share)))


@lru_cache(maxsize=64)
def resamples(blocks: int, count: int = RESAMPLES, seed: int = SEED) -> tuple[Sequence[int], ...]:
    """Return `count` draws of `blocks` indices with replacement: which blocks each resample holds."""
    random = Random(seed).random  # noqa: S311 - a reproducible draw, not a secret
    # While a training fills the window the number of blocks goes up with each sample: 64 numbers of blocks
    # are 2 MB as bytes, 17 MB as integers.
    pack = bytes if blocks <= _LARGEST_BYTE + 1 else tuple
    # As `random.choices` draws them, in a third of the time.
    drawn = pack([int(random() * blocks) for _ in range(blocks * count)])
    return tuple(drawn[at * blocks : (at + 1) * blocks] for at in range(count))


# As integers: quicker, and large.
@lru_cache(maxsize=8)
def _pickers(blocks: int) -> tuple[Callable[[Sequence[int]], tuple[int, ...]], ...]:
    """Return what takes the values of each resample out of a list of at least two."""
    return tuple(itemgetter(*indices) for indices in resamples(blocks))


@lru_cache(maxsize=8)
def normal_draws(count: int = RESAMPLES, seed: int = SEED) -> tuple[float, ...]:
    """Return `count` draws from the standard normal distribution."""
    random = Random(seed)  # noqa: S311 - a reproducible draw, not a secret
    return tuple(random.gauss(0.0, 1.0) for _ in range(count))


def bootstrap_shares(blocks: Sequence[tuple[int, int]]) -> tuple[float, ...]:
    """Return the pooled share of each resample of blocks of (hits, total).

    Looks within one second are alike, so whole seconds are drawn, not looks. Resamples without a look
    give the share over all. Raises ValueError where no block has a look.
    """
    total = sum(total for _, total in blocks)
    if total <= 0:
        message = "no block has a look"
        raise ValueError(message)
    overall = sum(hits for hits, _ in blocks) / total
    if len(blocks) == 1:
        return (overall,) * RESAMPLES
    # Hits and total of a block as one number, so that a resample is summed up once: low bits are hits.
    bits = (len(blocks) * max(max(block) for block in blocks)).bit_length()
    mask, packed = (1 << bits) - 1, [hits | total << bits for hits, total in blocks]
    shares: list[float] = []
    for pick in _pickers(len(blocks)):
        drawn = sum(pick(packed))
        shares.append((drawn & mask) / (drawn >> bits) if drawn >> bits else overall)
    return tuple(shares)


def share_interval(blocks: Sequence[tuple[int, int]]) -> Interval:
    """Return the pooled share of blocks of (hits, total) with the wider of two intervals.

    The bootstrap over blocks knows of dependence but nothing of what was never seen (0 of 80 looks);
    Wilson's interval over looks knows of that, and nothing of dependence.
    """
    return _share_interval(tuple(blocks))


# The same seconds are asked for by the view of the newest samples and by that of the whole window.
@lru_cache(maxsize=16)
def _share_interval(blocks: tuple[tuple[int, int], ...]) -> Interval:
    hits = sum(block[0] for block in blocks)
    total = sum(block[1] for block in blocks)
    counted = wilson(hits, total)
    if total <= 0:
        return counted
    return counted.around(interval_of(counted.value, bootstrap_shares(blocks)))
