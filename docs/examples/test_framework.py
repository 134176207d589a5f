"""torchvision's reference trainings are found with their settings, and can be started anew with others."""

from __future__ import annotations

from pathlib import Path

from gpumon.advice.knobs.command import rewrite_arguments
from gpumon.model.process import Role
from gpumon.model.training import Setting
from tests.frameworks.scene import Scene, add_files

DETECTION = ("detection/train.py", "detection/engine.py", "detection/coco_utils.py")


def test_a_reference_training_is_found(tmp_path: Path) -> None:
    """By its script and what lies beside it; what argv does not say are the script's defaults."""
    add_files(tmp_path, DETECTION)
    machine = Scene(str(tmp_path / "detection"))
    main = machine.add(["python", "train.py", "--data-path", "/data/coco", "-b", "8", "--workers", "2"])
    machine.fork(main, 2, start=1500)
    training = machine.one()
    assert (training.framework, training.name) == ("torchvision", "detection/train.py")
    assert training.settings.batch_size == Setting(8, "argv -b")
    assert training.settings.epochs == Setting(26, "default of detection/train.py")
    assert len(training.pids(Role.TRAIN_WORKER)) == 2


def test_its_command_is_rewritten(tmp_path: Path) -> None:
    """In the spelling that stands in argv."""
    add_files(tmp_path, DETECTION)
    machine = Scene(str(tmp_path / "detection"))
    machine.add(["python", "train.py", "--workers", "2"])
    assert rewrite_arguments(machine.one(), {"workers": 6}) == ("python", "train.py", "--workers", "6")


def test_another_train_py_is_none_of_them(tmp_path: Path) -> None:
    """Many scripts are called so."""
    add_files(tmp_path, ("detection/train.py",))
    machine = Scene(str(tmp_path / "detection"))
    machine.add(["python", "train.py", "--data-path", "/data/coco"])
    assert "torchvision" not in [training.framework for training in machine.find()]
