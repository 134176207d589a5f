"""GPU memory of a training: what it may still take, and the largest batch that fits.

M(B) = base + slope * B, from one observation of the peak and a prior for the base. Checked on published
AutoBatch logs (YOLOv5s, YOLOv5m, YOLOv8s): with the base known, doubling the batch is predicted within
5 %; a base of 0 errs on the safe side by up to 10 %.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpumon.advice.bounds import rank_batch
from gpumon.diagnosis.memory import GpuMemory, memory_of
from gpumon.diagnosis.view import View, view_of
from gpumon.history.stats import Z_90, Interval
from gpumon.history.window import Window
from gpumon.model.measure import Maybe, Missing
from gpumon.model.suggestion import MemoryOutlook
from gpumon.model.training import Phase

# Context with lazy loading: 300 to 426 MiB (CUDA 11.7 and later).
_CONTEXT_BYTES = 400 * 1024**2
# SGD in fp32 under autocast: weights, gradients, momentum, EMA copy (16), autocast's cache (2).
_BYTES_PER_PARAMETER = 18
# Millions of parameters of YOLOv5 by the letter of its size.
_PARAMETERS = {"n": 1.9e6, "s": 7.2e6, "m": 21.2e6, "l": 46.5e6, "x": 86.7e6}
_SIZE = re.compile(r"yolov?5([nsmlx])6?(?:\W|_|$)", re.IGNORECASE)
# The base is a prior: at most this share of what was seen.
_MOST_BASE = 0.5
# Share of the limit that a batch may take; the first validation, at twice the batch, may still add.
_MARGIN, _MARGIN_UNVALIDATED = 0.90, 0.85
# Relative deviation of M(B'): 2 % plus 4 % for every doubling it is away.
_DEVIATION, _DEVIATION_PER_STEP = 0.02, 0.04
# At most twice the batch in one step, then look again.
_LARGEST_STEP = 2
# --multi-scale: the largest of its 21 sizes has been drawn after 100 steps with 99.2 %.
_LARGEST_AREA, _STEPS_TO_LARGEST = 2.25, 100


@dataclass(frozen=True, slots=True)
class MemoryModel:
    """M(B) of one rank on its GPU: bytes at a batch, from its `peak` at `batch`; `allowed` is the most."""

    batch: int
    peak: int
    base: float
    slope: float
    allowed: float

    def bytes_at(self, batch: int) -> Interval:
        """Return the predicted peak at a batch with its 90 % interval."""
        middle = self.base + self.slope * batch
        deviation = Z_90 * (_DEVIATION + _DEVIATION_PER_STEP * abs(batch / self.batch - 1)) * middle
        if batch == self.batch:
            deviation = 0.0
        return Interval(middle, middle - deviation, middle + deviation)

    def largest(self, *, safe: bool) -> int:
        """Return the largest batch up to twice the present one that fits; 0 where none does.

        Safe: its 95th percentile fits; else its median does.
        """
        fitting = 0
        for batch in range(1, self.batch * _LARGEST_STEP + 1):
            peak = self.bytes_at(batch)
            if (peak.high if safe else peak.value) <= self.allowed:
                fitting = batch
        return fitting


def outlook(window: Window, pid: int) -> MemoryOutlook:
    """Return the GPU memory of the training with that main PID."""
    view = view_of(window, pid)
    return outlook_of(view) if view else _unknown(Missing("the training is not seen"))


def outlook_of(view: View) -> MemoryOutlook:
    """Return the GPU memory of one training."""
    memory = memory_of(view)
    if isinstance(memory, Missing):
        return _unknown(memory)
    model = model_of(view, memory)
    if isinstance(model, Missing):
        return MemoryOutlook(memory.peak, memory.limit, memory.risk, model)
    safe = rounded_batch(model.largest(safe=True), model.batch)
    if safe < 1:
        none = Missing("even a batch of 1 would not fit with the margin")
        return MemoryOutlook(memory.peak, memory.limit, memory.risk, none)
    high = max(safe, model.largest(safe=False))
    ranks = view.ranks
    return MemoryOutlook(memory.peak, memory.limit, memory.risk, safe * ranks, safe * ranks, high * ranks)


def model_of(view: View, memory: GpuMemory) -> Maybe[MemoryModel]:
    """Return the memory model of one rank, or why there is none yet."""
    batch = rank_batch(view)
    if batch is None:
        return Missing("the batch size is not known")
    if view.phase is Phase.START or memory.peak <= 0:
        return Missing("no training step seen yet")
    base = min(_CONTEXT_BYTES + _BYTES_PER_PARAMETER * _parameters(view), _MOST_BASE * memory.peak)
    area = 1.0
    if view.setting("multi_scale") and (memory.steps_done or 0) < _STEPS_TO_LARGEST:
        area = _LARGEST_AREA
    margin = _MARGIN if memory.validated else _MARGIN_UNVALIDATED
    return MemoryModel(
        batch, memory.peak, base, area * (memory.peak - base) / batch, margin * max(0, memory.limit)
    )


def rounded_batch(largest: int, present: int) -> int:
    """Return the batch to recommend: a multiple of 8, or 4, 2, 1; the present one where only it fits.

    8, 16, 32 and 64 keep YOLOv5's nominal batch of 64 by accumulation.
    """
    if largest >= 8:
        batch = largest - largest % 8
    else:
        batch = next((size for size in (4, 2, 1) if size <= largest), 0)
    return present if batch < present <= largest else batch


def _parameters(view: View) -> float:
    for name in ("weights", "cfg"):
        value = view.setting(name)
        found = _SIZE.search(value) if isinstance(value, str) else None
        if found:
            return _PARAMETERS[found.group(1).lower()]
    return _PARAMETERS["n"]


def _unknown(reason: Missing) -> MemoryOutlook:
    return MemoryOutlook(reason, reason, reason, reason)
