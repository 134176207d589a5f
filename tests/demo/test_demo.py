"""The demo as real processes: it looks like YOLOv5 from outside, and nothing is left of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from gpumon.demo.launch import DemoTraining, start
from gpumon.demo.scenario import GIB, DataCost, ModelCost, Scenario, scenarios
from tests.demo.processes import (
    Watch,
    batches_done,
    children,
    is_gone,
    name,
    thread_names,
    until,
    workers,
)

CORES = len(os.sched_getaffinity(0))
# Two workers by YOLOv5's cap need two cores; four batches an epoch let epochs pass quickly.
SMALL = Scenario(
    "small", "", min(2, CORES), data=DataCost(images=64, val_images=32), model=ModelCost(image_seconds=0.001)
)
OUT_OF_MEMORY = replace(SMALL, name="creep", model=replace(SMALL.model, creep_bytes_per_epoch=5 * GIB))
WATCHED_SECONDS = 4.0

# Starts a demo, says its PIDs and waits to be killed.
_PARENT = """
import sys, time
from gpumon.demo.launch import start
from gpumon.demo.scenario import scenarios
from tests.demo.processes import batches_done, until, workers
demo = start(scenarios(1)["healthy"])
until(lambda: batches_done(demo))
print(demo.directory, demo.process.pid, *workers(demo.process.pid), flush=True)
time.sleep(600)
"""


def _working(demo: DemoTraining) -> bool:
    """Wait until a demo has trained its first batches."""
    return until(lambda: batches_done(demo) >= 3 or demo.process.poll() is not None)


def _epochs(demo: DemoTraining) -> int:
    """Return the rows of results.csv."""
    path = demo.directory / "runs/train/exp/results.csv"
    return path.read_text(encoding="utf-8").count("\n") - 1 if path.exists() else 0


@pytest.fixture(scope="module")
def small() -> Iterator[DemoTraining]:
    """Run one small demo for all tests that only look."""
    with start(SMALL) as demo:
        assert _working(demo)
        assert until(lambda: _epochs(demo) >= 2)
        yield demo


def test_the_workers_of_training_and_validation_are_there(small: DemoTraining) -> None:
    """W workers for training, and as many as YOLOv5 gives validation: min(2 W, cores, 2 batches)."""
    cores = os.cpu_count() or 1
    expected = SMALL.workers + min(2 * SMALL.workers, cores, 2 * SMALL.batch_size)

    assert ["pt_data_worker"] * expected == [name(pid) for pid in children(small.process.pid)]


def test_each_loader_has_its_pin_thread(small: DemoTraining) -> None:
    """PyTorch's pinning thread, one for training and one for validation."""
    assert thread_names(small.process.pid).count("pt_data_pin") == 2


def test_opt_yaml_holds_the_flags(small: DemoTraining) -> None:
    """The options as YOLOv5 writes them, with its names."""
    opt = yaml.safe_load((small.directory / "runs/train/exp/opt.yaml").read_text(encoding="utf-8"))
    expected = {
        "batch_size": 16,
        "workers": SMALL.workers,
        "imgsz": 640,
        "epochs": 100,
        "weights": "",
        "cache": None,
    }

    assert expected == {key: opt[key] for key in expected}


def test_hyp_yaml_holds_the_learning_rate(small: DemoTraining) -> None:
    """The hyperparameters that gpumon reads."""
    hyp = yaml.safe_load((small.directory / "runs/train/exp/hyp.yaml").read_text(encoding="utf-8"))

    assert hyp["lr0"] == 0.01


def test_results_csv_has_the_columns_of_yolov5(small: DemoTraining) -> None:
    """A padded header of 14 columns, then one row an epoch with epochs from 0."""
    lines = (small.directory / "runs/train/exp/results.csv").read_text(encoding="utf-8").splitlines()
    header = [cell.strip() for cell in lines[0].split(",")]

    assert ["epoch", "train/box_loss", "train/obj_loss", "train/cls_loss", "metrics/precision"] == header[:5]
    assert [14, 14] == [len(header), len(lines[1].split(","))]
    assert ["0", "1"] == [line.split(",")[0].strip() for line in lines[1:3]]


def test_the_log_has_the_progress_bars_of_yolov5(small: DemoTraining) -> None:
    """Epoch, memory, losses, instances and size before the bar; a carriage return between its states."""
    # Bytes: reading text would turn the carriage returns into line ends.
    log = small.log_path.read_bytes().decode()
    bar = r"\r +0/99 +[\d.]+G +[\d.]+ +[\d.]+ +[\d.]+ +\d+ +640: +50%\|█+ *\| 2/4 00:0\d"

    assert re.search(bar, log)
    assert "Logging results to runs/train/exp" in log
    assert "Starting training for 100 epochs..." in log


def test_the_log_says_that_it_is_simulated(small: DemoTraining) -> None:
    """Simulated is labelled simulated, in its own log too."""
    assert "SIMULATED" in small.log_path.read_text(encoding="utf-8")


def test_epochs_pass(small: DemoTraining) -> None:
    """The training goes on while it is looked at."""
    before = _epochs(small)

    assert until(lambda: _epochs(small) > before)


def test_a_checkpoint_is_written(small: DemoTraining) -> None:
    """Each epoch ends with weights/last.pt."""
    path = small.directory / "runs/train/exp/weights/last.pt"

    # A moment of each epoch it is being written anew, and empty.
    assert until(lambda: path.stat().st_size > 0)


def test_nothing_is_left_after_the_stop() -> None:
    """Main process, workers and directory are gone; stopping twice is harmless."""
    demo = start(SMALL)
    assert _working(demo)
    pids = [demo.process.pid, *workers(demo.process.pid)]
    assert SMALL.workers < len(pids)

    demo.stop()
    demo.stop()

    assert until(lambda: is_gone(*pids))
    assert not demo.directory.exists()


def test_the_files_of_a_kept_demo_stay() -> None:
    """A command that was copied is to find them; its processes end all the same."""
    demo = start(SMALL)
    try:
        pids = [demo.process.pid, *children(demo.process.pid)]
        demo.keep()
        demo.stop()

        assert until(lambda: is_gone(*pids))
        assert (demo.directory / "train.log").exists()
    finally:
        shutil.rmtree(demo.directory)


def test_nothing_is_left_of_a_demo_that_has_just_begun() -> None:
    """Also a stop before the first batch ends everything."""
    with start(SMALL) as demo:
        pid = demo.process.pid

    assert until(lambda: is_gone(pid, *children(pid)))
    assert not demo.directory.exists()


def test_nothing_is_left_after_gpumon_was_killed() -> None:
    """The demo ends when the process that started it ends, even by SIGKILL, and clears its directory."""
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        directory, *numbers = parent.stdout.readline().split()
        pids = [int(number) for number in numbers]
        assert len(pids) >= 2
        assert not is_gone(pids[0])

        parent.kill()

    assert until(lambda: is_gone(*pids))
    assert until(lambda: not Path(directory).exists())


def test_the_workers_end_with_a_killed_training() -> None:
    """SIGKILL of the main process leaves no worker behind."""
    with start(SMALL) as demo:
        assert _working(demo)
        pids = workers(demo.process.pid)
        assert pids

        os.kill(demo.process.pid, signal.SIGKILL)

        assert until(lambda: is_gone(*pids))


def test_a_growing_memory_ends_out_of_memory() -> None:
    """The virtual GPU is full after some epochs: PyTorch's sentence, a traceback and exit code 1."""
    with start(OUT_OF_MEMORY) as demo:
        assert _working(demo)
        pids = [demo.process.pid, *workers(demo.process.pid)]
        assert until(lambda: demo.process.poll() is not None)
        log = demo.log_path.read_text(encoding="utf-8")

        assert demo.process.returncode == 1
        assert "Traceback (most recent call last):" in log
        assert re.search(
            r"OutOfMemoryError: CUDA out of memory\. Tried to allocate [\d.]+ GiB \(GPU 0; ", log
        )
        assert until(lambda: is_gone(*pids))


def test_without_workers_the_main_process_loads() -> None:
    """`--workers 0` trains without any worker process."""
    with start(replace(SMALL, workers=0)) as demo:
        assert _working(demo)

        assert [] == children(demo.process.pid)
        assert "Using 0 dataloader workers" in demo.log_path.read_text(encoding="utf-8")


def test_a_batch_of_one_gets_no_workers() -> None:
    """YOLOv5 gives a batch of one no workers, whatever is asked for."""
    with start(replace(SMALL, batch_size=1)) as demo:
        assert _working(demo)

        assert [] == workers(demo.process.pid)
        assert "Using 0 dataloader workers" in demo.log_path.read_text(encoding="utf-8")


def test_a_directory_of_the_users_own_is_kept(tmp_path: Path) -> None:
    """Only a temporary directory is removed at the end."""
    with start(SMALL, tmp_path) as demo:
        assert _working(demo)

    assert (tmp_path / "runs/train/exp/opt.yaml").exists()


def test_the_affinity_is_the_childs_alone() -> None:
    """A scenario on some cores leaves gpumon itself on all of them."""
    before = os.sched_getaffinity(0)
    with start(replace(SMALL, affinity=1)) as demo:
        assert (1, before) == (len(os.sched_getaffinity(demo.process.pid)), os.sched_getaffinity(0))


def test_started_by_hand_it_marks_itself_as_simulated(tmp_path: Path) -> None:
    """The training's own command, without gpumon's environment, runs on a virtual GPU too."""
    with start(SMALL, tmp_path) as demo:
        assert until(demo.timeline_path.exists)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GPUMON")}
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(demo.command, cwd=tmp_path, env=environment, stderr=log) as training,
    ):
        marked = until(lambda: b"GPUMON_VIRTUAL_GPU=" in Path(f"/proc/{training.pid}/environ").read_bytes())
        written = until((tmp_path / f"virtual-gpu-{training.pid}.timeline").exists)
        training.kill()

    assert (True, True) == (marked, written)


def test_the_gpu_is_busy_where_the_loader_keeps_up_and_waits_where_not() -> None:
    """`healthy` keeps its GPU busy, `starved` clearly less, and the advised workers mend that."""
    table = scenarios(CORES)
    with start(table["healthy"]) as demo:
        assert _working(demo)
        healthy, _ = Watch(demo).after(WATCHED_SECONDS)
    starving = table["starved"]
    with start(starving) as demo:
        assert _working(demo)
        starved, starved_rate = Watch(demo).after(WATCHED_SECONDS)
    enough = max(1, min(CORES, 6))
    with start(replace(starving, workers=enough)) as demo:
        assert _working(demo)
        _, mended_rate = Watch(demo).after(WATCHED_SECONDS)

    assert healthy > 0.85
    assert healthy - 0.1 > starved
    assert mended_rate > 1.15 * starved_rate
