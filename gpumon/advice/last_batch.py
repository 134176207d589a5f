"""What the last batch of each epoch tells of other batches: a second point of t(B), in the run itself.

Mostly it has fewer images than the others. Where its step takes as long as theirs images are nearly free;
where it takes as much less as it has fewer images, the GPU is full.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt

from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent
from gpumon.history.stats import Z_90, Interval
from gpumon.model.measure import Certainty, Measure, known
from gpumon.model.reading import LoaderReading

# A step of fewer images never takes longer: one that does, by more than chance, had something else in it.
_MOST_DEVIATIONS = 2.0
# Steps differ by 5 to 15 % (Lotus, IISWC'24): also exact times of some say that much less of the next ones.
_SPREAD_RATIO = 0.10
# In the newest one or two nothing may have been read.
_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class SeenShare:
    """The share of a full step that does not grow with the batch, as last steps show it, within 0 and 1.

    `error` is its standard error, `basis` says in a few words what it rests on. `part` is the share of a full
    batch's images that the last one has.
    """

    value: float
    error: float
    part: float
    basis: str


def seen_share(view: View, batch: int) -> SeenShare | None:
    """Return what the ends of epochs show of a rank's `batch` images, None where they show nothing."""
    newest = reversed(view.seen[-_SAMPLES:])
    return next((found for _, reading in newest if (found := _share(reading.loader, batch))), None)


def joined(published: Interval, seen: SeenShare) -> tuple[Interval, float]:
    """Return the share by published rates and by what was seen, and the weight of the latter, from 0 to 1.

    Each counts by its precision; published rates have another one upwards than downwards. The weight is that
    of both sides together.
    """

    def weight(half_width: float) -> float:
        squares = (half_width / Z_90) ** 2, seen.error**2
        return squares[0] / sum(squares) if sum(squares) > 0 else 0.0

    below, above = published.value - published.low, published.high - published.value
    side = above if seen.value > published.value else below
    value = published.value + weight(side) * (seen.value - published.value)
    low = value - below * sqrt(1.0 - weight(below))
    high = value + above * sqrt(1.0 - weight(above))
    return Interval(value, max(0.0, low), min(1.0, high)), weight((below + above) / 2)


def _share(loader: LoaderReading, batch: int) -> SeenShare | None:
    images, last, full = known(loader.last_batch_size), loader.last_step_seconds, loader.step_seconds
    if not isinstance(last, Measure) or not isinstance(full, Measure) or not images:
        return None
    part = images / (known(loader.batch_size) or batch)
    if part >= 1.0 or last.value <= 0 or full.value <= 0:
        return None
    ratio = last.value / full.value
    error = ratio * hypot(_error_ratio(last), _error_ratio(full))
    if ratio > 1.0 + _MOST_DEVIATIONS * error or ratio < part - _MOST_DEVIATIONS * error:
        return None
    share = (ratio - part) / (1.0 - part)
    words = "image" if images == 1 else "images"
    basis = (
        f"the last batch of each epoch, which has {images} {words} and takes {percent(ratio)}"
        f" (give or take {percent(Z_90 * error)}) of a full step"
    )
    return SeenShare(min(1.0, max(0.0, share)), error / (1.0 - part), part, basis)


def _error_ratio(measure: Measure) -> float:
    if measure.certainty is Certainty.EXACT or measure.standard_error is None:
        return _SPREAD_RATIO
    return measure.standard_error / measure.value
