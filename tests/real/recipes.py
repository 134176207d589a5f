"""Trainings of known character, small enough for two cores."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.real.dataset import DataSet, data_yaml
from tests.real.training import start_ultralytics, start_yolov5

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.environment import RealEnvironment
    from tests.real.training import Launch, Output, RunningTraining

_LARGE = DataSet(width=3200, height=2400, distinct=6, train_images=800, val_images=8)
_MEDIUM = DataSet(width=640, height=480, distinct=32, train_images=2000, val_images=16)
_SMALL = DataSet(width=640, height=480, distinct=24, train_images=48, val_images=8)
_STEADY = DataSet(width=640, height=480, distinct=24, train_images=200, val_images=8)
_UNEVEN = DataSet(width=640, height=480, distinct=24, train_images=104, val_images=8)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to train on what, with which settings, and how to start it; `under` is for YOLOv5 only."""

    framework: Literal["yolov5", "ultralytics"]
    dataset: DataSet
    imgsz: int
    epochs: int
    batch_size: int
    workers: int
    flags: tuple[str, ...] = ()
    launch: Launch = "script"
    output: Output = "file"
    under: tuple[str, ...] = ()

    def start(self, environment: RealEnvironment, workdir: Path) -> RunningTraining:
        """The training of this recipe, just started in an empty folder."""
        start = start_ultralytics
        if self.framework == "yolov5":
            start = functools.partial(start_yolov5, under=self.under)
        return start(
            environment,
            workdir,
            data=data_yaml(self.dataset, environment),
            imgsz=self.imgsz,
            epochs=self.epochs,
            batch_size=self.batch_size,
            workers=self.workers,
            flags=self.flags,
            launch=self.launch,
            output=self.output,
        )


# One worker decodes 7.7-megapixel JPEGs for a tiny model: the main thread waits about 85 % of the time.
STARVED = Recipe("yolov5", _LARGE, imgsz=64, epochs=100, batch_size=4, workers=1, flags=("--noplots",))
# Two workers are far faster than a CPU that computes at 320 pixels: next to no waiting.
COMPUTE_BOUND = Recipe(
    "yolov5", _MEDIUM, imgsz=320, epochs=100, batch_size=8, workers=2, flags=("--noplots",)
)
# Trains to its own end, and keeps each epoch's checkpoint as it was written.
SHORT = Recipe(
    "yolov5",
    _SMALL,
    imgsz=64,
    epochs=3,
    batch_size=8,
    workers=2,
    flags=("--noplots", "--save-period", "1"),
)
# Short epochs of seven batches, of which the last has 8 images.
ENDS = Recipe("yolov5", _UNEVEN, imgsz=160, epochs=100, batch_size=16, workers=2, flags=("--noplots",))
ULTRALYTICS = Recipe(
    "ultralytics",
    _STEADY,
    imgsz=160,
    epochs=100,
    batch_size=8,
    workers=2,
    flags=("plots=False",),
    launch="console",
)
