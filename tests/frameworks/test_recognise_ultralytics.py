"""ultralytics trainings: by `yolo`, by their DDP ranks, and by the args.yaml that a script writes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from gpumon.model.measure import Missing
from gpumon.model.process import Role
from gpumon.model.training import Setting
from tests.frameworks.scene import Scene, add_files, write_at

ARGS = """\
task: detect
mode: train
model: yolov8n.pt
data: coco8.yaml
epochs: 3
batch: 8
imgsz: 320
cache: false
device: null
workers: 4
optimizer: auto
resume: null
save_dir: runs/detect/train
"""
YOLO = "/venv/bin/python /venv/bin/yolo"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("train model=a.pt", "yolo train"),
        ("detect train model=a.pt data=b.yaml", "yolo detect train"),
        ("mode=train task=segment", "yolo segment train"),
    ],
)
def test_recognises_the_console_script(tmp_path: Path, words: str, name: str) -> None:
    """From its first moment on, with argv and defaults as settings."""
    machine = Scene(str(tmp_path))
    machine.add(shlex.split(f"{YOLO} {words} workers=3"), name="yolo")
    training = machine.one()
    assert ("ultralytics", name) == (training.framework, training.name)
    assert Setting(3, "argv") == training.settings.workers
    assert Setting(100, "default of ultralytics") == training.settings.epochs


@pytest.mark.parametrize(
    "words", ["val model=a.pt", "predict model=a.pt", "export model=a.pt", "checks", "detect"]
)
def test_other_modes_are_no_trainings(tmp_path: Path, words: str) -> None:
    """Even with workers and GPU memory."""
    machine = Scene(str(tmp_path))
    pid = machine.add(shlex.split(f"{YOLO} {words}"), name="yolo")
    machine.fork(pid, 2, start=1500)
    assert machine.find(gpu_pids=[pid]) == ()


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("train batch=8", "runs/detect/train"),
        ("train batch=8", "runs/detect/train-2"),
        ("train batch=8", "runs/detect/train3"),
        ("train name=a project=mine", "mine/a"),
        ("train name=a project=mine", "runs/detect/mine/a2"),
        ("train resume model=runs/detect/train7/weights/last.pt", "runs/detect/train7"),
    ],
)
def test_finds_the_run_directory(tmp_path: Path, words: str, path: str) -> None:
    """As older and newer versions number and place it."""
    write_at(tmp_path / path / "args.yaml", ARGS, 1300)
    machine = Scene(str(tmp_path))
    machine.add(shlex.split(f"{YOLO} {words}"), name="yolo")
    training = machine.one()
    assert str(tmp_path / path) == training.run_dir
    assert Setting(320, "args.yaml") == training.settings.imgsz
    assert isinstance(training.settings.lr0, Missing)


def test_finds_the_run_directory_that_the_users_settings_name(tmp_path: Path) -> None:
    """settings.json in YOLO_CONFIG_DIR has runs_dir."""
    settings = tmp_path / "config/Ultralytics/settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"runs_dir": str(tmp_path / "elsewhere")}))
    write_at(tmp_path / "elsewhere/detect/train/args.yaml", ARGS, 1300)
    machine = Scene(str(add_files(tmp_path / "work", [])))
    machine.add(
        shlex.split(f"{YOLO} train"),
        directory=str(tmp_path / "work"),
        environment={"YOLO_CONFIG_DIR": str(tmp_path / "config")},
    )
    assert str(tmp_path / "elsewhere/detect/train") == machine.one().run_dir


def test_without_a_gpu_it_uses_no_workers(tmp_path: Path) -> None:
    """args.yaml keeps what was asked for."""
    machine = Scene(str(tmp_path))
    machine.add(shlex.split(f"{YOLO} train device=cpu"), name="yolo")
    assert Setting(0, "ultralytics uses none without a GPU") == machine.one().settings.workers
    assert Setting(8, "default of ultralytics") == machine.one().settings.workers_asked


def test_a_share_of_memory_as_batch_is_autobatch(tmp_path: Path) -> None:
    """batch=0.7 and batch=-1 let it choose."""
    for value in ("0.7", "-1"):
        machine = Scene(str(tmp_path))
        machine.add(shlex.split(f"{YOLO} train batch={value}"), name="yolo")
        batch = machine.one().settings.batch_size
        assert isinstance(batch, Missing)
        assert "AutoBatch" in batch.reason


def test_a_script_is_recognised_by_the_args_yaml_it_wrote(tmp_path: Path) -> None:
    """Once it has workers; before, it could be anything."""
    machine = Scene(str(tmp_path))
    pid = machine.add(["python", "mine.py"], start=1000)
    write_at(tmp_path / "runs/detect/train/args.yaml", ARGS, 500)
    write_at(tmp_path / "out/train2/args.yaml", ARGS.replace("mode: train", "mode: val"), 1200)
    assert machine.find() == ()
    machine.fork(pid, 4, start=1500)
    assert machine.one().framework == "torch"
    write_at(tmp_path / "out/train/args.yaml", ARGS, 1300)
    training = machine.one()
    assert ("ultralytics", "mine.py", str(tmp_path / "out/train")) == (
        training.framework,
        training.name,
        training.run_dir,
    )
    assert Setting(4, "4 worker processes seen") == training.settings.workers


def test_its_ddp_ranks_and_what_launched_them_are_one_training(tmp_path: Path) -> None:
    """The ranks' argv holds no settings: those are in the argv of the process that waits for them."""
    machine = Scene(str(tmp_path))
    command = shlex.split(f"{YOLO} train device=0,1 batch=32")
    yolo = machine.add(command, name="yolo", start=1000)
    agent = machine.add(
        ["/venv/bin/python", "-m", "torch.distributed.run", "--nproc_per_node", "2", "/c/DDP/_temp_ab12.py"],
        parent=yolo,
        name="pt_elastic",
        start=1500,
    )
    ranks = [
        machine.add(
            ["/venv/bin/python", "-u", "/c/DDP/_temp_ab12.py"],
            parent=agent,
            start=1600 + rank,
            environment={"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_PORT": "1"},
        )
        for rank in range(2)
    ]
    training = machine.one(visible_gpus=2)
    assert (ranks[0], "ultralytics", tuple(command)) == (
        training.id.pid,
        training.framework,
        training.command,
    )
    assert (yolo, agent) == training.pids(Role.LAUNCHER)
    assert Setting(32, "argv") == training.settings.batch_size
