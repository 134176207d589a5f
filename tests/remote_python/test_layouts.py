"""The tables of offsets against the headers, and the line tables against what each Python says itself."""

from __future__ import annotations

import dataclasses
import json
import shutil
import struct
import subprocess

import pytest

from gpumon.remote_python import LayoutUnknown
from gpumon.remote_python.debug_offsets import layout_told_by
from gpumon.remote_python.layout import Layout
from gpumon.remote_python.layouts import LAYOUTS, layout_of
from gpumon.remote_python.line_table import line_at
from gpumon.remote_python.memory import TornRead
from tests.remote_python.children import PROGRAMS
from tests.remote_python.fake_memory import FakeMemory
from tests.remote_python.interpreters import NEWEST, OLDEST, Installed, installed
from tests.remote_python.offsets import FIELDS, measured_offsets

WITH_HEADERS = [
    one
    for one in installed()
    if shutil.which("gcc") and (one.include / "internal" / "pycore_code.h").exists()
]


def fields(layout: Layout) -> dict[str, object]:
    """Return a layout flat: "frame.code" and so on."""
    return {
        f"{group}.{name}": offset
        for group, part in dataclasses.asdict(layout).items()
        if isinstance(part, dict)
        for name, offset in part.items()
    }


def table(version: tuple[int, int]) -> Layout:
    """Return the table of a version, which must be there."""
    found = layout_of(version)
    assert found is not None
    return found


@pytest.mark.parametrize("one", WITH_HEADERS, ids=str)
def test_the_tables_are_what_the_compiler_says(one: Installed) -> None:
    """Every offset that a header declares is as in the table of the version."""
    measured = measured_offsets(one.version, one.include)
    # From 3.13 on these change between builds: the running interpreter tells them.
    told = {"runtime.interpreters_head", "interpreter.next", "interpreter.threads_head"}
    compared = {name: at for name, at in measured.items() if one.version < (3, 13) or name not in told}
    known = fields(table(one.version))

    assert compared == {name: known[name] for name in compared}


def test_every_version_has_one_table() -> None:
    """There is one table for each version from 3.8 to 3.14, and a program to measure it."""
    versions = [(3, minor) for minor in range(OLDEST[1], NEWEST[1] + 1)]

    assert (versions, versions) == ([layout.version for layout in LAYOUTS], sorted(FIELDS))


@pytest.mark.parametrize("one", installed(), ids=str)
def test_lines_are_what_python_says(one: Installed) -> None:
    """For every instruction of some modules of the library the line is the one that Python itself states."""
    program = [one.program, PROGRAMS / "line_tables.py"]
    said = json.loads(subprocess.run(program, capture_output=True, check=True).stdout)
    line_format = table(one.version).code.line_format
    wrong = [
        (function["name"], offset, line)
        for function in said
        for offset, line in function["lines"]
        if line_at(line_format, bytes.fromhex(function["table"]), function["first"], offset) != line
    ]

    assert ([], True) == (wrong, len(said) > 100)


@pytest.mark.parametrize("version", [(3, 13), (3, 14)])
def test_a_free_threaded_build_is_refused(version: tuple[int, int]) -> None:
    """The interpreter says that it is free-threaded: its objects look different."""
    memory = FakeMemory({0x10000: b"xdebugpy" + struct.pack("<2Q", 0x030D00F0, 1) + bytes(2048)})

    with pytest.raises(LayoutUnknown, match="free-threaded"):
        layout_told_by(memory, 0x10000, table(version))


def test_impossible_offsets_are_refused() -> None:
    """Offsets that no struct can have are not used."""
    memory = FakeMemory({0x10000: b"xdebugpy" + bytes(16) + b"\xff" * 2048})

    with pytest.raises(LayoutUnknown, match="impossible"):
        layout_told_by(memory, 0x10000, table((3, 13)))


def test_offsets_that_are_all_zero_are_refused() -> None:
    """An interpreter that has not filled in its offsets yet is not read by them."""
    memory = FakeMemory({0x10000: bytes(4096)})

    with pytest.raises(TornRead):
        layout_told_by(memory, 0x10000, table((3, 14)))
