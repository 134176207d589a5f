"""A sample as it would be without ptrace: what only the frames of the interpreter tell is taken away.

The wait is then what the states of threads say, counted as looks at the rate of those. Phases are left as
they are: without frames they come from the log or the process tree, which a sample does not hold.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

from gpumon.frameworks.losses import not_finite_ratio
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.reading import LoaderReading, ProgressReading, TrainingReading
from gpumon.model.sample import Sample

T = TypeVar("T", LoaderReading, ProgressReading)

OFF = Missing("its interpreter is not looked into")
# How often the states of threads are looked at.
_LOOKS_PER_SECOND = 20
# Sources of numbers that come out of the interpreter, by words in their names.
_INSIDE = ("interpreter", "frames", "loop", "DataLoader itself")
# Fields that only a look into objects of the training can fill, without a source of their own.
_OF_OBJECTS = frozenset(
    {
        "prefetch_factor",
        "pin_memory",
        "persistent_workers",
        "drop_last",
        "batches_ready",
        "tasks_outstanding",
        "accumulate",
        "warmup_batches",
        "steps_skipped_ratio",
        "slowest_rank",
        "slowest_rank_data_wait_ratio",
        "rank_data_wait_spread_ratio",
        "last_batch_size",
        "step_seconds",
        "last_step_seconds",
    }
)


def without_interpreter(sample: Sample) -> Sample:
    """Return the sample without what the interpreter tells."""
    return replace(
        sample, trainings=tuple(_training(reading, sample.interval_seconds) for reading in sample.trainings)
    )


def is_from_inside(source: str) -> bool:
    """Tell whether a source reads the memory of the training."""
    return any(word in source for word in _INSIDE)


def _training(reading: TrainingReading, seconds: float) -> TrainingReading:
    loader, progress = _blind(reading.loader), _blind(reading.progress)
    told = reading.loader.data_wait_ratio
    if isinstance(told, Measure) and is_from_inside(told.source):
        loader = _by_state(loader, round(_LOOKS_PER_SECOND * seconds))
    if is_from_inside(progress.source):
        progress = replace(progress, epoch=OFF, batch=OFF, batches=OFF, imgsz=OFF, source="")
    if is_from_inside(progress.amp_source):
        progress = replace(progress, amp_enabled=OFF, amp_source="")
    losses = tuple(each for each in progress.losses if not is_from_inside(each.source))
    progress = replace(progress, losses=losses, losses_not_finite_ratio=not_finite_ratio(losses))
    return replace(reading, loader=loader, progress=progress, interpreter=OFF)


def _by_state(loader: LoaderReading, looks: int) -> LoaderReading:
    """Return a loader whose wait is what the states of threads say, from so many looks."""
    wait = loader.data_wait_ratio_by_state
    if not isinstance(wait, Measure) or wait.certainty is not Certainty.SAMPLED:
        return replace(loader, data_wait_ratio=wait, main_samples=0, main_waiting_samples=0, notes=())
    waiting = round(wait.value * looks)
    return replace(loader, data_wait_ratio=wait, main_samples=looks, main_waiting_samples=waiting, notes=())


def _blind(reading: T) -> T:
    """Return a reading without the numbers that come from the interpreter."""
    away: dict[str, Any] = {}
    for each in fields(reading):
        value = getattr(reading, each.name)
        inside = isinstance(value, Measure) and is_from_inside(value.source)
        if inside or (each.name in _OF_OBJECTS and not isinstance(value, Missing)):
            away[each.name] = OFF
    return replace(reading, **away)
