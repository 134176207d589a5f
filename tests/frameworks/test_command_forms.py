"""Commands for every version, launcher and hostile name; and flags that do not exist are never in one."""

from __future__ import annotations

import shlex
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.knobs import yolov5
from gpumon.advice.knobs.command import Value, rewrite_command
from gpumon.advice.knobs.option import Option, parse
from gpumon.model.measure import Missing
from gpumon.model.text import is_clean
from gpumon.model.training import Settings
from tests.frameworks.test_command import training

# Flags that guides to YOLOv5 name and no version's train.py has; classify/train.py alone has --lr0.
NO_FLAGS = {
    "--amp", "--no-amp", "--lr0", "--lr", "--accumulate", "--nbs", "--auto-lr", "--scaler", "--half",
    "--grad-clip-norm", "--amp-impl", "--force", "--prefetch-factor", "--pin-memory", "--persistent-workers",
    "--compile", "--fp16",
}  # fmt: skip
NAMES = {field.name for field in fields(Settings)} | {
    flag.removeprefix("--").replace("-", "_") for flag in NO_FLAGS
}
VALUES: tuple[Value, ...] = (True, False, None, 0, 4, 0.02, "ram", "disk", "AdamW")
LINES = {
    "yolov5": ("python train.py --img 640 --batch 16", "python segment/train.py", "python -m yolov5.train",
               "/v/bin/python /v/bin/yolov5 train --batch_size 8", "python mine.py --workers 2"),
    "ultralytics": ("/v/bin/python /v/bin/yolo train workers=2", "python mine.py"),
    "torch": ("python main.py --num_workers=2 -b32", "python main.py"),
}  # fmt: skip
VERSIONS = {
    "yolov5": (*yolov5.VERSIONS, "pypi 7.0.14", "pypi 6.1.9"),
    "ultralytics": ("8.0.20", "8.3.100", "8.4.190"),
    "torch": ("2.13.0",),
}


@pytest.mark.parametrize(
    ("framework", "version"), [(name, version) for name, found in VERSIONS.items() for version in found]
)
def test_no_command_has_a_flag_that_does_not_exist(framework: str, version: str) -> None:
    """For every setting there is and every flag that guides name, with every kind of value."""
    built = 0
    for line in LINES[framework]:
        for name in NAMES:
            for value in VALUES:
                command = rewrite_command(training(line, framework, version), {name: value})
                if isinstance(command, Missing):
                    assert command.reason
                    continue
                built += 1
                flags = {word.partition("=")[0] for word in shlex.split(command)}
                assert not flags & NO_FLAGS, (line, name, value)
    assert built >= len(LINES[framework])


@pytest.mark.parametrize("version", VERSIONS["yolov5"])
def test_a_built_command_is_accepted_by_its_version(version: str) -> None:
    """What a version's own parser would refuse is not offered."""
    options = yolov5.options(version)
    for name in NAMES:
        for value in VALUES:
            command = rewrite_command(training("python train.py", version=version), {name: value})
            if isinstance(command, str):
                assert yolov5_accepts(options, shlex.split(command)[5:]), (name, value)


def yolov5_accepts(options: tuple[Option, ...], arguments: list[str]) -> bool:
    """Tell whether a parser with these options would take the arguments, whatever type a value is of."""
    parsed = parse(options, arguments)
    return not parsed.unknown and all("could be any of" not in problem for problem in parsed.problems)


@pytest.mark.parametrize(
    "prefix",
    [
        "/v/bin/python /v/bin/torchrun --standalone --nproc_per_node=gpu",
        "/v/bin/python /v/bin/torchrun --nnodes 1 --nproc-per-node 2 --rdzv-backend c10d",
        "python -m torch.distributed.run --nproc_per_node 2 --master_port 29555",
        "python -m torch.distributed.launch --use_env --nproc_per_node 2",
        "python /v/bin/accelerate launch --multi_gpu --num_processes 2 --mixed_precision no",
        "python -m accelerate.commands.launch --num_processes 2",
        "python /v/bin/deepspeed --num_gpus 2",
        "python -u -W ignore",
        "python -X faulthandler -m cProfile -o out.prof",
    ],
)
def test_the_launcher_is_repeated_word_for_word(prefix: str) -> None:
    """What stands before train.py stays as it is."""
    command = rewrite_command(training(f"{prefix} train.py --workers 2"), {"workers": 6, "batch_size": 32})

    assert command == f"cd /data && {prefix} train.py --workers 6 --batch-size 32"


@pytest.mark.parametrize("prefix", ["python -m torch.distributed.run --nproc_per_node 2 -m yolov5.train"])
def test_a_launched_module_is_repeated(prefix: str) -> None:
    """As the package's own documentation starts several ranks."""
    command = rewrite_command(training(f"{prefix} --workers 2"), {"workers": 6})

    assert command == f"cd /data && {prefix} --workers 6"


HOSTILE = st.text(st.characters(codec="utf-8"), max_size=12).filter(is_clean)


@given(
    words=st.lists(HOSTILE.filter(lambda word: not word.startswith("-")), max_size=2),
    directory=HOSTILE,
    variables=st.lists(HOSTILE, min_size=2, max_size=2),
    changes=st.fixed_dictionaries(
        {},
        optional={"workers": st.integers(0, 64), "batch_size": st.integers(1, 256), "cache": st.just("ram")},
    ),
)
def test_a_shell_reads_back_every_word(
    words: list[str], directory: str, variables: list[str], changes: dict[str, Value]
) -> None:
    """Of arguments, directory and environment, however hostile to a shell."""
    started = replace(
        training(("python", "train.py", *(part for word in words for part in ("--name", word)))),
        command_directory=f"/{directory}",
        environment=tuple(zip(("CUDA_VISIBLE_DEVICES", "PYTHONPATH"), variables, strict=True)),
    )
    command = rewrite_command(started, changes)
    assert isinstance(command, str)
    read = shlex.split(command)
    names = [part for word in words for part in ("--name", word)]
    flags = {"workers": "--workers", "batch_size": "--batch-size", "cache": "--cache"}
    added = [word for name, value in changes.items() for word in (flags[name], str(value))]

    assert read[:3] == ["cd", f"/{directory}", "&&"]
    assert read[3:5] == [f"CUDA_VISIBLE_DEVICES={variables[0]}", f"PYTHONPATH={variables[1]}"]
    assert read[5:] == ["python", "train.py", *names, *added]


def test_several_changes_are_in_one_command() -> None:
    """Each in the spelling that stands there, the others behind."""
    line = "python train.py --batch=16 --cache --img 640"
    changes: dict[str, Value] = {"workers": 6, "batch_size": 32, "cache": "disk", "imgsz": 512}

    assert rewrite_command(training(line), changes) == (
        "cd /data && python train.py --batch=32 --cache disk --img 512 --workers 6"
    )
