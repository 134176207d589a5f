"""YOLOv5's command lines are read by argparse's own rules."""

from __future__ import annotations

import argparse
import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.advice.knobs import yolov5
from gpumon.advice.knobs.option import Option, parse

VERSIONS = (*yolov5.VERSIONS, "pypi 7.0.14", "pypi 6.0.7")
KINDS = {"str": str, "int": int, "float": float}
VALUES = ("8", "-1", "0.5", "ram", "", "SGD", "a b", "-x", "--we", "-1.5", "1e3", "--img=3", "-.5", "val=3")


def real_parser(options: tuple[Option, ...]) -> argparse.ArgumentParser:
    """Build the real argparse parser of a table of options."""
    parser = argparse.ArgumentParser()
    for option in options:
        default = list(option.default) if isinstance(option.default, tuple) else option.default
        if option.nargs == "0":
            parser.add_argument(*option.flags, dest=option.dest, default=default, action="store_true")
            continue
        extra: dict[str, object] = {}
        if option.nargs:
            extra["nargs"] = option.nargs
        if option.nargs == "?":
            extra["const"] = option.const
        if option.choices:
            extra["choices"] = list(option.choices)
        parser.add_argument(
            *option.flags,
            dest=option.dest,
            default=default,
            type=KINDS[option.kind],
            **extra,  # type: ignore[arg-type] # a table
        )
    return parser


@st.composite
def command_lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A version and arguments: flags of its table, whole or cut, with and without values."""
    version = draw(st.sampled_from(VERSIONS))
    options = yolov5.options(version)
    arguments: list[str] = []
    for _ in range(draw(st.integers(0, 5))):
        option: Option = draw(st.sampled_from(options))
        flag: str = draw(st.sampled_from(option.flags))
        flag = flag[: draw(st.integers(3, len(flag)))]
        values: list[str] = draw(st.lists(st.sampled_from(VALUES), max_size=2))
        inline: bool = draw(st.booleans())
        if values and inline:
            flag, values = f"{flag}={values[0]}", values[1:]
        arguments += [flag, *values]
    if draw(st.integers(0, 9)) == 0:
        arguments.append("--")
    return version, arguments


@given(command_lines())
@settings(max_examples=400, deadline=None)
def test_agrees_with_a_real_parser_built_from_the_same_table(line: tuple[str, list[str]]) -> None:
    """For any command line, valid or not, the verdict and every value are argparse's."""
    version, arguments = line
    options = yolov5.options(version)
    parsed = parse(options, arguments)
    if any(found.option.dest == "help" for found in parsed.given):
        return
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            expected = vars(real_parser(options).parse_args(arguments))
    except SystemExit:
        assert not parsed.is_valid
        return
    assert parsed.is_valid
    for option in options:
        last = parsed.last(option.dest)
        value = option.default if last is None else last.value
        assert expected[option.dest] == (list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize(
    ("arguments", "dest", "expected"),
    [
        (["--img", "320"], "imgsz", 320),
        (["--img-size=320"], "imgsz", 320),
        (["--batch", "32"], "batch_size", 32),
        (["--batch-size", "-1"], "batch_size", -1),
        (["--epoch", "3"], "epochs", 3),
        (["--workers", "2", "--work=4"], "workers", 4),
        (["--cache"], "cache", "ram"),
        (["--cache", "disk"], "cache", "disk"),
        (["--resume", "--img", "64"], "resume", True),
        (["--freeze", "0", "1", "2"], "freeze", (0, 1, 2)),
        (["--weights", ""], "weights", ""),
    ],
)
def test_reads_what_people_type(arguments: list[str], dest: str, expected: object) -> None:
    """Prefixes, `=`, the other spellings of --imgsz, bare options and repeated ones."""
    parsed = parse(yolov5.options("v7.0"), arguments)
    last = parsed.last(dest)
    assert parsed.is_valid
    assert last is not None
    assert expected == last.value


@pytest.mark.parametrize(
    ("version", "arguments"),
    [
        ("v7.0", ["--batch_size", "16"]),
        ("v7.0", ["--amp"]),
        ("v7.0", ["--lr0", "0.02"]),
        ("v7.0", ["--local-rank=0"]),
        ("v7.0", ["--im", "3"]),
        ("v5.0", ["--cache", "ram"]),
        ("v5.0", ["--imgsz", "640"]),
        ("v6.0", ["--cos-lr"]),
        ("v7.0", ["--adam"]),
    ],
)
def test_refuses_what_the_version_refuses(version: str, arguments: list[str]) -> None:
    """Underscores, blog-post flags, ambiguous prefixes, and flags of other versions."""
    assert not parse(yolov5.options(version), arguments).is_valid


@pytest.mark.parametrize(("version", "epochs"), [("v5.0", 300), ("v6.0", 300), ("v6.2", 300), ("v7.0", 100)])
def test_knows_the_default_number_of_epochs(version: str, epochs: int) -> None:
    """It was 300 before v7.0."""
    (default,) = (option.default for option in yolov5.options(version) if option.dest == "epochs")
    assert epochs == default


def test_loose_reading_takes_underscores() -> None:
    """The console script `yolov5` goes through python-fire, which takes `--batch_size`."""
    parsed = parse(yolov5.options("pypi 7.0.14"), ["--batch_size=4", "--neptune_token", "x"], loose=True)
    assert [("batch_size", 4), ("neptune_token", "x")] == [
        (found.option.dest, found.value) for found in parsed.given
    ]
