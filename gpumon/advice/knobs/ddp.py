"""A training's command as it would be with a process for each of several GPUs (DDP)."""

from __future__ import annotations

from dataclasses import replace

from gpumon.advice.knobs import yolov5
from gpumon.advice.knobs.launch import Launch, read_launch
from gpumon.advice.knobs.train_command import started_yolov5
from gpumon.model.measure import Maybe, Missing
from gpumon.model.training import Training

_LAUNCHER = ("-m", "torch.distributed.run", "--nproc_per_node")
_COUNT = "--nproc-per-node"
_NODES = "--nnodes"
# What YOLOv5's train.py refuses under DDP, beside AutoBatch (its main asserts it).
_REFUSED = {"image_weights": "--image-weights", "evolve": "--evolve"}


def with_ranks(training: Training, ranks: int) -> Maybe[Training]:
    """Return `training` with the command that starts it as `ranks` processes of torch.distributed.run.

    Only the launcher changes: device, batch and workers are for who asks. Missing where its command line
    cannot be launched so, with the reason.
    """
    command = training.command
    launch = read_launch(command, python=True) if command else None
    if launch is None or launch.code or not (launch.script or launch.module):
        return Missing("its command line names no script that a launcher could start")
    if training.framework == "yolov5":
        refused = _refused(training)
        if refused is not None:
            return refused
    if launch.launcher:
        changed = _with_count(command, launch, ranks)
    elif training.framework == "yolov5":
        changed = _launched(command, launch, ranks)
    else:
        changed = Missing("its code has to be made ready for several processes (DistributedDataParallel)")
    if isinstance(changed, Missing):
        return changed
    return replace(training, command=changed, world_size=ranks)


def _refused(training: Training) -> Missing | None:
    """Return why YOLOv5 would not run so with several processes, or None."""
    started = started_yolov5(training)
    if started is None:
        return Missing("its command line is not that of YOLOv5's train.py")
    if yolov5.base_version(started.version) == "v5.0":
        return Missing("YOLOv5 v5.0 wants its rank as a flag, which torch.distributed.run does not pass")
    if started.command.console:
        return Missing("a launcher cannot start the script yolov5: start its train.py by it")
    for name, flag in _REFUSED.items():
        given = started.parsed.last(name)
        if given is not None and given.value:
            return Missing(f"YOLOv5 allows no {flag} with several processes")
    return None


def _launched(command: tuple[str, ...], launch: Launch, ranks: int) -> Maybe[tuple[str, ...]]:
    """Put the launcher between the interpreter with its options and the script or module."""
    start = launch.arguments_at
    named = command[start - 2] if launch.module and start >= 2 else ""
    if launch.module and (command[start - 1] != launch.module or not _ends_in_m(named)):
        return Missing("its command line joins -m and the module: a launcher cannot be put between them")
    at = start - 2 if launch.module else start - 1
    # Of a group as -um the other options stay with the interpreter.
    options = command[1:at] + ((named[:-1],) if len(named) > 2 else ())
    if not _are_options(options):
        return Missing("it runs inside another program, which would have to be started by the launcher")
    program = ("-m", launch.module) if launch.module else (command[at],)
    return (command[0], *options, *_LAUNCHER, str(ranks), *program, *command[start:])


def _ends_in_m(option: str) -> bool:
    return option.startswith("-") and not option.startswith("--") and option.endswith("m")


def _are_options(words: tuple[str, ...]) -> bool:
    """Tell whether all words are options of the interpreter, with the values of -W and -X."""
    return all(
        word.startswith("-") or (place > 0 and words[place - 1] in {"-W", "-X"})
        for place, word in enumerate(words)
    )


def _with_count(command: tuple[str, ...], launch: Launch, ranks: int) -> Maybe[tuple[str, ...]]:
    """Give the launcher that is there another number of processes."""
    counted: int | None = None
    for position in range(1, launch.arguments_at - 1):
        flag = command[position].partition("=")[0].replace("_", "-")
        if flag == _NODES:
            return Missing("it runs on several machines: its launcher has to be changed on all of them")
        if flag == _COUNT:
            counted = position
    if counted is None:
        return Missing(f"its launcher was not told {_COUNT}: give it {_COUNT} {ranks}")
    spelled, equals, _ = command[counted].partition("=")
    if equals:
        return (*command[:counted], f"{spelled}={ranks}", *command[counted + 1 :])
    return (*command[: counted + 1], str(ranks), *command[counted + 2 :])
