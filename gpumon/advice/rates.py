"""Rates that earlier runs of the same training reached: what was seen beats what a model says."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt

from gpumon.advice.prior import REPEAT_RATIO, Prior, SeenRate, model_error
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import count_words, rate_words
from gpumon.history.stats import Z_90, Interval, mean
from gpumon.model.measure import number

# A rate is never known better than to none of it: an interval stays above 0.
_MOST_BELOW = 0.95
_RAM = frozenset({"ram", "true"})
_OFF = frozenset({"", "none", "false"})


@dataclass(frozen=True, slots=True)
class SeenGain:
    """The factor from the present rate to one that was seen, with its 90 % interval and a sentence on it.

    `rate` is what was seen, in images per second.
    """

    factor: Interval
    rate: float
    basis: str


def cache_name(value: float | str | None) -> str | None:
    """Return the setting `cache` by one name, "ram", "disk" or another, and None for no cache."""
    text = "" if value is None else str(value).strip().lower()
    return "ram" if text in _RAM else None if text in _OFF else text


def present_rate(view: View) -> Interval | None:
    """Return the present images per second of all ranks, with the error of their mean; None where unknown."""
    return view.once(_present_rate)


def rates_like(view: View, prior: Prior) -> tuple[SeenRate, ...]:
    """Return the earlier rates with the cache that the training has."""
    cache = cache_name(view.setting("cache"))
    return tuple(
        rate for rate in prior.rates if cache_name(rate.cache) == cache and rate.images_per_second > 0
    )


def seen_gain(view: View, prior: Prior, workers: int, batch: int | None) -> SeenGain | None:
    """Return what earlier runs reached with so many workers and that batch of a rank, both of one rank."""
    now = present_rate(view)
    same = [rate for rate in rates_like(view, prior) if rate.workers == workers and rate.batch_size == batch]
    if not same or now is None:
        return None
    rate = mean([each.images_per_second for each in same])
    low, high = (
        min(each.images_per_second_low for each in same),
        max(each.images_per_second_high for each in same),
    )
    value, repeat = rate / now.value, REPEAT_RATIO * model_error(prior, "workers")
    below = hypot(max(0.0, 1.0 - low / rate), now.half_width / now.value, repeat)
    above = hypot(max(0.0, high / rate - 1.0), now.half_width / now.value, repeat)
    runs = "an earlier run" if len(same) == 1 else f"{len(same)} earlier runs"
    basis = (
        f"{runs} of this training with {count_words(workers, 'worker')} at this batch:"
        f" {rate_words(rate)} images/s seen, no model"
    )
    factor = Interval(value, value * (1.0 - min(below, _MOST_BELOW)), value * (1.0 + above))
    return SeenGain(factor, rate, basis)


def _present_rate(view: View) -> Interval | None:
    rates = [
        rate for _, reading in view.steady if (rate := number(reading.progress.images_per_second)) is not None
    ]
    middle = mean(rates) if rates else 0.0
    if middle <= 0:
        return None
    squares = sum((rate - middle) ** 2 for rate in rates)
    half = Z_90 * sqrt(squares / max(1, len(rates) - 1) / len(rates))
    return Interval(middle, max(0.0, middle - half), middle + half)
