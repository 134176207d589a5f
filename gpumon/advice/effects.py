"""What a change brings, as effects: the factor and the rate."""

from __future__ import annotations

from gpumon.diagnosis.view import View
from gpumon.history.stats import Interval
from gpumon.model.measure import Maybe, Missing
from gpumon.model.suggestion import Effect

# Chosen: no advice where the lower end of the gain is below 5 %.
LEAST_GAIN = 1.05
SAME = Interval(1.0, 1.0, 1.0)


def speedup_effect(gain: Interval) -> Effect:
    """Return a factor on the rate as an effect."""
    return Effect(1.0, gain.value, gain.low, gain.high)


def rate_effect(view: View, gain: Interval) -> Maybe[Effect]:
    """Return a factor as images per second, or Missing where the rate is not known."""
    rate = view.rate
    if rate is None:
        return Missing("the rate of the training is not known")
    return Effect(rate, rate * gain.value, rate * gain.low, rate * gain.high)
