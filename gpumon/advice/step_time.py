"""How the time of a step goes with the batch: what a larger or smaller one brings the GPU.

t(B) = t0 + t1 * B: launches and host work that every step has, and work for each image. Two batches at which
the GPU was fed determine it; of one alone only t itself is known, and t0 comes from published rates, and from
the last batch of each epoch where that has fewer images.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from gpumon.advice.last_batch import joined, seen_share
from gpumon.advice.prior import Prior, model_error
from gpumon.advice.rates import present_rate
from gpumon.diagnosis.devices import devices_of
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.step import Step, step_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent
from gpumon.history.stats import Interval, mean

# t0 / t1, in images: the batch at half of the highest rate. From published doublings of the batch (YOLOv5s on
# an A100 8 -> 16; YOLOv5m at 416 px on a 3070 8 -> 16; Swin from 8 to 256, Gao et al., ICSE'24): 45, 4.5, 60,
# 21, 13, 19 and 7 images. The prediction is below all of them; the low end is a GPU that is full already,
# which one batch alone cannot rule out.
_HALF_BATCH, _HALF_BATCH_LEAST, _HALF_BATCH_MOST = 4.0, 0.0, 45.0
# Up to 8 images each published doubling brought more: 24, 53, 104 and 200 images/s with 1, 2, 4 and 8
# (YOLOv5s on an A100), 17, 59, 108 and 199 (YOLOv5m at 416 px on a 3070). The least, 59 to 108, gives 19.5.
_FEW, _HALF_BATCH_OF_FEW = 8, 19.0
# t0 in seconds: steps that are mere launches took 34 to 42 ms in the same rates (1 to 8 images); three times
# that for a slow host.
_LAUNCH_SECONDS, _LAUNCH_SECONDS_LEAST, _LAUNCH_SECONDS_MOST = 0.040, 0.0, 0.120
# Few images hardly compute for long: a longer step of them is rather that of a slow host. The (geometric)
# middle between those hosts and a slow one.
_LAUNCH_SECONDS_OF_FEW = 0.070
# Beyond the batches that were seen a GPU fills. A line through two published doublings predicts the gain of
# the next one; of ten in the rates above (1 to 16 images; Swin from 8 to 256) 0.84 came in the median, and
# 0.30 to 1.38 in all (tests/lab/settings_doublings.py prints them).
_BEYOND, _BEYOND_LEAST, _BEYOND_MOST = 0.84, 0.30, 1.38
# The same holds for a line from a quarter of the batch on; of five from less than that 0.42 of the gain came
# in the median, and 0.22 at least.
_FAR_PART, _BEYOND_FAR, _BEYOND_FAR_LEAST = 0.25, 0.42, 0.22
# Of a step whose length is known the upper end is by that alone: a short one may be nothing but launches.
_ANY = float("inf")


@dataclass(frozen=True, slots=True)
class BatchGain:
    """The factor on what the GPU takes from one batch to another, and a sentence on what it rests on.

    `is_seen` tells that earlier runs of this training showed it at two batches.
    """

    factor: Interval
    basis: str
    is_seen: bool = False


def batch_gain(view: View, prior: Prior, now: int, then: int) -> BatchGain:
    """Return what the GPU takes with a batch of `then` images instead of `now`, both of one rank.

    By two batches or more at which earlier runs of this training were fed, else by the present step, the last
    ones of its epochs and published rates. Where the hardware counts active SMs, no gain is beyond filling
    them.
    """
    fitted = _fitted(view, prior, now, then)
    gain = _published(view, prior, now, then) if fitted is None else fitted
    active = _active(view)
    if then <= now or active is None or not 0.0 < active <= 1.0:
        return gain
    most = 1.0 / active
    factor = Interval(*(min(most, end) for end in (gain.factor.value, gain.factor.low, gain.factor.high)))
    basis = f"{gain.basis}; {percent(active)} of the SMs are active, which bounds it"
    return BatchGain(factor, basis, gain.is_seen)


def _published(view: View, prior: Prior, now: int, then: int) -> BatchGain:
    step = step_of(view)
    seconds, gap = None, None
    if isinstance(step, Step):
        # What the step takes without the wait for data.
        seconds = None if step.seconds is None else step.seconds * (1.0 - step.wait.value)
        gap = step.gap
    point = _HALF_BATCH, _LAUNCH_SECONDS
    if max(now, then) <= _FEW:
        point = _HALF_BATCH_OF_FEW, _LAUNCH_SECONDS_OF_FEW
    shares = [
        _fixed_share(now, half, launches, seconds)
        for half, launches in (
            point,
            (_HALF_BATCH_LEAST, _LAUNCH_SECONDS_LEAST),
            (_HALF_BATCH_MOST if seconds is None else _ANY, _LAUNCH_SECONDS_MOST),
        )
    ]
    basis = "published rates of other models at other batches"
    if seconds is not None:
        basis += f" and a step of {1000 * seconds:.0f} ms"
    seen_by_last, weight = seen_share(view, now), 0.0
    if seen_by_last is not None:
        share, weight = joined(Interval(*shares), seen_by_last)
        shares = [share.value, share.low, share.high]
        basis = f"{seen_by_last.basis}, and {basis}"
    ends = [_factor(now, then, share) for share in shares]
    if then > now and seen_by_last is not None:
        # A line through two batches promises too much beyond them, as far as it is one.
        is_far = seen_by_last.part < _FAR_PART
        falls = (
            _BEYOND_FAR if is_far else _BEYOND,
            _BEYOND_FAR_LEAST if is_far else _BEYOND_LEAST,
            _BEYOND_MOST,
        )
        ends = [
            1.0 + (1.0 - weight * (1.0 - fall)) * (end - 1.0) for end, fall in zip(ends, falls, strict=True)
        ]
    if gap is not None and then > now:
        # The GPU idles so long in each step although a batch is there: that part is seen.
        seen = (gap.value, gap.low, gap.high)
        ends = [max(end, _factor(now, then, idle)) for end, idle in zip(ends, seen, strict=True)]
    # Besides, t0 + t1 * B is no more than a model.
    value, error = ends[0], model_error(prior, "batch_size") * min(1.0, abs(ends[0] - 1.0))
    low = value * (1.0 - hypot(1.0 - min(ends) / value, error))
    high = value * (1.0 + hypot(max(ends) / value - 1.0, error))
    least, most = min(1.0, then / now), max(1.0, then / now)
    factor = Interval(value, max(least, min(low, value)), min(most, high))
    return BatchGain(factor, f"{basis}: an estimate")


def _fixed_share(batch: int, half_batch: float, launch_seconds: float, seconds: float | None) -> float:
    """Return which share of a step does not grow with the batch."""
    share = 1.0 / (1.0 + batch / half_batch) if half_batch else 0.0
    return share if not seconds else min(share, launch_seconds / seconds)


def _factor(now: int, then: int, fixed: float) -> float:
    """Return rate(then) / rate(now) where `fixed` is the share of t0 in the present step."""
    ratio = then / now
    return ratio / (fixed + (1.0 - fixed) * ratio)


def _fitted(view: View, prior: Prior, now: int, then: int) -> BatchGain | None:
    points = _fed_points(view, prior, now)
    if len(points) < 2:
        return None
    fixed, each = _least_squares(points)
    if fixed + each <= 0:
        return None

    def rate(batch: int) -> float:
        return batch / (fixed + each * batch)

    value = rate(then) / rate(now)
    missed = max(abs(rate(batch) * seconds / batch - 1.0) for batch, seconds, _ in points)
    known_to = mean([half for _, _, half in points])
    seen = [batch for batch, _, _ in points]
    basis = (
        f"the rates of this training at batches of {' and '.join(map(str, seen))}, at which its GPU was fed"
    )
    if then > max(now, *seen):
        value, low, high = (1.0 + share * (value - 1.0) for share in (_BEYOND, _BEYOND_LEAST, _BEYOND_MOST))
        basis += ", and how far published rates fell behind such a line"
        error = hypot(missed, known_to)
    else:
        low = high = value
        error = hypot(missed, known_to, model_error(prior, "batch_size") * min(1.0, abs(value - 1.0)))
    low = value * (1.0 - min(hypot(1.0 - low / value, error), 0.95))
    high = value * (1.0 + hypot(high / value - 1.0, error))
    least, most = min(1.0, then / now), max(1.0, then / now)
    return BatchGain(Interval(value, max(least, low), min(most, high)), basis, is_seen=True)


def _fed_points(view: View, prior: Prior, now: int) -> list[tuple[int, float, float]]:
    """Return (batch, seconds of a step, relative error) where the wait was below 5 %, by batch.

    Only such rates tell what the GPU takes. Rates of all ranks: the seconds are those of an image of each.
    """
    by_batch: dict[int, list[tuple[float, float]]] = {}
    for rate in prior.rates:
        wait = rate.data_wait_ratio
        if wait is None or wait >= STARVED_RATIO or rate.batch_size <= 0 or rate.images_per_second <= 0:
            continue
        half = (rate.images_per_second_high - rate.images_per_second_low) / 2 / rate.images_per_second
        by_batch.setdefault(rate.batch_size, []).append((rate.images_per_second, max(0.0, half)))
    present = present_rate(view)
    wait_now = view.wait
    if present is not None and isinstance(wait_now, Interval) and wait_now.value < STARVED_RATIO:
        by_batch.setdefault(now, []).append((present.value, present.half_width / present.value))
    return [
        (batch, batch / mean([rate for rate, _ in rates]), mean([half for _, half in rates]))
        for batch, rates in sorted(by_batch.items())
    ]


def _least_squares(points: list[tuple[int, float, float]]) -> tuple[float, float]:
    """Return t0 and t1, neither negative, with the least squared relative error of the step's seconds."""
    rows = [(1.0 / seconds, batch / seconds) for batch, seconds, _ in points]
    one, both, two = (
        sum(a * a for a, _ in rows),
        sum(a * b for a, b in rows),
        sum(b * b for _, b in rows),
    )
    first, second = sum(a for a, _ in rows), sum(b for _, b in rows)
    determinant = one * two - both * both
    if determinant > 0:
        fixed = (first * two - second * both) / determinant
        each = (one * second - both * first) / determinant
        if fixed >= 0 and each >= 0:
            return fixed, each
    # On the border: only launches, or only images, whichever misses less.
    launches, images = first / one, second / two
    missed_launches = sum((a * launches - 1.0) ** 2 for a, _ in rows)
    missed_images = sum((b * images - 1.0) ** 2 for _, b in rows)
    return (launches, 0.0) if missed_launches < missed_images else (0.0, images)


def _active(view: View) -> float | None:
    """Return the share of SMs at work, of the GPU where it is highest."""
    found = [value for each in devices_of(view) if (value := each.mean("gpu_sm_busy_ratio")) is not None]
    return max(found) if found else None
