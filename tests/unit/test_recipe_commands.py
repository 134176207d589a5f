"""The command with a process for each GPU, built from the training's own argv."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from gpumon.advice.knobs.ddp import with_ranks
from gpumon.model.measure import Missing
from gpumon.model.training import Training
from tests.unit.synthetic_training import Scene


def training(command: str, framework: str = "yolov5", version: str = "v7.0") -> Training:
    """Return a training of that framework with that command."""
    plain = Scene(framework=framework).training()
    return replace(plain, command=tuple(shlex.split(command)), framework_version=version)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "python train.py --img 640 --device 0,1",
            "python -m torch.distributed.run --nproc_per_node 2 train.py --img 640 --device 0,1",
        ),
        (
            "/v/bin/python3 -u -W ignore segment/train.py",
            "/v/bin/python3 -u -W ignore -m torch.distributed.run --nproc_per_node 2 segment/train.py",
        ),
        (
            "python -m yolov5.train --batch 16",
            "python -m torch.distributed.run --nproc_per_node 2 -m yolov5.train --batch 16",
        ),
        (
            "python -um train --batch 16",
            "python -u -m torch.distributed.run --nproc_per_node 2 -m train --batch 16",
        ),
        (
            "python -m torch.distributed.run --nproc_per_node 4 --master_port 1 train.py --batch 16",
            "python -m torch.distributed.run --nproc_per_node 2 --master_port 1 train.py --batch 16",
        ),
        (
            "python /v/bin/torchrun --standalone --nproc-per-node=1 train.py",
            "python /v/bin/torchrun --standalone --nproc-per-node=2 train.py",
        ),
    ],
)
def test_the_launcher_stands_before_the_script(command: str, expected: str) -> None:
    """Interpreter and its options first, then the launcher, then script or module with all of its flags."""
    changed = with_ranks(training(command), 2)
    assert isinstance(changed, Training)
    assert shlex.join(changed.command) == expected
    assert changed.world_size == 2


def test_a_launcher_of_any_training_gets_another_count() -> None:
    """A training of unknown kind that is launched already is made for several processes."""
    changed = with_ranks(training("python -m torch.distributed.run --nproc_per_node 1 main.py", "torch"), 3)
    assert isinstance(changed, Training)
    assert shlex.join(changed.command) == "python -m torch.distributed.run --nproc_per_node 3 main.py"


@pytest.mark.parametrize(
    ("command", "framework", "version", "words"),
    [
        ("python train.py --image-weights", "yolov5", "v7.0", "--image-weights"),
        ("python train.py --evolve", "yolov5", "v7.0", "--evolve"),
        ("python train.py", "yolov5", "v5.0", "v5.0"),
        ("python /v/bin/yolov5 train", "yolov5", "v7.0", "script yolov5"),
        ("python -mtrain", "yolov5", "v7.0", "joins -m"),
        ("python -m cProfile train.py", "yolov5", "v7.0", "inside another program"),
        ("python main.py", "torch", "v7.0", "DistributedDataParallel"),
        ("python -c pass", "torch", "v7.0", "names no script"),
        ("", "yolov5", "v7.0", "names no script"),
        ("python -m torch.distributed.run train.py", "yolov5", "v7.0", "--nproc-per-node"),
        (
            "python -m torch.distributed.run --nnodes 2 --nproc_per_node 2 train.py",
            "yolov5",
            "v7.0",
            "several machines",
        ),
    ],
)
def test_where_there_is_no_such_command_the_reason_says_why(
    command: str, framework: str, version: str, words: str
) -> None:
    """What YOLOv5 refuses, what a launcher cannot start, and what is launched elsewhere."""
    changed = with_ranks(training(command, framework, version), 2)
    assert isinstance(changed, Missing)
    assert words in changed.reason
