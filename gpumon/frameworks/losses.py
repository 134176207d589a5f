"""The newest losses of a training, source by source, and whether they are numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gpumon.frameworks.log_lines import TrainLine, parse_description
from gpumon.frameworks.log_lines_state import LogState
from gpumon.model.measure import Maybe, Missing
from gpumon.model.reading import LossesReading
from gpumon.model.training import Training
from gpumon.sources.interpreter_reading import LoopReading
from gpumon.sources.run_dir import RunDirReading

# Where the header that names them was not seen: YOLOv5's detectors print these three, whatever the version.
_DETECTOR = ("box_loss", "obj_loss", "cls_loss")
_VALIDATION = "val/"
_UNTOLD = Missing("neither a progress bar nor results.csv tells its losses")


def read_losses(
    training: Training, log: LogState | None, run_dir: Maybe[RunDirReading], loop: LoopReading
) -> tuple[LossesReading, ...]:
    """Return the losses of the epoch under way by its progress bar, and those of the newest whole epoch.

    The bar is the log's, or where that cannot be read the one in the loop's own memory. The training losses
    of results.csv are left out once a later epoch's bar tells newer ones.
    """
    bar = _of_bar(training, log, loop)
    table = () if isinstance(run_dir, Missing) else _of_table(training, run_dir)
    if bar is not None:
        table = tuple(losses for losses in table if losses.is_validation or not _is_older(losses, bar))
    return (*((bar,) if bar is not None else ()), *table)


def not_finite_ratio(losses: Sequence[LossesReading]) -> Maybe[float]:
    """Return the share of all these losses that are nan or infinite."""
    values = [value for one in losses for _, value in one.values]
    if not values:
        return _UNTOLD
    return sum(not math.isfinite(value) for value in values) / len(values)


def _of_bar(training: Training, log: LogState | None, loop: LoopReading) -> LossesReading | None:
    if log is not None and log.train is not None:
        values = _named(log.train.losses, log.columns, training)
        return LossesReading("log", log.epoch, values) if values else None
    line = None if loop.bar_text is None else parse_description(loop.bar_text)
    values = () if line is None else _named(line.losses, (), training)
    if line is None or not values:
        return None
    return LossesReading("the loop's progress bar", _epoch_of(line, training), values)


def _epoch_of(line: TrainLine, training: Training) -> int:
    return max(line.epoch_label - _first_epoch(training), 0)


def _first_epoch(training: Training) -> int:
    return 1 if training.framework == "ultralytics" else 0


def _named(
    values: tuple[float, ...], columns: tuple[str, ...], training: Training
) -> tuple[tuple[str, float], ...]:
    """Return the losses with their names; a classifier's columns of accuracy are none."""
    names = columns[: len(values)]
    if len(names) < len(values):
        is_detector = training.framework == "yolov5" and len(values) == len(_DETECTOR)
        names = _DETECTOR if is_detector else tuple(f"loss {place + 1}" for place in range(len(values)))
    return tuple((name, value) for name, value in zip(names, values, strict=True) if "acc" not in name)


def _of_table(training: Training, run_dir: RunDirReading) -> tuple[LossesReading, ...]:
    """Return the losses of the newest row of results.csv: the training's, and the validation's."""
    row = dict(run_dir.newest)
    number = row.get("epoch")
    is_epoch = number is not None and math.isfinite(number) and 0 <= number < 1e9
    epoch = max(int(number) - _first_epoch(training), 0) if number is not None and is_epoch else None
    found = []
    for is_validation in (False, True):
        values = tuple(
            (name, value)
            for name, value in run_dir.newest
            if "loss" in name and name.startswith(_VALIDATION) is is_validation
        )
        if values:
            found.append(LossesReading("results.csv", epoch, values, is_validation))
    return tuple(found)


def _is_older(losses: LossesReading, bar: LossesReading) -> bool:
    return losses.epoch is not None and bar.epoch is not None and losses.epoch < bar.epoch
