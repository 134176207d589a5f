"""Speed and wait over blocks of time, with their intervals.

Readings of neighbouring seconds are alike: a rate is a mean over some seconds, a training has its slow
moments. So what counts is how whole blocks of 10 s and more differ, not how many readings there are. The
quotient of two sums over blocks has the standard error of a ratio estimator (Cochran, Sampling Techniques,
6.3); as neighbouring blocks are alike all the same, its square is widened as for a first-order
autoregressive series by (1 + r) / (1 - r), r being what the blocks show and what is usual. Intervals are 90
%, with Student's t for the number of blocks. They say how well the number is known for the time that was
seen; they know nothing of what two runs of one configuration differ by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, hypot, log, sqrt

from gpumon.history.block import Block
from gpumon.history.stats import Z_90, Interval, mean, wilson
from gpumon.model.measure import Maybe, Missing

# With fewer blocks Student's t says nothing that anybody could use.
LEAST_BLOCKS = 3
# Chosen: how much neighbouring blocks are alike on a busy machine; it weighs as six blocks beside what a run
# itself shows.
_PRIOR_CORRELATION = 0.4
_PRIOR_BLOCKS = 6
_MOST_CORRELATION = 0.9
# Chosen: a record of memory exceeds the one before by 1.5 % of the GPU's memory; it weighs as one increment.
_PRIOR_INCREMENT_RATIO = 0.015
# ln(ln 2 / -ln 0.95): a stretch as long as the seen one exceeds the peak by more than this many mean
# increments once in twenty times (records of exchangeable peaks, exponential excess).
_EXCESS_INCREMENTS = log(log(2.0) / -log(0.95))
# The 95th percentiles of Student's t with one degree of freedom and with two.
_STUDENT_1, _STUDENT_2 = 6.3138, 2.9200


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its error by chance, and the bounds of the error that is the same in every reading."""

    value: float
    standard_error: float
    degrees: float
    bound_low: float
    bound_high: float

    def interval(self) -> Interval:
        """Return the 90 % interval, widened by the bounds."""
        half = student_95(self.degrees) * self.standard_error
        return Interval(self.value, self.bound_low - half, self.bound_high + half)


def student_95(degrees: float) -> float:
    """Return the 95th percentile of Student's t, within 1.3 % (Cornish-Fisher; rather too high below 2)."""
    if degrees < 2:
        return _STUDENT_1 + (_STUDENT_2 - _STUDENT_1) * (max(degrees, 1.0) - 1)
    z = Z_90
    return (
        z
        + (z**3 + z) / (4 * degrees)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3)
    )


def speed_in(blocks: Sequence[Block]) -> Maybe[Estimate]:
    """Return images per second of steady training."""
    told = [block for block in blocks if block.rate_seconds > 0]
    found = _quotient([(block.rate_seconds, block.images) for block in told], blocks, "its speed")
    if isinstance(found, Missing):
        return found
    value, error, degrees = found
    seconds = sum(block.rate_seconds for block in told)
    low = sum(block.images_low for block in told) / seconds
    high = sum(block.images_high for block in told) / seconds
    return Estimate(value, error, degrees, min(low, value), max(high, value))


def wait_in(blocks: Sequence[Block]) -> Maybe[Estimate]:
    """Return the share of steady training that waits for data.

    Its error is no less than what the number of looks allows: no wait in 80 looks is not no wait.
    """
    told = [block for block in blocks if block.wait_seconds > 0]
    found = _quotient([(block.wait_seconds, block.waited_seconds) for block in told], blocks, "its wait")
    if isinstance(found, Missing):
        return found
    value, error, degrees = found
    seconds = sum(block.wait_seconds for block in told)
    looks = round(sum(block.looks for block in told))
    if looks:
        counted = wilson(round(min(1.0, max(0.0, value)) * looks), looks)
        if counted.half_width > student_95(degrees) * error:
            error, degrees = counted.half_width / Z_90, float(looks)
    low = sum(block.waited_low_seconds for block in told) / seconds
    high = sum(block.waited_high_seconds for block in told) / seconds
    return Estimate(value, error, degrees, min(low, value), max(high, value))


def wait_interval(estimate: Estimate) -> Interval:
    """Return the 90 % interval of a wait: a share is never below 0 or above 1."""
    found = estimate.interval()
    return Interval(found.value, max(0.0, found.low), min(1.0, found.high))


def quotient(one: Estimate, other: Estimate) -> Maybe[Interval]:
    """Return other / one with its 90 % interval, taken on the logarithm; both are positive."""
    if min(one.value, one.bound_low, other.value, other.bound_low) <= 0:
        return Missing("one of them stands still")
    errors = (one.standard_error / one.value, other.standard_error / other.value)
    half = student_95(_welch(errors, (one.degrees, other.degrees))) * hypot(*errors)
    value = other.value / one.value
    low = other.bound_low / one.bound_high
    high = other.bound_high / one.bound_low
    return Interval(value, low * exp(-half), high * exp(half))


def difference(one: Estimate, other: Estimate) -> Interval:
    """Return other - one with its 90 % interval (Welch)."""
    errors = (one.standard_error, other.standard_error)
    half = student_95(_welch(errors, (one.degrees, other.degrees))) * hypot(*errors)
    value = other.value - one.value
    return Interval(value, other.bound_low - one.bound_high - half, other.bound_high - one.bound_low + half)


def hardly_exceeded(peak: float, rises: Sequence[float], total: float) -> float:
    """Return the bytes below which 95 % of further stretches stay that are as long as the seen one.

    `rises` are by how much the peak rose each time, `total` is the size of the memory, both in bytes.
    """
    increments = (_PRIOR_INCREMENT_RATIO * total, *rises)
    return min(float(total), peak + _EXCESS_INCREMENTS * mean(increments))


def _quotient(
    pairs: Sequence[tuple[float, float]], blocks: Sequence[Block], what: str
) -> Maybe[tuple[float, float, float]]:
    """Return sum / sum of (weight, amount), its standard error and its degrees of freedom."""
    if not pairs:
        return Missing(
            f"{what} was not seen"
            if any(block.steady_seconds for block in blocks)
            else "no steady training was seen"
        )
    count = len(pairs)
    if count < LEAST_BLOCKS:
        return Missing(f"{what} was seen for {sum(weight for weight, _ in pairs):.0f} s only")
    total = sum(weight for weight, _ in pairs)
    value = sum(amount for _, amount in pairs) / total
    rests = [amount - value * weight for weight, amount in pairs]
    squares = sum(rest * rest for rest in rests)
    inflation = _inflation(rests, squares)
    error = sqrt(count / (count - 1) * squares * inflation) / total
    return value, error, max(1.0, count / inflation - 1)


def _inflation(rests: Sequence[float], squares: float) -> float:
    """Return by how much blocks that are alike widen the variance of their mean."""
    count = len(rests)
    seen = 0.0 if squares <= 0 else sum(one * other for one, other in pairwise(rests)) / squares
    # What is seen in a few blocks is too low by (1 + 3 r) / n (Kendall), and mostly chance.
    seen += (1 + 3 * seen) / count
    correlation = (count * seen + _PRIOR_BLOCKS * _PRIOR_CORRELATION) / (count + _PRIOR_BLOCKS)
    correlation = min(_MOST_CORRELATION, max(0.0, correlation))
    return (1 + correlation) / (1 - correlation)


def _welch(errors: tuple[float, float], degrees: tuple[float, float]) -> float:
    """Return Welch and Satterthwaite's degrees of freedom of a difference."""
    below = sum(error**4 / degree for error, degree in zip(errors, degrees, strict=True))
    return sum(degrees) if below <= 0 else max(1.0, (errors[0] ** 2 + errors[1] ** 2) ** 2 / below)
