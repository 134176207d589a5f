"""How large a batch is, by the training's own word, its shared memory, or its settings."""

from __future__ import annotations

from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known
from gpumon.model.training import Training
from gpumon.sources.interpreter_reading import IteratorReading
from gpumon.sources.reporter_reading import SOURCE as REPORTER
from gpumon.sources.reporter_reading import ReporterReading


def batch_bytes(
    training: Training,
    iterator: Maybe[IteratorReading],
    report: Maybe[ReporterReading],
    segment_bytes: int | None,
) -> Maybe[Measure]:
    """Return the bytes of the images in one batch of one rank, as its loader hands them over.

    The reporter sees the tensor itself, of the last batch; `segment_bytes` is the largest tensor that a
    worker was seen to hold in shared memory. Without either YOLOv5 and ultralytics are known to take a byte
    for each colour of a pixel.
    """
    told = _told(report)
    if told is not None:
        return told
    if segment_bytes:
        return Measure(float(segment_bytes), Certainty.EXACT, "a worker's shared memory")
    if training.framework not in ("yolov5", "ultralytics"):
        return Missing("known for YOLOv5 and ultralytics, and where a batch is seen in shared memory")
    imgsz, total = setting_of(training, "imgsz"), setting_of(training, "batch_size")
    batch: Maybe[int] = Missing("its loader does not tell")
    if isinstance(iterator, IteratorReading) and iterator.batch_size is not None:
        batch = iterator.batch_size
    elif isinstance(total, int):
        batch = max(total // max(training.world_size, 1), 1)
    for value in (batch, imgsz):
        if isinstance(value, Missing):
            return value
    size = float((known(batch) or 0) * 3 * (known(imgsz) or 0) ** 2)
    return Measure(size, Certainty.ESTIMATED, "3 bytes a pixel")


def setting_of(training: Training, name: str) -> Maybe[int]:
    """Return a setting that is a whole number."""
    setting = getattr(training.settings, name)
    if isinstance(setting, Missing):
        return setting
    value = setting.value
    if isinstance(value, bool) or not isinstance(value, int):
        return Missing(f"the {name.replace('_', ' ')} is not a number")
    return value


def _told(report: Maybe[ReporterReading]) -> Measure | None:
    loader = None if isinstance(report, Missing) else report.training
    size = None if loader is None else known(loader.batch_bytes)
    return None if size is None else Measure(float(size), Certainty.EXACT, REPORTER)
