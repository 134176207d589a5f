"""The command lines of YOLOv5 and ultralytics: is this argv one of theirs, and where are its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from gpumon.advice.knobs import ultralytics, yolov5
from gpumon.advice.knobs.launch import Launch, read_launch
from gpumon.advice.knobs.option import Option, Parsed, parse
from gpumon.model.measure import known
from gpumon.model.training import Training


@dataclass(frozen=True, slots=True)
class Yolov5Command:
    """A command line of YOLOv5's train.py, of whatever spelling.

    `named` tells that its script or module is called as YOLOv5's is; otherwise it is any Python script.
    `console` that it is the console script `yolov5`, whose flags may also be spelled with underscores.
    """

    launch: Launch
    task: yolov5.Task
    arguments_at: int
    named: bool
    console: bool = False

    def parse(self, command: Sequence[str], version: str) -> Parsed:
        """Read its arguments with the options of `version`; positions count from `arguments_at`."""
        options = yolov5.options(version, self.task)
        parsed = parse(options, command[self.arguments_at :], loose=self.console)
        if not self.console:
            return parsed
        # The console script reads only the flags it knows and leaves the rest to python-fire.
        return Parsed(parsed.given)


def read_yolov5_command(command: Sequence[str], *, python: bool = False) -> Yolov5Command | None:
    """Return the YOLOv5 command that `command` may be, or None where it cannot be one."""
    launch = read_launch(command, python=python)
    if launch is None or launch.code or not (launch.script or launch.module):
        return None
    if launch.base in ("yolov5", "yolov5.cli") or launch.script.endswith("/yolov5/cli.py"):
        return _console(command, launch)
    if launch.module:
        # `python -m train` stands in the repository, `python -m yolov5.train` beside it.
        parts = launch.module.split(".")
        named = parts[-1] == "train" and (parts[0] == "yolov5" or len(parts) == 1 or parts[-2] in _TASKS)
        parents = parts[:-1]
    else:
        named = launch.base == "train.py"
        parents = launch.script.split("/")[:-1]
    task = _TASKS.get(parents[-1], "detect") if parents else "detect"
    return Yolov5Command(launch, task, launch.arguments_at, named)


_TASKS: dict[str, yolov5.Task] = {"segment": "segment", "classify": "classify"}


def _console(command: Sequence[str], launch: Launch) -> Yolov5Command | None:
    words = tuple(command[launch.arguments_at : launch.arguments_at + 2])
    if words[:1] == ("train",):
        return Yolov5Command(launch, "detect", launch.arguments_at + 1, named=True, console=True)
    if len(words) == 2 and words[0] in _TASKS and words[1] == "train":
        return Yolov5Command(launch, _TASKS[words[0]], launch.arguments_at + 2, named=True, console=True)
    return None


@dataclass(frozen=True, slots=True)
class YoloCommand:
    """A command line of ultralytics' `yolo`; positions in `arguments` count from `arguments_at`."""

    launch: Launch
    arguments_at: int
    arguments: ultralytics.YoloArguments

    @property
    def is_training(self) -> bool:
        """Whether its mode is train."""
        return self.arguments.mode == "train"


def read_yolo_command(command: Sequence[str], *, python: bool = False) -> YoloCommand | None:
    """Return the `yolo ...` command that `command` is, or None."""
    launch = read_launch(command, python=python)
    if launch is None or launch.code:
        return None
    if launch.script and launch.base not in ("yolo", "ultralytics"):
        return None
    if launch.module and launch.module not in ("ultralytics", "ultralytics.cfg", "ultralytics.cfg.__init__"):
        return None
    if not (launch.script or launch.module):
        return None
    return YoloCommand(
        launch, launch.arguments_at, ultralytics.read_arguments(command[launch.arguments_at :])
    )


def version_by_flags(command: Sequence[str], yolov5_command: Yolov5Command) -> str | None:
    """Return the likeliest version whose train.py accepts these flags, or None where none does."""
    for version in yolov5.LIKELIEST_FIRST:
        if yolov5_command.parse(command, version).is_valid:
            return version
    return None


@dataclass(frozen=True, slots=True)
class StartedYolov5:
    """A YOLOv5 training by its own argv: `command` as read, with the options of `version`."""

    command: Yolov5Command
    version: str
    parsed: Parsed

    @property
    def options(self) -> tuple[Option, ...]:
        """The options that its train.py has."""
        return yolov5.options(self.version, self.command.task)

    def gives(self, dest: str) -> bool:
        """Tell whether its argv gives that option."""
        return self.parsed.last(dest) is not None


def started_yolov5(training: Training) -> StartedYolov5 | None:
    """Return how a YOLOv5 training was started, or None where its settings are not in its argv.

    Where the version is not known it is the likeliest that takes these flags.
    """
    return started_yolov5_by(training.command, known(training.framework_version))


@lru_cache(maxsize=32)
def started_yolov5_by(command: tuple[str, ...], version: str | None) -> StartedYolov5 | None:
    """Return the same by its argv and its version, None where that is not known."""
    read = read_yolov5_command(command, python=True)
    if read is None:
        return None
    version = version or version_by_flags(command, read) or "v7.0"
    parsed = read.parse(command, version)
    if not read.named and not (parsed.given and parsed.is_valid):
        return None
    return StartedYolov5(read, version, parsed)
