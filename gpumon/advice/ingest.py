"""How fast the GPU could take images if it never had to wait for them.

Three estimators, in order of trust: the burst after a validation or a checkpoint, during which batches are
there that were loaded meanwhile (what DS-Analyzer, VLDB'21, needs a special run for); the share of time that
the loop does not wait; the GPU's utilisation. The last one is no more than a bound: NVML counts each moment
with a kernel as busy and knows nothing of gaps between steps, so it only says where it contradicts the wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent
from gpumon.history.phases import Seen, spans, steady
from gpumon.history.stats import Z_90, Interval, mean
from gpumon.model.measure import Maybe, Missing, known, number
from gpumon.model.reading import TrainingReading
from gpumon.model.training import Phase

# The wait is estimated with a mean error of 0.03 against a hook in the loop (measured, /proc alone).
WAIT_ERROR = 0.03
# After a start the first steps are slow by themselves; these gaps only let the queue fill.
_GAPS = frozenset({Phase.VALIDATE, Phase.CHECKPOINT})
# Steps are counted to one at either end of a burst: 16 of them give the rate within 6 %.
_LEAST_STEPS = 16
# A loop that waits longer than this was not in a burst.
_MOST_WAIT = 0.10
# Chosen: a utilisation above 1 - wait by more than this is worth a word, and no reason to doubt the wait.
_CONTRADICTION = 0.05


@dataclass(frozen=True, slots=True)
class Ingest:
    """The rate at which the GPU takes images, as what is lost of it by waiting: present / (1 - `wait`).

    `error` is the standard error of `wait` besides what the draws of the samples show. `basis` says in a few
    words what it rests on.
    """

    wait: float
    error: float
    basis: str
    by_burst: bool = False


def ingest_of(view: View) -> Ingest | None:
    """Return what the GPU could take, or None where the wait is not known.

    A burst counts only where it lies within what the wait allows: else it was of other images or steps.
    """
    return view.once(_ingest)


def utilisation_words(view: View) -> str:
    """Return what is to be said where the GPU is busier than the wait leaves room for; else ""."""
    wait, busy = view.wait, view.gpu_busy if view.on_gpu else None
    if not isinstance(wait, Interval) or busy is None or busy <= 1.0 - wait.value + _CONTRADICTION:
        return ""
    return (
        f"; the GPU's utilisation of {percent(busy)} would leave less to gain, but counts every moment"
        " with a kernel"
    )


def _ingest(view: View) -> Ingest | None:
    wait = view.wait
    if not isinstance(wait, Interval):
        return None
    seen = f"the wait for data over {view.steady_seconds:.0f} s of steady training"
    burst, present = _burst(view), view.pooled(_batches)
    if burst is None or not present:
        return Ingest(wait.value, WAIT_ERROR, seen)
    lost = 1.0 - present / burst.rate
    reach = Z_90 * WAIT_ERROR
    if not wait.low - reach <= lost <= wait.high + reach:
        return Ingest(wait.value, WAIT_ERROR, seen)
    error = (1.0 - lost) * burst.gaps / burst.steps / Z_90
    basis = f"{seen}, {burst.steps} steps for which batches were ready after a validation or a checkpoint"
    return Ingest(max(0.0, lost), error, basis, by_burst=True)


@dataclass(frozen=True, slots=True)
class _Burst:
    """So many steps after so many gaps, and batches per second without what they did wait."""

    steps: int
    gaps: int
    rate: float


def _burst(view: View) -> _Burst | None:
    steps, gaps, seconds = 0, 0, 0.0
    for before, span in pairwise(spans(view.seen)):
        if before.phase not in _GAPS or span.phase is not Phase.TRAIN:
            continue
        part = view.seen[span.first : span.last]
        length = len(part) - len(steady((view.seen[span.first - 1], *part)))
        found = _fed(part[:length])
        if found is not None:
            gaps, steps, seconds = gaps + 1, steps + found[0], seconds + found[1]
    return _Burst(steps, gaps, steps / seconds) if steps >= _LEAST_STEPS and seconds > 0 else None


def _fed(part: Sequence[Seen]) -> tuple[int, float] | None:
    """Return steps, and seconds without waiting, from the end of the first sample on; None if it waited.

    The first sample holds a part of the gap. What the last ones did wait is taken off the time.
    """
    if len(part) < 2:
        return None
    (first_sample, first), (last_sample, last) = part[0], part[-1]
    began, ended = known(first.progress.batch), known(last.progress.batch)
    if began is None or ended is None or ended <= began:
        return None
    if known(first.progress.epoch) != known(last.progress.epoch):
        return None
    waits = [number(reading.loader.data_wait_ratio) for _, reading in part[1:]]
    told = [wait for wait in waits if wait is not None]
    if len(told) < len(waits) or mean(told) > _MOST_WAIT:
        return None
    seconds = last_sample.instant.monotonic_seconds - first_sample.instant.monotonic_seconds
    return ended - began, seconds * (1.0 - mean(told))


def _batches(reading: TrainingReading) -> Maybe[float]:
    rate = number(reading.loader.batches_per_second)
    return Missing("not known") if rate is None else rate
