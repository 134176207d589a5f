"""GPU memory of a training: its peak, its limit, and the probability of running out.

PyTorch's caching allocator gives nothing back, so what NVML shows is a high-water mark. What the risk is
judged from is gathered here; how, says gpumon.diagnosis.risk. Memory that grows steadily is judged by its
pace (gpumon.diagnosis.growth).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log

from gpumon.diagnosis.flushes import flushes_of
from gpumon.diagnosis.growth import Growth, growth_of
from gpumon.diagnosis.held import held_in, pools_of
from gpumon.diagnosis.need import Need, need_of
from gpumon.diagnosis.own_epochs import begins_seen, epochs_seen, has_ended_epoch, has_validated, is_resumed
from gpumon.diagnosis.risk import (
    LARGEST_AREA,
    Ground,
    Risk,
    Signs,
    records_expected,
    risk_of,
    size_probability,
)
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_of_words, bytes_words, count_words, percent, seconds_words
from gpumon.history.history import RECENT_SAMPLES
from gpumon.model.measure import Maybe, Missing, known, number
from gpumon.model.reading import TrainingReading
from gpumon.model.suggestion import OomRisk, RiskLevel
from gpumon.model.training import Phase

# Chosen: from where on the word for a probability is elevated, and high (docs/rules/vram-at-limit.md).
_ELEVATED, _HIGH = 0.05, 0.30
# Of the peak about a fifth are context, weights and optimizer: 8 % in the guide's YOLOv5s at batch 32 (0.55
# of 6.8 GB), half in small batches.
_BATCH_RATIO = 0.8
# What is reserved and free while a step is at its largest, and given back for a larger one: on the virtual
# GPU steps need 0.88 to 1.0 of what they reserve.
_CACHED_RATIO = 0.08
# Of sizes nothing is told before: ten steps take seconds, in which nobody can act, and draw most of them.
_LEAST_DRAWN = 10
# Growth shows after half a minute to a minute (gpumon.diagnosis.growth): till then it is said how short that
# what was seen of it is. Steps before it count, as the peak that they left is seen.
_WATCHED_SECONDS = 60.0
_RAN_OUT = "GPU ran out of memory"  # of gpumon's own sentence about the ending (gpumon.frameworks.ending)
_MIG = (
    "the GPU is divided by MIG, and on which slice the training runs is not known: its peak, its limit, the"
    " risk and the largest batch are not known"
)


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """Memory on the fullest GPU of the training, or on its fullest MIG slice, in bytes.

    `peak` is the most the training held there; `limit` what it could hold: total minus what the driver
    keeps and others use. `validated` and `steps_done` are of this process, which a resumed run has anew;
    `is_settled` tells that one of its epochs or validations is over. `steps_done` and `steps_left` count
    training steps, None where not known. `growth` is set where the peak rises steadily; `flushes` are the
    allocator's, of the last minutes. `rises` are those of the peak since the first validation,
    `need` is what training needs of the peak, and `signs` is all that the risk is judged from.
    """

    total: int
    peak: int
    limit: int
    validated: bool
    steps_done: int | None
    steps_left: int | None
    risk: Maybe[OomRisk]
    growth: Growth | None = None
    flushes: int = 0
    rises: tuple[float, ...] = ()
    need: float = 0.0
    signs: Maybe[Signs] = Missing("no training step seen yet")
    is_settled: bool = False


def memory_of(view: View) -> Maybe[GpuMemory]:
    """Return the memory of a training on its fullest GPU, or Missing with the reason."""
    return view.once(_memory)


def _memory(view: View) -> Maybe[GpuMemory]:
    gpus = view.reading.gpus(view.sample.gpus)
    if not gpus:
        return Missing("the training uses no GPU" if not view.on_gpu else "its GPUs are not known")
    held: list[tuple[int, int, int]] = []
    for pool in pools_of(view):
        peak, others = held_in(view, pool)
        if peak is not None:
            limit = pool.total_bytes - pool.reserved_bytes - others
            held.append((limit - peak, pool.total_bytes, peak))
    if not held:
        is_divided = any(known(gpu.gpu_mig_mode) for gpu in gpus)
        return Missing(_MIG if is_divided else "the memory of its GPUs is not known")
    headroom, total, peak = min(held)
    done, left = _steps(view)
    validated = has_validated(view)
    # A run without validations grows in its first epoch, too.
    is_settled = validated or has_ended_epoch(view)
    growth = growth_of(view, total, max(0, headroom)) if is_settled else None
    limit = headroom + peak
    flushes = flushes_of(view, limit)
    # Before the first validation all that is held is training's; with room for as much again neither the
    # risk nor the batch to recommend depend on it.
    asks = validated and headroom < peak
    need = need_of(view, peak, total) if asks else Need(float(peak), False, (), 0.0)
    unjudged = Missing("not judged")
    memory = GpuMemory(
        total,
        peak,
        limit,
        validated,
        done,
        left,
        unjudged,
        growth,
        flushes,
        need.rises,
        need.bytes,
        is_settled=is_settled,
    )
    if view.phase is Phase.START:
        return replace(memory, risk=Missing("no training step seen yet"))
    signs = _signs(view, memory, need)
    return replace(memory, signs=signs, risk=_judged(view, memory, signs))


def has_run_out(view: View) -> bool:
    """Tell whether the training has ended because its GPU's memory ran out."""
    ended = view.reading.ended
    return ended is not None and _RAN_OUT in ended.text


def batch_bytes(memory: GpuMemory) -> float:
    """Return about what one batch takes of the peak: all but context, weights and optimizer (0.8)."""
    return _BATCH_RATIO * memory.peak


def growth_words(growth: Growth) -> str:
    """Return "at this pace it is full in about 4 min"."""
    minutes = growth.full_in_seconds / 60
    if minutes < 1.5:
        return f"at this pace it is full in about {growth.full_in_seconds:.0f} s"
    if minutes < 90:
        return f"at this pace it is full in about {minutes:.0f} min"
    return f"at this pace it is full in about {minutes / 60:.0f} h"


def level_of(probability: float) -> RiskLevel:
    """Return the word for a probability."""
    if probability < _ELEVATED:
        return RiskLevel.LOW
    return RiskLevel.ELEVATED if probability < _HIGH else RiskLevel.HIGH


def _signs(view: View, memory: GpuMemory, need: Need) -> Signs:
    done, left = memory.steps_done, memory.steps_left
    headroom = max(0, int(memory.limit - need.bytes))
    size = 0.0
    is_narrow = headroom < (LARGEST_AREA - 1) * batch_bytes(memory)
    if view.setting("multi_scale") and done is not None and done >= _LEAST_DRAWN and is_narrow:
        # The step that runs has drawn its size as well. Where it is not known how many steps there are to
        # come, as many again are taken.
        drawn = done + (view.phase is Phase.TRAIN)
        room = int(headroom + _CACHED_RATIO * memory.peak)
        size = size_probability(drawn, done if left is None else left, batch_bytes(memory), room)
    return Signs(
        total_bytes=memory.total,
        headroom_bytes=headroom,
        batch_bytes=batch_bytes(memory),
        records=records_expected(done, left),
        rises=need.rises,
        rises_due=_due(view, memory, need.watched_seconds),
        has_validation_ahead=_has_validation_ahead(view, memory),
        size_probability=size,
        growth_probability=0.0 if memory.growth is None else memory.growth.probability,
        flushes=memory.flushes,
    )


def _judged(view: View, memory: GpuMemory, signs: Signs) -> OomRisk:
    risk = risk_of(signs)
    level = level_of(risk.probability)
    words = _risk_words(view, memory, risk)
    return OomRisk(risk.probability, level, words, _grounds(memory, risk, signs))


def _has_validation_ahead(view: View, memory: GpuMemory) -> bool:
    """Tell whether the first validation is known to be still to come: by its epoch, or by results.csv.

    Not of a resumed process that gpumon did not see begin: it may have had one.
    """
    reading = view.reading
    if memory.validated or memory.steps_left == 0 or (is_resumed(reading.training) and not begins_seen(view)):
        return False
    return known(reading.progress.epoch) is not None or known(reading.training.run_dir) is not None


def _risk_words(view: View, memory: GpuMemory, risk: Risk) -> str:
    odds = "below 1 %" if risk.probability < 0.01 else f"about {percent(risk.probability)}"
    peak = f"peak {bytes_of_words(memory.peak, memory.limit)}"
    if memory.growth is not None:
        return f"{odds}: memory grows, {growth_words(memory.growth)}; {peak}"
    if memory.flushes:
        flushed = "once" if memory.flushes == 1 else f"{memory.flushes} times"
        return f"{odds}: the allocator gave memory back {flushed} near the limit; {peak}"
    until = "until the end of the run" if memory.steps_left is not None else "in as many steps again"
    seen = "validation included" if memory.validated else "no validation seen yet"
    watched = _watched_seconds(view)
    if watched < _WATCHED_SECONDS:
        until += f", if memory rests as in the {seconds_words(watched)} seen"
    return f"{odds} {until}; {peak}, {seen}"


def _watched_seconds(view: View) -> float:
    """Return for how long the training was seen, a minute for all that is longer."""
    if len(view.seen) >= RECENT_SAMPLES:
        # Quick samples are kept for less than a minute: there have been older ones.
        return _WATCHED_SECONDS
    return view.sample.instant.monotonic_seconds - view.seen[0][0].instant.monotonic_seconds


def _grounds(memory: GpuMemory, risk: Risk, signs: Signs) -> str:
    """Return in one sentence what the probability rests on."""
    if risk.ground is Ground.GROWTH and memory.growth is not None:
        seen = seconds_words(memory.growth.watched_seconds)
        return f"the pace of its growth, seen over {seen}, and the time to the end of the run"
    if risk.ground is Ground.FLUSHES:
        return "a saw-tooth near the limit: how often simulated trainings with one ran out of memory"
    if risk.ground is Ground.SIZES:
        return "the sizes that --multi-scale has not drawn yet, whose memory goes with their pixels"
    if risk.ground is Ground.VALIDATION:
        return "the first validation to come, at twice the batch, for which little is left"
    room = bytes_words(signs.headroom_bytes)
    if not signs.rises:
        return f"{room} of room, no rise of the peak seen, and how rarely steps set records: an estimate"
    mean_rise = bytes_words(sum(signs.rises) / len(signs.rises))
    seen = count_words(len(signs.rises), "rise")
    return f"{room} of room, {seen} of the peak seen, {mean_rise} each, and how rarely steps set records"


def _due(view: View, memory: GpuMemory, watched_seconds: float) -> float:
    """Return how many records n exchangeable steps set within the last ones: ln(n / those before)."""
    done, pace = memory.steps_done, _steps_per_second(view)
    if done is None or pace is None:
        return 0.0
    first_epoch = number(view.reading.progress.batches) or 1.0
    before = max(1.0, first_epoch, done - pace * watched_seconds)
    return max(0.0, log(done / before))


def _steps_per_second(view: View) -> float | None:
    (first, early), (last, late) = view.seen[0], view.seen[-1]
    seconds = last.instant.monotonic_seconds - first.instant.monotonic_seconds
    begun, done = _counted(early)[0], _counted(late)[0]
    if begun is None or done is None or seconds <= 0:
        return None
    return max(0.0, (done - begun) / seconds)


def _steps(view: View) -> tuple[int | None, int | None]:
    """Return the steps that this process has done, as far as they were seen, and those to come."""
    done, left = _counted(view.reading)
    if done is None or not is_resumed(view.reading.training):
        return done, left
    own = epochs_seen(view) * (number(view.reading.progress.batches) or 1.0)
    return max(1, min(done, int(own))), left


def _counted(reading: TrainingReading) -> tuple[int | None, int | None]:
    """Return the steps of the whole run: those done, also before it was resumed, and those to come."""
    progress = reading.progress
    epoch, epochs = known(progress.epoch), known(progress.epochs)
    batch, batches = number(progress.batch), number(progress.batches)
    if epoch is None or not batches:
        if epoch is not None and epochs:
            # Epochs count as well as steps: only the quotient of done and left is used.
            return max(1, epoch), max(0, epochs - epoch)
        return None, None
    done = int(epoch * batches + (batch or 0))
    left = max(0, int(epochs * batches) - done) if epochs else None
    return max(1, done), left
