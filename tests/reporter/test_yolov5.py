"""The reporter in a real YOLOv5, which knows nothing of it: its figures are those of its own log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpumon.cli.run import reporting_environment
from gpumon.model.measure import Missing
from gpumon.sources.clock import SystemClock
from gpumon.sources.reporter import ReporterSource
from gpumon.sources.reporter_reading import ReportedLoader, ReporterReading
from tests.real import truth
from tests.real.dataset import DataSet, data_yaml
from tests.real.environment import yolov5_environment
from tests.real.training import RunningTraining, start_yolov5
from tests.sources.children import process_id

pytestmark = pytest.mark.real

IMAGES, VAL_IMAGES, BATCH, EPOCHS = 52, 8, 8, 2
BATCHES = 7


@dataclass(frozen=True, slots=True)
class Finished:
    """A YOLOv5 that has trained to its end, and the last reading of its reporter."""

    training: RunningTraining
    exit_code: int
    reading: ReporterReading
    inner_record: Path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """Two epochs of YOLOv5n, started as by `gpumon run`, that mostly wait for one worker and large images."""
    environment = yolov5_environment()
    workdir = tmp_path_factory.mktemp("training")
    inner_record = workdir / "inner_waits.bin"
    images = DataSet(width=1280, height=960, distinct=12, train_images=IMAGES, val_images=VAL_IMAGES)
    training = start_yolov5(
        environment,
        workdir,
        data=data_yaml(images, environment),
        imgsz=64,
        epochs=EPOCHS,
        batch_size=BATCH,
        workers=1,
        flags=("--noplots",),
        launch="module",
        output="pty",
        # A sitecustomize of its own is on the path already: it runs too.
        variables={
            **reporting_environment(environment.variables),
            "LOADER_INNER_WAITS_FILE": str(inner_record),
        },
    )
    source = ReporterSource(process_id(training.pid))
    with training:
        while training.process.poll() is None and isinstance(source.read(SystemClock().now()), Missing):
            time.sleep(0.05)
        code = training.until_finished()
        training.until_logged("epochs completed")
        reading = source.read(SystemClock().now())
        assert not isinstance(reading, Missing), reading.reason
        yield Finished(training, code, reading, inner_record)
    source.close()


def _train(finished: Finished) -> ReportedLoader:
    assert finished.reading.training is not None
    return finished.reading.training


def test_batches_and_epochs_are_those_of_its_bar(finished: Finished) -> None:
    """At the end as many epochs and batches as YOLOv5's progress bar shows, and every image."""
    progress, loader = finished.training.progress, _train(finished)

    assert finished.exit_code == 0
    assert progress is not None
    assert (EPOCHS, progress.batch, progress.batches) == (
        loader.epochs_begun,
        loader.epoch_batch,
        loader.batches_per_epoch,
    )
    assert (EPOCHS * BATCHES, EPOCHS * IMAGES) == (loader.batches, loader.samples)


def test_module_in_a_terminal_trains_to_its_end(finished: Finished) -> None:
    """`python -m yolov5.train` in a terminal trains as train.py does, and writes a row for each epoch."""
    training = finished.training

    assert finished.exit_code == 0
    assert len(training.results) == EPOCHS
    assert f"{EPOCHS} epochs completed" in training.log_text


def test_settings_are_those_of_its_options(finished: Finished) -> None:
    """Workers, batch size and image size are what opt.yaml says."""
    options, loader = finished.training.options, _train(finished)

    assert (options["workers"], options["batch_size"], options["imgsz"], options["imgsz"]) == (
        loader.workers,
        loader.batch_size,
        loader.image_height,
        loader.image_width,
    )


def test_optimizer_steps_follow_its_accumulation(finished: Finished) -> None:
    """The first 8 batches step each, then (warm-up towards 64 images a step) every second one does."""
    assert (8 + 3, 8 + 3) == (finished.reading.optimizer_steps, _train(finished).optimizer_steps)


def test_both_loaders_waited_as_they_recorded(finished: Finished) -> None:
    """Each loader's batches are those recorded, its waiting lies between the stamps inside and around it."""
    # In YOLOv5 both iterators are made at the start: in the record they stand in the order of use, too.
    around, inside = finished.training.waits, truth.loader_waits(finished.inner_record)

    assert len(finished.reading.loaders) == 2
    for number, loader in enumerate(finished.reading.loaders):
        assert loader.batches == truth.batches_delivered(around, 0.0, time.monotonic(), number)
        assert 0.0 < _waited(inside, number) <= loader.waited_seconds_total <= _waited(around, number)


def _waited(waits: list[truth.LoaderWait], loader: int) -> float:
    return sum(wait.end - wait.start for wait in waits if wait.loader == loader and wait.end is not None)
