"""The last step of each epoch, which has fewer images, and a full one: what their times are, or why not."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known
from gpumon.model.training import Setting, Training
from gpumon.sources.interpreter_reading import InterpreterReading, IteratorReading
from gpumon.sources.reporter_reading import ReportedLoader, ReporterReading

# Calls of a GradScaler per batch, from which on it is called for each of them.
_EACH_BATCH_RATIO = 0.95


@dataclass(frozen=True, slots=True)
class LastSteps:
    """Images of the last steps, their seconds and those of full ones; both of these are missing, or none."""

    images: Maybe[int]
    last_seconds: Maybe[Measure]
    full_seconds: Maybe[Measure]


def last_steps(
    training: Training,
    looks: Maybe[InterpreterReading],
    iterator: Maybe[IteratorReading],
    report: Maybe[ReporterReading],
) -> LastSteps:
    """Return what the training told of the ends of its epochs, else what looks found so far.

    A reporter knows when the loop asks for a batch: at the end of the last step only where it learns so that
    there is none. YOLOv5's loop counts its batches, and validates before it asks again.
    """
    told = _told(report)
    if told is not None:
        return LastSteps(told.last_samples, told.last_step_seconds, told.full_step_seconds)
    images: Maybe[int] = Missing("how many images an epoch has is not told")
    if isinstance(iterator, Missing):
        images = iterator
    elif iterator.last_batch_size is not None:
        images = iterator.last_batch_size
    found = None if isinstance(looks, Missing) else looks.last_steps
    why_not = _why_not(training, looks, iterator)
    if why_not is None and found is None:
        why_not = Missing("no epoch was seen to end yet; the first of a run does not count")
    if why_not is not None or found is None or isinstance(looks, Missing):
        missing = why_not or Missing("not read")
        return LastSteps(images, missing, missing)
    source = f"{looks.source}, {found.epochs} {'epoch' if found.epochs == 1 else 'epochs'}"
    return LastSteps(
        images,
        Measure(found.seconds, Certainty.SAMPLED, source, found.seconds_error),
        Measure(found.full_seconds, Certainty.SAMPLED, source, found.full_seconds_error),
    )


def _told(report: Maybe[ReporterReading]) -> ReportedLoader | None:
    """Return the loader whose steps wait for the GPU: in a GradScaler that looks at all gradients."""
    loader = None if isinstance(report, Missing) else report.training
    if isinstance(report, Missing) or loader is None or loader.is_in_background:
        return None
    scaled = known(report.scaler_steps) or 0
    waits = isinstance(report.scaler_skips, int) and scaled >= _EACH_BATCH_RATIO * loader.batches
    return loader if waits and isinstance(loader.last_step_seconds, Measure) else None


def _why_not(
    training: Training, looks: Maybe[InterpreterReading], iterator: Maybe[IteratorReading]
) -> Missing | None:
    """Return why no last step could be told from a full one, None where it could."""
    for tier in (looks, iterator):
        if isinstance(tier, Missing):
            return tier
    if training.framework != "yolov5":
        return Missing("known for YOLOv5, whose loop waits for the GPU after each batch")
    scale = training.settings.multi_scale
    if "--rect" in training.command or (isinstance(scale, Setting) and scale.value):
        return Missing("its images change in size from batch to batch")
    return None if isinstance(iterator, Missing) else _why_no_smaller(iterator)


def _why_no_smaller(iterator: IteratorReading) -> Missing | None:
    if iterator.last_batch_size is None:
        return Missing("how many images an epoch has is not told")
    if iterator.drop_last:
        return Missing("its loader drops the last batch")
    is_full = iterator.last_batch_size == iterator.batch_size
    return Missing("all batches of an epoch are of one size") if is_full else None
