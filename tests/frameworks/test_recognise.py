"""YOLOv5 trainings are recognised however they were started, and nothing else is taken for one."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from gpumon.model.measure import Missing
from gpumon.model.process import Role
from tests.frameworks import scene
from tests.frameworks.scene import Scene, add_files, write_at

OPT = "batch_size: 8\nworkers: 2\nhyp: {lr0: 0.02}\nsave_dir: runs/train/exp\nepochs: 5\nimgsz: 320\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A clone of YOLOv5 v7.0."""
    return add_files(tmp_path, scene.V7_0)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("python train.py --img 640 --batch 16", "train.py"),
        ("python -u {here}/train.py", "train.py"),
        ("/venv/bin/python3 -m train --img 640", "-m train"),
        ("python segment/train.py", "segment/train.py"),
        ("python classify/train.py --model yolov5s-cls.pt", "classify/train.py"),
        ("python train.py --resume", "train.py"),
        ("python train.py --evolve", "train.py"),
        ("python /usr/bin/ipython train.py -- --img 640", "train.py"),
    ],
)
def test_recognises_a_clone(repository: Path, line: str, name: str) -> None:
    """By the script and the files beside it, from its first moment on."""
    machine = Scene(str(repository))
    pid = machine.add(shlex.split(line.format(here=repository)))
    training = machine.one()
    assert (pid, "yolov5", name, "v7.0") == (
        training.id.pid,
        training.framework,
        training.name,
        training.framework_version,
    )


@pytest.mark.parametrize(
    ("files", "version"),
    [
        (scene.V5_0, "v5.0"),
        (scene.V6_0, "v6.0"),
        (scene.V6_1, "v6.1"),
        (scene.V6_2, "v6.2"),
        (scene.V7_0, "v7.0"),
        (scene.MASTER, "master"),
    ],
)
def test_tells_the_version_by_its_files(tmp_path: Path, files: tuple[str, ...], version: str) -> None:
    """By which files came and went."""
    machine = Scene(str(add_files(tmp_path, files)))
    machine.add(["python", "train.py"])
    assert version == machine.one().framework_version


@pytest.mark.parametrize(
    "line", ["{venv}/bin/python {venv}/bin/yolov5 train --img 640", "{venv}/bin/python -m yolov5.train"]
)
def test_tells_the_version_of_the_package(tmp_path: Path, line: str) -> None:
    """By the name of its .dist-info directory in the interpreter's site-packages."""
    venv = add_files(
        tmp_path / "venv", ["bin/python", "lib/python3.10/site-packages/yolov5-7.0.13.dist-info/"]
    )
    machine = Scene(str(tmp_path))
    machine.add(shlex.split(line.format(venv=venv)), name="yolov5")
    training = machine.one()
    assert ("yolov5", "pypi 7.0.13") == (training.framework, training.framework_version)


def test_a_linked_script_stands_where_it_really_is(tmp_path: Path) -> None:
    """Python looks for the modules beside the file that the link points to."""
    repository = add_files(tmp_path / "clone", scene.V7_0)
    (tmp_path / "train.py").symlink_to(repository / "train.py")
    machine = Scene(str(tmp_path))
    machine.add(["python", "train.py"])
    assert machine.one().framework_version == "v7.0"


@pytest.mark.parametrize(
    "line",
    ["vim train.py", "grep -r train.py .", "bash -c 'python train.py'", "tmux new python train.py",
     "sudo python train.py", "nohup python train.py", "python val.py --img 640", "python detect.py",
     "python export.py", "python /bin/yolov5 val", "python /bin/jupyter lab"],
)  # fmt: skip
def test_other_programs_are_no_trainings(repository: Path, line: str) -> None:
    """Editors, shells, wrappers, and YOLOv5's own other scripts, even with workers."""
    machine = Scene(str(repository))
    command = shlex.split(line)
    pid = machine.add(command, name=command[0], executable=f"/usr/bin/{command[0]}")
    machine.fork(pid, 2, start=1100)
    assert machine.find() == ()


def test_validation_with_workers_and_gpu_memory_is_no_training(repository: Path) -> None:
    """val.py uses a DataLoader too."""
    machine = Scene(str(repository))
    pid = machine.add(["python", "val.py", "--img", "640"])
    machine.fork(pid, 8, start=1100)
    assert machine.find(gpu_pids=[pid]) == ()


def test_a_train_py_of_something_else_is_a_torch_training(tmp_path: Path) -> None:
    """Without YOLOv5's files it takes workers to be a training at all."""
    add_files(tmp_path, ["train.py"])
    machine = Scene(str(tmp_path))
    pid = machine.add(["python", "train.py", "--batch-size", "16", "-j", "2"])
    assert machine.find() == ()
    machine.fork(pid, 2, start=1500)
    assert machine.one().framework == "torch"


@pytest.mark.parametrize("marker", ["train_aux.py", "train_dual.py", "cfg/training/"])
def test_its_descendants_are_not_yolov5(tmp_path: Path, marker: str) -> None:
    """YOLOv7 and YOLOv9 keep YOLOv5's files and have other flags."""
    machine = Scene(str(add_files(tmp_path, [*scene.V7_0, marker])))
    machine.fork(machine.add(["python", "train.py", "--img", "640"]), 2, start=1500)
    assert machine.one().framework == "torch"


def test_another_users_training_is_recognised_by_its_flags() -> None:
    """Where its directory and files are hidden, flags and the script's name must do, and a note says so."""
    machine = Scene(None)
    machine.add(["python", "train.py", "--img", "640", "--data", "coco.yaml"])
    machine.add(["python", "train.py", "--model", "resnet50"])
    training = machine.one()
    assert training.framework == "yolov5"
    assert isinstance(training.framework_version, Missing)
    assert isinstance(training.command_directory, Missing)
    assert any("flags alone" in note for note in training.notes)


def test_a_notebook_is_recognised_by_the_opt_yaml_it_wrote(tmp_path: Path) -> None:
    """Its argv says nothing; the file that appeared before its workers does."""
    machine = Scene(str(tmp_path))
    pid = machine.add(["python", "-m", "ipykernel_launcher", "-f", "kernel.json"], start=1000)
    assert machine.find(gpu_pids=[pid]) == ()
    machine.fork(pid, 2, start=5000)
    assert machine.one().framework == "torch"
    write_at(tmp_path / "runs/train/exp/opt.yaml", OPT, 4900)
    training = machine.one()
    assert ("yolov5", "notebook", str(tmp_path / "runs/train/exp")) == (
        training.framework,
        training.name,
        training.run_dir,
    )


def test_ranks_of_a_launcher_are_one_training(repository: Path) -> None:
    """Rank 0 is the main process, the launcher's command is the one to repeat."""
    machine = Scene(str(repository))
    line = "python -m torch.distributed.run --nproc_per_node 2 train.py --batch 16"
    launcher = machine.add(shlex.split(line), name="pt_elastic", start=900)
    ranks = [
        machine.add(
            ["python", "-u", "train.py", "--batch", "16"],
            parent=launcher,
            start=1000 + rank,
            environment={"RANK": str(1 - rank), "WORLD_SIZE": "2", "MASTER_PORT": "29500"},
        )
        for rank in range(2)
    ]
    for rank in ranks:
        machine.fork(rank, 2, start=2000 + rank)
    training = machine.one()
    assert (ranks[1], tuple(shlex.split(line)), 2) == (training.id.pid, training.command, training.world_size)
    assert (launcher, *ranks[::-1]) == training.pids(Role.LAUNCHER, Role.MAIN, Role.RANK)
    by_parent = {
        member.parent_pid: member.rank for member in training.members if member.role is Role.TRAIN_WORKER
    }
    assert {ranks[0]: 1, ranks[1]: 0} == by_parent


def test_ranks_whose_environment_is_hidden_are_in_order_of_their_start(repository: Path) -> None:
    """The launcher starts rank 0 first."""
    machine = Scene(str(repository))
    launcher = machine.add(["python", "/bin/torchrun", "--nproc_per_node=2", "train.py"], name="torchrun")
    later = machine.add(["python", "-u", "train.py"], parent=launcher, start=1020)
    first = machine.add(["python", "-u", "train.py"], parent=launcher, start=1010)
    training = machine.one()
    assert (first, (later,)) == (training.id.pid, training.pids(Role.RANK))


def test_two_trainings_in_one_project_have_their_own_run_directories(repository: Path) -> None:
    """Each takes the first opt.yaml that was written after its start and fits its argv."""
    machine = Scene(str(repository))
    first = machine.add(["python", "train.py"], start=1000)
    second = machine.add(["python", "train.py"], start=1100)
    third = machine.add(["python", "train.py", "--workers", "3"], start=1050)
    write_at(repository / "runs/train/exp/opt.yaml", OPT, 500)
    write_at(repository / "runs/train/exp2/opt.yaml", OPT.replace("workers: 2", "workers: 3"), 1500)
    write_at(repository / "runs/train/exp3/opt.yaml", OPT.replace("workers: 2", "workers: 8"), 1600)
    write_at(repository / "runs/train/exp4/opt.yaml", OPT.replace("workers: 2", "workers: 8"), 1700)
    found = {training.id.pid: str(training.run_dir)[-4:] for training in machine.find()}
    assert {first: "exp3", second: "exp4", third: "exp2"} == found


def test_a_demo_is_simulated(tmp_path: Path) -> None:
    """The environment names the timeline of its virtual GPU."""
    add_files(tmp_path, ["demo/train.py"])
    machine = Scene(str(tmp_path))
    machine.add(
        ["python", "demo/train.py", "--data", "a.yaml", "--cfg", "b.yaml"],
        environment={"GPUMON_VIRTUAL_GPU": "gpu.timeline", "CUDA_VISIBLE_DEVICES": "1"},
    )
    training = machine.one()
    assert ("yolov5", True, str(tmp_path / "gpu.timeline")) == (
        training.framework,
        training.simulated,
        training.timeline_path,
    )
    assert (("CUDA_VISIBLE_DEVICES", "1"), ("GPUMON_VIRTUAL_GPU", "gpu.timeline")) == training.environment


def test_a_container_is_said(repository: Path) -> None:
    """The command must be run where the training runs."""
    machine = Scene(str(repository))
    machine.add(["python", "train.py"], in_container=7)
    assert any("container" in note for note in machine.one().notes)
