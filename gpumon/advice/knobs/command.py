"""The shell command that starts a training again with other settings, built from its own argv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from gpumon.advice.knobs import torch, ultralytics
from gpumon.advice.knobs.launch import read_launch, runs_in_notebook
from gpumon.advice.knobs.option import Given, Option, Parsed, find_option
from gpumon.advice.knobs.shell import shell_line
from gpumon.advice.knobs.train_command import read_yolo_command, started_yolov5, started_yolov5_by
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.training import Setting, Training

Value: TypeAlias = "int | float | str | bool | None"
Arguments: TypeAlias = "tuple[str, ...]"

# Settings of ours under another name in train.py.
_V5_0_NAMES = {"imgsz": "img_size", "cache": "cache_images"}


def rewrite_command(
    training: Training, changes: Mapping[str, Value], *, here: str | None = None
) -> Maybe[str]:
    """Return the command that restarts `training` with `changes`, ready for a POSIX shell.

    `changes` maps names of Settings ("workers", "batch_size", "cache" ...) to new values; None takes the
    flag away. `cd` is left out where `here` is the directory the command runs in. Missing where no such
    command exists: the reason says what to do instead.
    """
    rewritten = rewrite_arguments(training, changes)
    return rewritten if isinstance(rewritten, Missing) else shell_line(training, rewritten, here=here)


def rewrite_arguments(training: Training, changes: Mapping[str, Value]) -> Maybe[Arguments]:
    """Return the argv of `training` with `changes`, or why it cannot be built."""
    command = training.command
    if not command:
        return Missing("its command line cannot be read")
    if runs_in_notebook(command):
        return Missing(f"it runs in a notebook: change {_names(changes)} in its code")
    if training.framework == "yolov5":
        return _yolov5(training, changes)
    if training.framework == "ultralytics":
        return _ultralytics(training, changes)
    return _torch(command, changes)


def is_resumed(training: Training) -> bool:
    """Tell whether `training` goes on with an earlier run."""
    resume = known(training.settings.resume)
    return isinstance(resume, Setting) and bool(resume.value)


def option_for(options: Sequence[Option], name: str, value: Value, version: str) -> Maybe[Option]:
    """Return the option of YOLOv5's train.py for setting `name`, or why it cannot take `value`."""
    option = find_option(options, _V5_0_NAMES.get(name, name) if version == "v5.0" else name)
    if option is None and name == "lr0":
        return Missing("YOLOv5 reads lr0 from the --hyp file: edit a copy of it")
    if option is None:
        return Missing(f"train.py of YOLOv5 {version} has no flag for {name}")
    if value is None or value is False:
        return option
    if option.nargs == "0" and value not in (True, 1, "ram"):
        return Missing(f"{option.flags[0]} of YOLOv5 {version} takes no value")
    if option.choices and value not in option.choices:
        return Missing(f"{option.flags[0]} of YOLOv5 {version} takes only {', '.join(option.choices)}")
    return option


def _names(changes: Mapping[str, Value]) -> str:
    return " and ".join(changes)


def _yolov5(training: Training, changes: Mapping[str, Value]) -> Maybe[Arguments]:
    if started_yolov5(training) is None:
        return _torch(training.command, changes)
    if is_resumed(training):
        return Missing(f"--resume ignores other flags: {_names(changes)} would stay as in opt.yaml")
    # With their types: 0 and False are equal, and no worker is another thing than no such flag.
    typed = tuple((name, type(value), value) for name, value in changes.items())
    return _yolov5_by(training.command, known(training.framework_version), typed)


@lru_cache(maxsize=64)
def _yolov5_by(
    command: Arguments, known_version: str | None, changes: tuple[tuple[str, type, Value], ...]
) -> Maybe[Arguments]:
    """Return the argv with the changes. Asked for every second anew, and always the same."""
    started = started_yolov5_by(command, known_version)
    if started is None:
        return Missing("its command line cannot be read")
    read, version = started.command, started.version
    for name, _, value in changes:
        option = option_for(started.options, name, value, version)
        if isinstance(option, Missing):
            return option
        parsed = read.parse(command, version)
        arguments = _change_option(command[read.arguments_at :], parsed, option, value)
        command = (*command[: read.arguments_at], *arguments)
    return command


def _change_option(arguments: Arguments, parsed: Parsed, option: Option, value: Value) -> Arguments:
    if value is None or value is False:
        return _without(arguments, [given for given in parsed.given if given.option == option])
    last = parsed.last(option.dest)
    if last is None:
        return (*arguments, *_spelled(option.flags[0], value, option, inline=False))
    words = _spelled(last.flag, value, option, inline=last.inline)
    return (*arguments[: last.start], *words, *arguments[last.stop :])


def _spelled(flag: str, value: Value, option: Option, *, inline: bool) -> Arguments:
    if option.nargs == "0":
        return (flag,)
    text = str(value)
    looks_like_flag = text.startswith("-") and not text[1:].replace(".", "", 1).isdigit()
    return (f"{flag}={text}",) if inline or looks_like_flag else (flag, text)


def _without(arguments: Arguments, givens: Sequence[Given]) -> Arguments:
    dropped = {index for given in givens for index in range(given.start, given.stop)}
    return tuple(argument for index, argument in enumerate(arguments) if index not in dropped)


def _ultralytics(training: Training, changes: Mapping[str, Value]) -> Maybe[Arguments]:
    command = training.command
    read = read_yolo_command(command, python=True)
    if read is None:
        return _torch(command, changes)
    kept = ultralytics.kept_on_resume(known(training.framework_version))
    arguments = list(command[read.arguments_at :])
    for name, value in changes.items():
        key = ultralytics.KEYS.get(name)
        if key is None:
            return Missing(f"ultralytics has no setting for {name}")
        if is_resumed(training) and key not in kept:
            return Missing(ultralytics.ignored_on_resume(key, known(training.framework_version)))
        pairs = [pair for pair in ultralytics.read_arguments(arguments).pairs if pair.key == key]
        if value is None:
            for pair in reversed(pairs):
                del arguments[pair.start : pair.stop]
        elif pairs:
            arguments[pairs[-1].start : pairs[-1].stop] = [f"{key}={value}"]
        else:
            arguments.append(f"{key}={value}")
    return (*command[: read.arguments_at], *arguments)


def _torch(command: Arguments, changes: Mapping[str, Value]) -> Maybe[Arguments]:
    launch = read_launch(command, python=True)
    start = launch.arguments_at if launch is not None else 1
    arguments = list(command[start:])
    for name, value in changes.items():
        found = torch.find_flag(arguments, name)
        if found is None:
            return Missing(f"its command line has no flag for {name}: change it in its code")
        if value is None:
            return Missing(f"whether {found.spelled} may be left out is not known")
        arguments[found.at] = f"{found.prefix}{value}"
    return (*command[:start], *arguments)
