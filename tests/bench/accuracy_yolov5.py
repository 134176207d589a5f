"""How right gpumon is on a real YOLOv5, whose recorder stamps every `next(loader)`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from gpumon.frameworks.marks import YOLOV5
from tests.bench.accuracy_judge import Judged, judge
from tests.bench.accuracy_probe import Probe, Second, watch
from tests.real import recipes, truth
from tests.real.environment import yolov5_environment
from tests.real.training import RunningTraining

# The loop's variables are read within this time before the loader's counter.
_READ_SECONDS = 0.02


def yolov5_judged(seconds: int, folder: Path) -> Iterator[tuple[str, Judged]]:
    """Yield what gpumon saw of two YOLOv5 trainings, with what they are called."""
    environment = yolov5_environment()
    for title, recipe in (("starved", recipes.STARVED), ("compute-bound", recipes.COMPUTE_BOUND)):
        place = folder / f"yolov5-{title}"
        place.mkdir()
        with recipe.start(environment, place) as training:
            training.until_batch()
            # YOLOv5 starts the training's workers first.
            workers = training.worker_pids[: recipe.workers]
            probe = Probe(training.pid, YOLOV5, workers)
            try:
                watched, cpu = watch(probe, seconds)
            finally:
                probe.close()
            judged = judge(f"yolov5-{title}", watched, training.waits, cpu)
            yield title, replace(judged, places=tuple(places(training, watched)))


def places(training: RunningTraining, watched: Sequence[Second]) -> Iterator[bool]:
    """Yield for each reading whether epoch and batch were those of the training itself at that moment."""
    progress = training.progress
    assert progress is not None
    waits = [wait for wait in training.waits if wait.loader == 0]
    for second in watched:
        moments = (second.counted_seconds - _READ_SECONDS, second.counted_seconds)
        yield (second.epoch, second.batch) in {true_place(waits, progress.batches, at) for at in moments}


def true_place(waits: Sequence[truth.LoaderWait], batches: int, at: float) -> tuple[int, int]:
    """Return epoch and finished batches of it: whoever asks for a batch has done the one before."""
    asked = sum(wait.start <= at for wait in waits)
    epoch = max(asked - 1, 0) // batches
    return epoch, max(asked - 1 - epoch * batches, 0)
