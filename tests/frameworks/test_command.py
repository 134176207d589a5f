"""The command that restarts a training with other settings, built from its own argv."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.knobs import yolov5
from gpumon.advice.knobs.command import rewrite_command
from gpumon.advice.knobs.option import Option, parse
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.model.text import is_clean
from gpumon.model.training import Setting, Settings, Training


def training(line: str | tuple[str, ...], framework: str = "yolov5", version: str = "v7.0") -> Training:
    """A training with that command line, in /data."""
    return Training(
        id=ProcessId(1, 1),
        framework=framework,
        name="train.py",
        command=tuple(shlex.split(line)) if isinstance(line, str) else line,
        command_is_exact=True,
        command_directory="/data",
        user_id=0,
        settings=Settings(),
        members=(),
        framework_version=version,
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python train.py --img 640 --batch 16", "python train.py --img 640 --batch 32 --workers 6"),
        ("python train.py --batch=16 --work=2", "python train.py --batch=32 --work=6"),
        ("python train.py --batch-size -1", "python train.py --batch-size 32 --workers 6"),
        (
            "python train.py --workers 1 --workers 2",
            "python train.py --workers 1 --workers 6 --batch-size 32",
        ),
        ("python -m yolov5.train --cache", "python -m yolov5.train --cache --batch-size 32 --workers 6"),
        (
            "python -m torch.distributed.run --nproc_per_node 2 train.py --batch 8",
            "python -m torch.distributed.run --nproc_per_node 2 train.py --batch 32 --workers 6",
        ),
        (
            "/v/bin/python /v/bin/yolov5 train --batch_size 8 --weights ''",
            "/v/bin/python /v/bin/yolov5 train --batch_size 32 --weights '' --workers 6",
        ),
        ("python segment/train.py", "python segment/train.py --batch-size 32 --workers 6"),
    ],
)
def test_rewrites_yolov5_in_the_spelling_that_stands_there(line: str, expected: str) -> None:
    """What argv has is replaced in place, what it lacks is appended, the launcher is kept."""
    changes = {"batch_size": 32, "workers": 6}
    assert f"cd /data && {expected}" == rewrite_command(training(line), changes)


@pytest.mark.parametrize(
    ("line", "value", "expected"),
    [
        ("python train.py", "ram", "python train.py --cache ram"),
        ("python train.py --cache --img 3", "disk", "python train.py --cache disk --img 3"),
        ("python train.py --cache ram --img 3", None, "python train.py --img 3"),
        ("python train.py --cache --cache=disk", None, "python train.py"),
    ],
)
def test_sets_and_removes_an_option_with_an_optional_value(
    line: str, value: str | None, expected: str
) -> None:
    """--cache with and without a value; None takes every occurrence away."""
    assert f"cd /data && {expected}" == rewrite_command(training(line), {"cache": value})


def test_speaks_the_flags_of_v5_0() -> None:
    """There the image size is --img-size and the cache a switch called --cache-images."""
    command = rewrite_command(training("python train.py", version="v5.0"), {"imgsz": 320, "cache": "ram"})
    assert command == "cd /data && python train.py --img-size 320 --cache-images"


@pytest.mark.parametrize(
    ("version", "changes", "words"),
    [
        ("v5.0", {"cache": "disk"}, "takes no value"),
        ("v7.0", {"amp": True}, "no flag for amp"),
        ("v6.0", {"optimizer": "AdamW"}, "no flag for optimizer"),
        ("v7.0", {"optimizer": "Lion"}, "takes only"),
        ("v7.0", {"lr0": 0.02}, "--hyp"),
    ],
)
def test_never_offers_a_flag_that_the_version_lacks(
    version: str, changes: dict[str, str | int], words: str
) -> None:
    """The reason says what is wrong instead."""
    command = rewrite_command(training("python train.py", version=version), changes)
    assert isinstance(command, Missing)
    assert words in command.reason


def test_a_resumed_run_has_its_settings_in_opt_yaml() -> None:
    """--resume discards every other flag, so no command line can change a setting."""
    resumed = replace(
        training("python train.py --resume runs/train/exp/weights/last.pt"),
        settings=Settings(resume=Setting("runs/train/exp/weights/last.pt", "argv")),
        run_dir="/data/runs/train/exp",
    )
    command = rewrite_command(resumed, {"workers": 6})
    assert isinstance(command, Missing)
    assert "workers would stay as in opt.yaml" in command.reason


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("train model=a.pt workers=2", "train model=a.pt workers=6 batch=32"),
        ("train workers = 2 batch= 8", "train workers=6 batch=32"),
        ("train --workers=2", "train workers=6 batch=32"),
    ],
)
def test_rewrites_the_pairs_of_ultralytics(words: str, expected: str) -> None:
    """`key=value`, in all the spellings it takes."""
    command = rewrite_command(
        training(f"/v/bin/python /v/bin/yolo {words}", "ultralytics", "8.4.190"),
        {"workers": 6, "batch_size": 32},
    )
    assert f"cd /data && /v/bin/python /v/bin/yolo {expected}" == command


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("-j 2 -b32", "-j 6 -b64"),
        ("--num_workers=2 --batch-size 32", "--num_workers=6 --batch-size 64"),
        ("data.num_workers=2 ++data.batch_size=32", "data.num_workers=6 ++data.batch_size=64"),
        (
            "DATALOADER.NUM_WORKERS 2 SOLVER.IMS_PER_BATCH 32",
            "DATALOADER.NUM_WORKERS 6 SOLVER.IMS_PER_BATCH 64",
        ),
        (
            "--data.num_workers 2 --per_device_train_batch_size 32",
            "--data.num_workers 6 --per_device_train_batch_size 64",
        ),
    ],
)
def test_rewrites_the_flag_that_any_other_training_carries(arguments: str, expected: str) -> None:
    """In the spelling of its own framework."""
    command = rewrite_command(
        training(f"python main.py {arguments}", "torch"), {"workers": 6, "batch_size": 64}
    )
    assert f"cd /data && python main.py {expected}" == command


@pytest.mark.parametrize(
    ("line", "framework", "words"),
    [
        ("python main.py --epochs 3", "torch", "no flag for workers"),
        ("python main.py --workers many", "torch", "no flag for workers"),
        ("python mine.py", "ultralytics", "no flag for workers"),
        ("python -m ipykernel_launcher -f x.json", "yolov5", "notebook"),
        ("", "torch", "cannot be read"),
    ],
)
def test_says_why_there_is_no_command(line: str, framework: str, words: str) -> None:
    """Settings in code cannot be changed from outside."""
    command = rewrite_command(training(line, framework), {"workers": 6})
    assert isinstance(command, Missing)
    assert words in command.reason


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--lr 0.1", "--lr 0.025"),
        ("--learning_rate=5e-5", "--learning_rate=0.025"),
        ("optimizer.lr=.02", "optimizer.lr=0.025"),
        ("-lr 1", "-lr 0.025"),
        ("SOLVER.BASE_LR 0.01", "SOLVER.BASE_LR 0.025"),
    ],
)
def test_rewrites_the_learning_rate_that_any_other_training_carries(arguments: str, expected: str) -> None:
    """With its decimals, in its own spelling."""
    command = rewrite_command(training(f"python main.py {arguments}", "torch"), {"lr0": 0.025})
    assert f"cd /data && python main.py {expected}" == command


@pytest.mark.parametrize(
    "arguments", ["--lr cosine", "--lr-decay 0.1", "--workers 0.5", f"--workers {'9' * 5000}"]
)
def test_leaves_what_is_no_number_of_the_setting(arguments: str) -> None:
    """A schedule, another flag, workers with decimals, and more digits than any number of them has."""
    for name in ("lr0", "workers"):
        assert isinstance(
            rewrite_command(training(f"python main.py {arguments}", "torch"), {name: 1}), Missing
        )


def test_a_command_line_that_was_changed_by_cleaning_is_not_offered() -> None:
    """It would not be the command that was typed."""
    changed = replace(training("python train.py"), command_is_exact=False)
    hidden = replace(training("python train.py"), command_directory="/da\x1b[31mta")
    assert isinstance(rewrite_command(changed, {"workers": 6}), Missing)
    assert isinstance(rewrite_command(hidden, {"workers": 6}), Missing)


def test_repeats_the_environment_that_matters() -> None:
    """Variables that were set at the start stand before the interpreter, `cd` before them."""
    started = replace(
        training("python train.py --workers 2"),
        environment=(("CUDA_VISIBLE_DEVICES", "1"), ("PIN_MEMORY", "a b")),
    )
    assert rewrite_command(started, {"workers": 6}) == (
        "cd /data && CUDA_VISIBLE_DEVICES=1 PIN_MEMORY='a b' python train.py --workers 6"
    )
    assert rewrite_command(training("python train.py"), {}, here="/data") == "python train.py"


def values_of(option: Option) -> st.SearchStrategy[list[str]]:
    """Values that an option takes."""
    if option.nargs == "0":
        return st.just([])
    text = st.text(st.characters(codec="utf-8"), max_size=12)
    one: st.SearchStrategy[str] = text.filter(lambda text: not text.startswith("-") and is_clean(text))
    if option.kind != "str":
        one = st.integers(0, 99).map(str)
    if option.choices:
        one = st.sampled_from(option.choices)
    lowest = 0 if option.nargs == "?" else 1
    return st.lists(one, min_size=lowest, max_size=2 if option.nargs == "+" else 1)


@st.composite
def valid_lines(draw: st.DrawFn) -> tuple[str, tuple[str, ...]]:
    """A version and arguments that it accepts, some of them hostile to a shell."""
    version: str = draw(st.sampled_from(yolov5.VERSIONS))
    arguments: list[str] = []
    for option in draw(st.lists(st.sampled_from(yolov5.options(version)), max_size=6)):
        if option.dest == "resume":
            continue
        flag: str = draw(st.sampled_from(option.flags))
        values: list[str] = draw(values_of(option))
        inline: bool = draw(st.booleans())
        arguments += [f"{flag}={values[0]}"] if inline and len(values) == 1 else [flag, *values]
    return version, tuple(arguments)


@given(valid_lines(), st.integers(0, 64), st.integers(1, 256))
def test_a_rewritten_command_changes_what_was_asked_and_nothing_else(
    line: tuple[str, tuple[str, ...]], workers: int, batch_size: int
) -> None:
    """For any valid command line: a shell reads back the same words, argparse the same other settings."""
    version, arguments = line
    options = yolov5.options(version)
    before = parse(options, arguments)
    assert before.is_valid
    command = rewrite_command(
        training(("python", "train.py", *arguments), version=version),
        {"workers": workers, "batch_size": batch_size},
    )
    assert isinstance(command, str)
    words = shlex.split(command)
    assert ["cd", "/data", "&&", "python", "train.py"] == words[:5]
    after = parse(options, words[5:])
    assert after.is_valid
    changed = {"workers": workers, "batch_size": batch_size}
    for option in options:
        old, new = before.last(option.dest), after.last(option.dest)
        expected = changed.get(option.dest, None if old is None else old.value)
        assert expected == (None if new is None else new.value)
