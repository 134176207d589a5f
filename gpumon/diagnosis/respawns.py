"""Train workers that are replaced by new ones, and what that costs.

A loader whose workers do not persist forks them anew in every epoch: forking takes time, and the loop waits
for their first batches. YOLOv5's own loader keeps its workers (it repeats its sampler), except with
`--image-weights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpumon.diagnosis.view import View
from gpumon.history.phases import Seen
from gpumon.history.stats import mean, quantile
from gpumon.model.measure import Maybe, Missing, known, number
from gpumon.model.process import ProcessId, Role
from gpumon.model.reading import TrainingReading
from gpumon.model.training import Member, Phase

_NOT_REPLACED = Missing("its workers were not replaced")
# Only a GPU that is fed within the epochs tells what is lost between them.
_FED_RATIO = 0.85
_LEAST_SAMPLES = 6


@dataclass(frozen=True, slots=True)
class Respawns:
    """How often all train workers of the training were seen to be replaced within the full samples.

    Processes are looked for every few seconds, so of short epochs not every replacement is seen. `seconds` is
    the time since the first one. `lost_ratio` is the share of the training's own time (validation and
    checkpoints apart) without a batch: what is missing against the rate within the epochs, or where batches
    cannot be counted, what its GPU is less busy than within them.
    """

    count: int
    seconds: float
    lost_ratio: Maybe[float]


def respawns_of(view: View) -> Respawns:
    """Return how often the train workers were replaced, and what that costs."""
    return view.once(_respawns)


def _respawns(view: View) -> Respawns:
    newest = _workers(view.reading)
    oldest = next((found for _, reading in view.seen if (found := _workers(reading))), newest)
    if not newest or newest & oldest:
        # One that was there all the time was not replaced, and so not all were.
        return Respawns(0, 0.0, _NOT_REPLACED)
    first, count = 0, 0
    before: tuple[Member, ...] | None = None
    workers: frozenset[ProcessId] = frozenset()
    for index, (_, reading) in enumerate(view.seen):
        members = reading.training.members
        if members is before:
            continue
        before = members
        now = _workers(reading)
        if now and workers and not now & workers:
            first = first if count else index
            count += 1
        workers = now or workers
    if not count:
        return Respawns(0, 0.0, _NOT_REPLACED)
    part = view.seen[first:]
    return Respawns(count, sum(sample.interval_seconds for sample, _ in part), _lost_ratio(part))


def _workers(reading: TrainingReading) -> frozenset[ProcessId]:
    return frozenset(member.id for member in reading.training.members if member.role is Role.TRAIN_WORKER)


def _lost_ratio(part: Sequence[Seen]) -> Maybe[float]:
    lost = _by_batches(part)
    return _by_gpu(part) if isinstance(lost, Missing) else lost


def _by_gpu(part: Sequence[Seen]) -> Maybe[float]:
    busy = [
        sum(ratios) / len(ratios)
        for sample, reading in part
        if reading.phase is Phase.TRAIN
        and (
            ratios := [
                r for gpu in reading.gpus(sample.gpus) if (r := number(gpu.gpu_busy_ratio)) is not None
            ]
        )
    ]
    if len(busy) < _LEAST_SAMPLES:
        return Missing("neither its batches nor how busy its GPU is are known")
    usual = quantile(busy, 0.75)
    if usual < _FED_RATIO:
        return Missing("its batches are not known, and its GPU is not fed within the epochs either")
    return max(0.0, 1.0 - mean(busy) / usual)


def _by_batches(part: Sequence[Seen]) -> Maybe[float]:
    steps = [_step(reading) for _, reading in (part[0], part[-1])]
    if steps[0] is None or steps[1] is None:
        return Missing("its epoch and batch are not known")
    after = part[1:]
    seconds = sum(sample.interval_seconds for sample, reading in after if reading.phase is Phase.TRAIN)
    rates = [
        rate
        for _, reading in after
        if reading.phase is Phase.TRAIN and (rate := number(reading.loader.batches_per_second))
    ]
    if not rates or seconds <= 0:
        return Missing("the rate of its batches is not known")
    # Seconds with the end of an epoch in them tell a lower rate than that within it.
    usual = quantile(rates, 0.75)
    return min(1.0, max(0.0, 1.0 - (steps[1] - steps[0]) / (usual * seconds)))


def _step(reading: TrainingReading) -> int | None:
    """Return how many batches of the run are done."""
    progress = reading.progress
    epoch, batch, batches = known(progress.epoch), known(progress.batch), known(progress.batches)
    if epoch is None or batch is None or batches is None:
        return None
    return epoch * batches + batch
