"""GPU memory of a training: what it may still take, and the largest batch that fits.

M(B) = base + slope * B of one rank: a line through the peak that was seen, whose base is known from the
model's parameters and from what earlier runs held at other batches, weighted by their variances. Checked on
published AutoBatch logs of seven models: `python -m tests.lab.memory_table`. A batch is safe where it runs
out of memory with 5 % at most: the doubt about its peak and the one about how much can be used are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from gpumon.advice.bounds import rank_batch
from gpumon.advice.learning_rate import accumulated, update_of
from gpumon.advice.model_memory import (
    USABLE_DEVIATION,
    USABLE_RATIO,
    USABLE_UNVALIDATED_RATIO,
    base_bytes,
    base_deviation,
    model_name,
    parameters_of,
)
from gpumon.advice.prior import NOTHING_KNOWN, Prior, SeenMemory
from gpumon.diagnosis.memory import GpuMemory, memory_of
from gpumon.diagnosis.risk import LARGEST_AREA
from gpumon.diagnosis.view import View, view_of
from gpumon.history.stats import Z_90, Interval
from gpumon.history.window import Window
from gpumon.model.measure import Certainty, Maybe, Missing, known
from gpumon.model.suggestion import MemoryOutlook, OomRisk, RiskLevel
from gpumon.model.training import Phase

# The prior's base: at most this share of what was seen; with earlier runs at other batches, this one.
_MOST_BASE, _MOST_SEEN_BASE = 0.5, 0.9
# Standard deviation of any peak about the line: the allocator's steps, and targets.
_PEAK_DEVIATION = 0.02
# The peak rose by so much of the device after the first validation: not every batch was seen yet.
_STILL_RISING = 0.02
# At most twice the batch in one step, then look again: the error of the line grows with the step. A few
# images at once where no line is needed, as they fit even if all of the peak goes with the batch, and where
# an update sums as many images as before. Up to 8: so far all published batches brought more
# (gpumon.advice.step_time).
_LARGEST_STEP, _FEW = 2, 8
_GROWS = Missing("its memory grows, and a larger batch would be full sooner")
# --multi-scale: the largest of its 21 sizes has been drawn after 100 steps with 99.2 %.
_STEPS_TO_LARGEST = 100
_NOMINAL = 64
# A recommended batch has so many binary digits at most before its zeros, and is a multiple of 8 from 64 on.
_DIGITS, _LARGEST_UNIT = 4, 8


@dataclass(frozen=True, slots=True)
class MemoryModel:
    """M(B) of one rank on its GPU: bytes at a batch, from its `peak` at `batch`; `allowed` can be used.

    `base_deviation` and `allowed_deviation` are standard deviations in bytes; `rests_on` says what it is
    built on. Training needs `need_ratio` of what is held: the allocator gives the rest back before it fails.
    More than `limit` bytes are never held (None: no limit). `is_present_safe` tells that the present batch
    was seen to live with little risk: the margin is for batches that nobody has seen. Up to `few` images one
    step may lead, though it more than doubles the batch.
    """

    batch: int
    peak: int
    base: float
    slope: float
    allowed: float
    base_deviation: float = 0.0
    rests_on: str = ""
    need_ratio: float = 1.0
    limit: int | None = None
    is_present_safe: bool = False
    few: int = 0
    allowed_deviation: float = 0.0

    def bytes_at(self, batch: int) -> Interval:
        """Return the predicted peak at a batch with its 90 % interval, as it will be seen."""
        found = self._wanted(batch)
        if self.limit is None:
            return found
        return Interval(*(min(edge, float(self.limit)) for edge in (found.value, found.low, found.high)))

    def largest(self, *, safe: bool, steps: int = 1) -> int:
        """Return the largest batch that fits and so many steps of advice could reach; 0 where none does.

        A step at most doubles the batch, but for a few images that fit in proportion. Safe: it fits with
        95 %; else with one half.
        """
        fitting, most = 0, max(self.batch * _LARGEST_STEP**steps, self.few)
        while fitting < most:
            middle = (fitting + most + 1) // 2
            if self._fits(middle, safe=safe):
                fitting = middle
            else:
                most = middle - 1
        # The present batch is known, unlike those around it.
        is_known = self.is_present_safe or self._fits(self.batch, safe=safe)
        return max(fitting, self.batch) if is_known else fitting

    def _wanted(self, batch: int) -> Interval:
        middle = self.base + self.slope * batch
        if batch == self.batch:
            return Interval(middle, middle, middle)
        if _LARGEST_STEP * self.batch < batch <= self.few:
            return self._beyond_twice(batch, middle)
        # The line turns about the peak that was seen.
        turned = (batch / self.batch - 1) * self.base_deviation
        deviation = Z_90 * hypot(_PEAK_DEVIATION * middle, turned)
        return Interval(middle, middle - deviation, middle + deviation)

    def _beyond_twice(self, batch: int, middle: float) -> Interval:
        """Return what a batch takes whatever the line is: most of the peak stays as it is, or none of it."""
        ratio, peak = batch / self.batch, self.base + self.slope * self.batch
        most = ratio * peak * (1.0 + Z_90 * _PEAK_DEVIATION)
        return Interval(middle, min(middle, peak * (ratio + _MOST_SEEN_BASE * (1.0 - ratio))), most)

    def _fits(self, batch: int, *, safe: bool) -> bool:
        peak = self._wanted(batch)
        middle, rise = self.need_ratio * peak.value, self.need_ratio * (peak.high - peak.value)
        if not safe:
            return middle <= self.allowed
        doubt = Z_90 * self.allowed_deviation
        # Both doubts are independent; but the upper end of a few images at once is the worst case.
        both = hypot(rise, doubt) if batch <= _LARGEST_STEP * self.batch else rise + doubt
        return middle + both <= self.allowed


def outlook(window: Window, pid: int, prior: Prior = NOTHING_KNOWN) -> MemoryOutlook:
    """Return the GPU memory of the training with that main PID."""
    view = view_of(window, pid)
    return outlook_of(view, prior) if view else _unknown(Missing("the training is not seen"))


def outlook_of(view: View, prior: Prior = NOTHING_KNOWN) -> MemoryOutlook:
    """Return the GPU memory of one training. `prior` holds what earlier runs of it held.

    While memory grows no batch is called safe: each is full some time.
    """
    memory = memory_of(view)
    if isinstance(memory, Missing):
        return _unknown(memory)
    if memory.growth is not None:
        full = memory.growth.full_in_seconds
        return MemoryOutlook(memory.peak, memory.limit, memory.risk, _GROWS, full_in_seconds=full)
    model = model_of(view, memory, prior)
    if isinstance(model, Missing):
        return MemoryOutlook(memory.peak, memory.limit, memory.risk, model)
    # As large as it is: who advises a batch makes it round.
    safe = model.largest(safe=True)
    if safe < 1:
        none = Missing("even a batch of 1 would not fit with the margin")
        return MemoryOutlook(memory.peak, memory.limit, memory.risk, none)
    high = max(safe, model.largest(safe=False))
    ranks = view.ranks
    return MemoryOutlook(
        memory.peak,
        memory.limit,
        memory.risk,
        safe * ranks,
        safe * ranks,
        high * ranks,
        batch_rests_on=model.rests_on,
    )


def model_of(view: View, memory: GpuMemory, prior: Prior = NOTHING_KNOWN) -> Maybe[MemoryModel]:
    """Return the memory model of one rank, or why there is none yet."""
    batch = rank_batch(view)
    if batch is None:
        return Missing("the batch size is not known")
    if view.phase is Phase.START or memory.peak <= 0:
        return Missing("no training step seen yet")
    peak, validated = memory.peak, memory.validated
    for seen in prior.memory:
        # An earlier run knows what the first validation, which is still to come here, took.
        if not memory.validated and seen.has_validation and seen.batch_size == batch:
            peak, validated = max(peak, seen.peak_bytes), True
    expected, doubt, parameters_words = _expected_base(view)
    # Peaks with a validation and one without do not lie on one line.
    earlier = prior.memory if memory.validated else ()
    base, deviation, others = learned_base(batch, peak, expected, doubt, earlier)
    area = 1.0
    if view.setting("multi_scale") and (memory.steps_done or 0) < _STEPS_TO_LARGEST:
        area = LARGEST_AREA
    is_rising = sum(memory.rises) >= _STILL_RISING * memory.total
    usable = USABLE_RATIO if validated and not is_rising else USABLE_UNVALIDATED_RATIO
    if others:
        batches = ", ".join(str(other) for other in others)
        rests_on = f"the peak at batch {batch} and those of earlier runs at {batches}"
    else:
        rests_on = f"the peak at batch {batch} and {parameters_words}"
    limit = max(0, memory.limit)
    return MemoryModel(
        batch,
        peak,
        base,
        area * (peak - base) / batch,
        usable * limit,
        deviation,
        rests_on,
        min(1.0, memory.need / peak),
        limit,
        memory.is_settled and _is_low(memory.risk),
        _FEW if update_of(view.reading.training, batch * view.ranks) is not None else 0,
        USABLE_DEVIATION * limit,
    )


def _is_low(risk: Maybe[OomRisk]) -> bool:
    return not isinstance(risk, Missing) and risk.level is RiskLevel.LOW


def rounded_batch(largest: int, present: int) -> int:
    """Return the batch to recommend, at most `largest`: any to 16, even to 32, of fours to 64, of eights.

    The present one where a round one would be smaller than it although it fits.
    Round numbers are a habit: YOLOv5's author calls a batch of 52 valid (yolov5 issue 3648), and AutoBatch
    chooses any. That the tensor cores work in eighths is no matter of the batch: a convolution's rows are its
    images times their pixels. So less than a tenth is left where memory is short.
    """
    unit = min(_LARGEST_UNIT, 1 << max(0, largest.bit_length() - _DIGITS))
    batch = largest - largest % unit
    return present if batch < present <= largest else batch


def nominal_batch(largest: int, present: int, ranks: int = 1, nominal: int = _NOMINAL) -> int:
    """Return the largest round batch of one rank with which an update sums about `nominal` images.

    YOLOv5 sums over round(64 / B) batches of B images on all ranks (its train.py); from 64 on there is one.
    Allowed is an eighth more or less: 24 (72 images) is, 40 (80) and 48 (48) are not. Where no larger one
    keeps it, the present batch or a smaller one.
    """
    for batch in range(rounded_batch(largest, present), 0, -1):
        is_round = rounded_batch(batch, present) == batch
        if is_round and accumulated(batch * ranks, nominal).keeps_nominal:
            return batch
    return rounded_batch(largest, present)


def _expected_base(view: View) -> tuple[float, float, str]:
    """Return what the training takes without images, its standard deviation, and what that rests on."""
    name = model_name(view.setting("weights"), view.setting("cfg"))
    told, found = known(view.reading.progress.model_parameters), parameters_of(name)
    words = "a model of middle size, as its size is not known"
    if told is not None and told.value > 0 and (found is None or told.certainty is Certainty.EXACT):
        found = told.value
        words = f"the {found / 1e6:.1f} million parameters of its model ({told.source})"
    elif found is not None:
        words = f"the {found / 1e6:.1f} million parameters of its model"
    # Automatic mixed precision is what it does unless it is known not to.
    amp = known(view.reading.progress.amp_enabled)
    optimizer = str(view.setting("optimizer") or "SGD")
    base = base_bytes(name, amp=amp is not False, optimizer=optimizer, parameters=found)
    deviation = base_deviation(name, amp=amp is not False, optimizer=optimizer, parameters=found)
    return base, deviation, words


def learned_base(
    batch: int, peak: int, expected: float, deviation: float, earlier: tuple[SeenMemory, ...]
) -> tuple[float, float, tuple[int, ...]]:
    """Return the base of a rank, its standard deviation, and the other batches that it was learned from.

    All in bytes; `expected` is the base by the model alone, with its deviation, `earlier` what was held at
    other batches.

    A line through (batch, peak) and (b, m) has the base (m - peak * b / batch) / (1 - b / batch). The prior
    and all of these are weighted by their inverse variances.
    """
    weight = 1.0 / deviation**2
    weights, weighted, others = weight, weight * min(expected, _MOST_BASE * peak), set()
    for seen in earlier:
        ratio = seen.batch_size / batch
        # A peak without a validation is no peak of a whole run.
        if not seen.has_validation or seen.batch_size < 1 or seen.batch_size == batch or seen.peak_bytes <= 0:
            continue
        base = (seen.peak_bytes - peak * ratio) / (1.0 - ratio)
        noise = _PEAK_DEVIATION * hypot(seen.peak_bytes, peak * ratio) / abs(1.0 - ratio)
        weight = 1.0 / noise**2
        weights += weight
        weighted += weight * base
        others.add(seen.batch_size)
    most = _MOST_SEEN_BASE if others else _MOST_BASE
    base = min(max(0.0, weighted / weights), most * peak)
    return base, weights**-0.5, tuple(sorted(others))


def _unknown(reason: Missing) -> MemoryOutlook:
    return MemoryOutlook(reason, reason, reason, reason, full_in_seconds=reason)
