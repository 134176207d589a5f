"""Any other PyTorch training is found by its workers or its GPU memory; known ones are followed cheaply."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpumon.frameworks.file_view import FileView, ProcessFiles
from gpumon.frameworks.find import boot_time
from gpumon.model.measure import Missing
from gpumon.model.process import Role
from gpumon.model.training import Setting
from tests.frameworks import scene
from tests.frameworks.scene import Scene, add_files, look, write_at
from tests.frameworks.test_settings import OPT


@pytest.fixture
def machine(tmp_path: Path) -> Scene:
    """A machine whose directory holds nothing."""
    return Scene(str(tmp_path))


def test_workers_make_a_training(machine: Scene) -> None:
    """With the settings that common flags name."""
    main = machine.add(["python", "main.py", "--batch-size=32", "-j", "4"])
    machine.fork(main, 4, start=1500)
    training = machine.one()
    assert ("torch", "main.py", main) == (training.framework, training.name, training.id.pid)
    assert Setting(32, "argv --batch-size") == training.settings.batch_size
    assert Setting(4, "4 worker processes seen") == training.settings.workers
    assert isinstance(training.settings.epochs, Missing)


def test_gpu_memory_makes_a_training(machine: Scene) -> None:
    """Without workers: they may load in the main thread."""
    main = machine.add(["python", "-m", "mine.trainer"])
    machine.add(["python", "other.py"])
    (training,) = machine.find(gpu_pids=[main])
    assert (main, "mine.trainer") == (training.id.pid, training.name)


@pytest.mark.parametrize(
    "command",
    [
        ["python", "-m", "vllm.entrypoints.openai.api_server"],
        ["python", "/venv/bin/uvicorn", "app:app"],
        ["python", "-m", "ipykernel_launcher", "-f", "k.json"],
        ["python", "/venv/bin/jupyter-lab"],
        ["python", "predict.py"],
        ["python", "-m", "gpumon"],
        ["blender", "--background"],
    ],
)
def test_gpu_memory_of_a_server_or_a_notebook_does_not(machine: Scene, command: list[str]) -> None:
    """They hold it without training; a notebook trains when it has workers."""
    pid = machine.add(command, executable=f"/usr/bin/{command[0]}")
    assert machine.find(gpu_pids=[pid]) == ()


def test_a_notebook_trains_when_it_has_workers(machine: Scene) -> None:
    """And is called one."""
    kernel = machine.add(["python", "-m", "ipykernel_launcher", "-f", "k.json"])
    workers = machine.fork(kernel, 2, start=1500)
    training = machine.one()
    assert "notebook" == training.name
    # Between two loaders it may have none: it is followed, but not found.
    machine.end(*workers)
    assert machine.find(before=(training,)) == ()
    assert training.id == machine.refresh(training).id


class Loaded(ProcessFiles):
    """The files of a process that has loaded torch."""

    def has_loaded(self, library: str) -> bool:
        """Say yes."""
        return library == "libtorch"


def torch_files(pid: int) -> FileView:
    """Return the files of a process that has loaded torch."""
    return Loaded(pid, "/nonexistent")


def test_forks_of_an_older_torch_make_a_training_where_torch_is_loaded(tmp_path: Path) -> None:
    """Many servers fork: the library in its address space tells."""
    for files, expected in ((torch_files, 1), (look, 0)):
        machine = Scene(str(tmp_path), files=files)
        main = machine.add(["python", "main.py"])
        machine.fork(main, 2, start=1500, name="python")
        assert expected == len(machine.find())


REPORTED = {"GPUMON_REPORTER": "1", "PYTHONPATH": "/venv/gpumon/reporter/injected:/mine"}


def test_gpumon_run_makes_a_training_where_torch_is_loaded(tmp_path: Path) -> None:
    """Without workers or a GPU only its start tells; a command to repeat it leaves the reporter out."""
    for files, expected in ((torch_files, 1), (look, 0)):
        machine = Scene(str(tmp_path), files=files)
        machine.add(["python", "main.py"], environment=REPORTED)
        assert expected == len(machine.find())
    machine = Scene(str(tmp_path), files=torch_files)
    machine.add(["python", "main.py"], environment=REPORTED)
    assert machine.one().environment == (("PYTHONPATH", "/mine"),)


def test_gpumon_run_makes_one_training(tmp_path: Path) -> None:
    """What a training starts inherits the variable: a helper program and its forks are no others."""
    machine = Scene(str(tmp_path), files=torch_files)
    main = machine.add(["python", "main.py"], environment=REPORTED)
    machine.add(["python", "convert.py"], parent=main, start=1500, environment=REPORTED)
    machine.add(["python", "main.py"], parent=main, start=1600, environment=REPORTED)
    assert [training.id.pid for training in machine.find()] == [main]
    plain = machine.add(["python", "main.py"])
    assert plain not in [training.id.pid for training in machine.find()]


@pytest.mark.parametrize("script", ["val.py", "predict.py"])
def test_gpumon_run_of_something_else_is_no_training(script: str, tmp_path: Path) -> None:
    """A program that only uses a model is not taken for a training."""
    machine = Scene(str(tmp_path), files=torch_files)
    machine.add(["python", script], environment=REPORTED)
    assert machine.find() == ()


def test_spawned_ranks_are_one_training(machine: Scene) -> None:
    """torch.multiprocessing.spawn: the parent waits, the ranks have the same argv."""
    parent = machine.add(["python", "main.py", "--workers", "2"])
    spawned = ["python", "-c", "from multiprocessing.spawn import spawn_main", "--multiprocessing-fork"]
    ranks = [machine.add(spawned, parent=parent, start=1100 + rank) for rank in range(2)]
    for rank in ranks:
        machine.fork(rank, 2, start=1500)
    training = machine.one(gpu_pids=[parent, *ranks])
    assert (ranks[0], 2, (parent,)) == (training.id.pid, training.world_size, training.pids(Role.LAUNCHER))
    assert ("python", "main.py", "--workers", "2") == training.command


def test_a_known_training_is_kept_while_its_loader_has_no_workers(machine: Scene) -> None:
    """Without persistent workers there are none between two epochs."""
    main = machine.add(["python", "main.py"])
    workers = machine.fork(main, 2, start=1500)
    before = machine.find()
    machine.end(*workers)
    (after,) = machine.find(before=before)
    assert (main, (main,)) == (after.id.pid, after.pids())


def test_refreshing_follows_the_workers_without_reading_files(tmp_path: Path) -> None:
    """Settings stay those of opt.yaml although the file is gone; members and workers are the present ones."""
    machine = Scene(str(add_files(tmp_path, scene.V7_0)))
    main = machine.add(["python", "train.py"])
    path = write_at(tmp_path / "runs/train/exp/opt.yaml", OPT, 1300)
    before = machine.one()
    path.unlink()
    machine.fork(main, 1, start=1500)
    after = machine.refresh(before)
    assert before.run_dir == after.run_dir
    assert Setting(8, "opt.yaml") == after.settings.batch_size
    assert Setting(1, "1 worker process seen") == after.settings.workers


def test_refreshing_finds_a_run_directory_that_came_late(tmp_path: Path) -> None:
    """It is written some seconds after the start."""
    machine = Scene(str(add_files(tmp_path, scene.V7_0)))
    machine.add(["python", "train.py"])
    before = machine.one()
    write_at(tmp_path / "runs/train/exp/opt.yaml", OPT, 1300)
    assert str(tmp_path / "runs/train/exp") == machine.refresh(before).run_dir


def test_a_training_that_is_gone_is_returned_as_it_was(tmp_path: Path) -> None:
    """Its PID may even belong to another process by now."""
    machine = Scene(str(add_files(tmp_path, scene.V7_0)))
    main = machine.add(["python", "train.py"])
    before = machine.one()
    machine.end(main)
    machine.next_pid = main
    machine.add(["bash"], start=99_000, executable="/bin/bash")
    assert before == machine.refresh(before)
    assert machine.find(before=(before,)) == ()


def test_the_boot_time_is_in_the_past() -> None:
    """As the kernel tells it: this very process was started later."""
    boot = boot_time()
    assert boot is not None
    assert 0 < boot < Path("/proc/self/stat").stat().st_mtime + 1


def test_a_loop_among_the_parents_ends(machine: Scene) -> None:
    """Two reads of /proc at different moments can show one."""
    first = machine.add(["python", "main.py"], parent=101)
    machine.add(["python", "other.py"], parent=100)
    machine.fork(first, 1, start=1500)
    assert first == machine.one().id.pid
