"""The environment really trains, and leaves nothing behind.

That the other recipes are of the character that they promise is tested where their trainings are watched.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.real import recipes
from tests.real.truth import alive, batches_delivered

if TYPE_CHECKING:
    from tests.real.stage import Stage
    from tests.real.training import RunningTraining
    from tests.real.watched import WatchedTraining

pytestmark = pytest.mark.real

_ROOT = Path(__file__).parents[2]
# 48 images in batches of 8.
_SHORT_BATCHES = 6


@pytest.fixture
def finished(finished_in_a_pipe: WatchedTraining) -> RunningTraining:
    """The short YOLOv5 after its own end."""
    return finished_in_a_pipe.training


def test_results_hold_a_row_for_each_epoch(finished: RunningTraining) -> None:
    """A finished YOLOv5 wrote as many rows to results.csv as epochs were asked for."""
    assert [row["epoch"] for row in finished.results] == ["0", "1", "2"]


def test_progress_ends_at_the_last_batch(finished: RunningTraining) -> None:
    """The last progress line of a finished YOLOv5 is that of its last epoch's last batch."""
    progress = finished.progress
    assert progress is not None
    assert (progress.epoch, progress.epochs, progress.batches) == (2, 3, _SHORT_BATCHES)


def test_options_hold_what_was_asked(finished: RunningTraining) -> None:
    """opt.yaml has the settings of the command line, and those that were not given by their defaults."""
    asked = {"batch_size": 8, "workers": 2, "imgsz": 64, "epochs": 3, "weights": "", "cache": None}
    assert asked == {name: finished.options[name] for name in asked}


def test_log_counts_the_workers_asked_for(finished: RunningTraining) -> None:
    """The log's "Using N dataloader workers" has the N of --workers."""
    assert finished.logged_workers == recipes.SHORT.workers


def test_every_batch_of_the_training_loader_is_recorded(finished: RunningTraining) -> None:
    """The record of waits has one entry for each training batch, with the loader's batch size and workers."""
    waits = finished.waits
    first = waits[0]
    assert (first.loader, first.batch_size, first.workers) == (0, 8, 2)
    assert recipes.SHORT.epochs * _SHORT_BATCHES == batches_delivered(waits, 0.0, time.monotonic())


@dataclasses.dataclass(frozen=True, slots=True)
class Orphan:
    """A training whose tests were killed: how it was started, its options, and whether it outlived them."""

    argv: list[str]
    options: dict[str, Any]
    outlived: bool


@pytest.fixture(scope="module")
def orphan(stage: Stage) -> Orphan:
    """An ultralytics training by a script, past its first batches; then who started it is killed."""
    stage.clear()
    script = (
        "import dataclasses, json, sys, time; from pathlib import Path\n"
        "from tests.real import recipes; from tests.real.environment import yolov5_environment\n"
        "recipe = dataclasses.replace(recipes.ULTRALYTICS, launch='script')\n"
        "training = recipe.start(yolov5_environment(), Path(sys.argv[1]))\n"
        "training.until_batch()\n"
        "print(json.dumps([training.pid, training.argv, training.options]), flush=True)\n"
        "time.sleep(600)\n"
    )
    tests = subprocess.Popen(
        [sys.executable, "-c", script, str(stage.folder())], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    with tests:
        assert tests.stdout is not None
        told = tests.stdout.readline()
        assert told, "the training came to no batch"
        pid, argv, options = json.loads(told)
        tests.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    outlived = alive(pid)
    if outlived:
        os.killpg(pid, signal.SIGKILL)
    return Orphan(argv, options, outlived)


def test_ultralytics_trains_from_a_script(orphan: Orphan) -> None:
    """A script that calls YOLO(...).train(...) trains too, with nothing of its settings in argv."""
    assert orphan.argv == ["python", "train.py"]
    assert orphan.options["imgsz"] == recipes.ULTRALYTICS.imgsz


def test_training_does_not_outlive_killed_tests(orphan: Orphan) -> None:
    """A training whose tests are killed without a chance to clean up is ended by the kernel."""
    assert not orphan.outlived
