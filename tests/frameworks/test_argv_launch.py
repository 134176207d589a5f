"""argv of a Python process taken apart: interpreter, launcher, script, arguments."""

from __future__ import annotations

import shlex

import pytest

from gpumon.advice.knobs.launch import read_launch
from gpumon.advice.knobs.train_command import read_yolo_command, read_yolov5_command


@pytest.mark.parametrize(
    ("line", "what", "launcher", "arguments"),
    [
        ("python train.py --img 640", "train.py", "", ["--img", "640"]),
        ("python -u /abs/train.py", "/abs/train.py", "", []),
        ("python3.10 -m yolov5.train --img 640", "yolov5.train", "", ["--img", "640"]),
        ("python -W ignore -X dev -OO train.py a", "train.py", "", ["a"]),
        ("python -Wignore -um yolov5.train a", "yolov5.train", "", ["a"]),
        ("/venv/bin/python /venv/bin/yolov5 train --img 3", "/venv/bin/yolov5", "", ["train", "--img", "3"]),
        ("python -m torch.distributed.run --nproc_per_node 2 train.py -x", "train.py",
         "torch.distributed.run", ["-x"]),
        ("python -m torch.distributed.launch --nproc_per_node=2 --use_env train.py", "train.py",
         "torch.distributed.launch", []),
        ("python /venv/bin/torchrun --standalone --nproc-per-node gpu -m yolov5.train a", "yolov5.train",
         "torchrun", ["a"]),
        ("python /venv/bin/accelerate launch --num_processes 2 train.py a", "train.py", "accelerate", ["a"]),
        ("python /venv/bin/ipython train.py -- --img 3", "train.py", "", ["--", "--img", "3"]),
        ("python -m pdb train.py a", "train.py", "", ["a"]),
    ],
)  # fmt: skip
def test_finds_the_program(line: str, what: str, launcher: str, arguments: list[str]) -> None:
    """Behind options of the interpreter, of torchrun, and of profilers."""
    command = shlex.split(line)
    launch = read_launch(command)
    assert launch is not None
    assert (what, launcher) == (launch.script or launch.module, launch.launcher)
    assert arguments == command[launch.arguments_at :]


@pytest.mark.parametrize(
    "line",
    ["vim train.py", "bash -c 'python train.py'", "grep python train.py", "nohup python train.py",
     "pythonic x.py", "sudo python train.py", "tmux new python train.py", ""],
)  # fmt: skip
def test_other_programs_are_no_python(line: str) -> None:
    """Editors, shells and wrappers that only name train.py."""
    assert read_launch(shlex.split(line)) is None


def test_code_and_nothing_are_no_script() -> None:
    """`python -c`, stdin and the bare interpreter."""
    code = read_launch(["python", "-c", "import train", "train.py"])
    assert code is not None
    assert code.code
    assert read_launch(["python", "-i"]) is None


@pytest.mark.parametrize(
    ("line", "task", "console"),
    [
        ("python train.py", "detect", False),
        ("python segment/train.py --img 3", "segment", False),
        ("python -m yolov5.classify.train", "classify", False),
        ("python /bin/yolov5 train --img 3", "detect", True),
        ("python /bin/yolov5 segment train --img 3", "segment", True),
    ],
)
def test_knows_the_task_of_a_yolov5_command(line: str, task: str, console: bool) -> None:
    """From the folder, the module, or the words of the console script."""
    command = read_yolov5_command(shlex.split(line))
    assert command is not None
    assert (task, console, True) == (command.task, command.console, command.named)


@pytest.mark.parametrize("words", ["val", "detect --weights x.pt", "export", "segment val", ""])
def test_other_words_of_the_console_script_are_no_training(words: str) -> None:
    """`yolov5 val` and its kin."""
    assert read_yolov5_command(["python", "/bin/yolov5", *words.split()]) is None


@pytest.mark.parametrize(
    ("words", "task", "mode", "workers"),
    [
        ("train model=a.pt workers=4", "", "train", "4"),
        ("detect train workers=4", "detect", "train", "4"),
        ("task=segment mode=train --workers=4,", "segment", "train", "4"),
        ("train workers = 4", "", "train", "4"),
        ("train workers= 4", "", "train", "4"),
        ("train workers =4 workers=5", "", "train", "5"),
        ("predict model=a.pt", "", "predict", None),
    ],
)
def test_reads_a_yolo_command(words: str, task: str, mode: str, workers: str | None) -> None:
    """In all the spellings that ultralytics takes."""
    command = read_yolo_command(["/venv/bin/python", "/venv/bin/yolo", *words.split()])
    assert command is not None
    pair = command.arguments.last("workers")
    assert (task, mode) == (command.arguments.task, command.arguments.mode)
    assert workers == (None if pair is None else pair.value)
