"""ELF files and lists of mappings: real ones, stripped ones, broken and hostile ones."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.remote_python import Interpreter
from gpumon.remote_python.elf import Elf, NotElf, file_reader, parse_elf
from gpumon.remote_python.maps import MappedFile, mapped_files, read_maps
from tests.remote_python.children import PROGRAMS, main_frames, started
from tests.remote_python.interpreters import Installed, installed

ALL = installed()


@contextmanager
def opened(path: Path) -> Iterator[Elf]:
    """Open and parse a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield parse_elf(file_reader(descriptor))
    finally:
        os.close(descriptor)


def interpreter_file(one: Installed) -> Path:
    """Return the file that the interpreter itself is in: its program or its libpython."""
    if not one.shared:
        return one.program
    pattern = "libpython{}.{}*.so.1.0".format(*one.version)
    return next((one.program.parent.parent / "lib").glob(pattern), one.program)


@pytest.mark.parametrize("one", ALL, ids=str)
def test_the_runtime_is_found_by_its_symbol(one: Installed) -> None:
    """The variable that leads to everything has an address, and an address that is loaded."""
    with opened(interpreter_file(one)) as elf:
        place = elf.symbol_address(b"_PyRuntime")

        assert place is not None
        assert elf.segments[0][1] < place


@pytest.mark.parametrize("one", [one for one in ALL if one.version >= (3, 10)], ids=str)
def test_the_section_lies_where_the_symbol_does(one: Installed) -> None:
    """From 3.10 on the variable has a section of its own, which is found in stripped files as well."""
    with opened(interpreter_file(one)) as elf:
        assert elf.symbol_address(b"_PyRuntime") == elf.section_address(b".PyRuntime")


@pytest.mark.parametrize("one", [one for one in ALL if one.shared and shutil.which("strip")], ids=str)
def test_a_stripped_library_is_enough(one: Installed, tmp_path: Path) -> None:
    """Without the symbols for debuggers the interpreter is found and read."""
    library = interpreter_file(one)
    stripped = tmp_path / library.name
    subprocess.run(["strip", "-o", stripped, library], check=True)
    command: list[str | Path] = ["env", f"LD_LIBRARY_PATH={tmp_path}", one.program, PROGRAMS / "known.py"]
    with started(command) as (child, said), Interpreter.attach(child.pid) as interpreter:
        assert os.fsencode(stripped) in {file.path for file in mapped_files(read_maps(child.pid))}
        assert said["stack"] == [[frame.name, frame.line] for frame in main_frames(interpreter)]


@pytest.mark.parametrize("one", ALL, ids=str)
def test_a_program_that_was_deleted_is_read(one: Installed, tmp_path: Path) -> None:
    """After an update the file that runs is no longer there: it is reached in another way."""
    program = tmp_path / one.program.name
    shutil.copy(one.program, program)
    home = one.program.parent.parent
    with started(["env", f"PYTHONHOME={home}", program, PROGRAMS / "known.py"]) as (child, said):
        program.unlink()
        with Interpreter.attach(child.pid) as interpreter:
            assert said["stack"] == [[frame.name, frame.line] for frame in main_frames(interpreter)]


def test_the_place_in_memory_follows_the_mappings() -> None:
    """A library is moved by the difference between its mapping and its first segment; a program is not."""
    library = Elf(lambda _offset, _size: b"", fixed=False, segments=((0, 0), (0x2000, 0x3000)), sections=())
    program = Elf(lambda _offset, _size: b"", fixed=True, segments=((0, 0x400000),), sections=())

    assert (0x7F0000000000, 0x7F0000000000, None, 0) == (
        library.load_bias(((0x7F0000000000, 0), (0x7F0000003000, 0x2000))),
        library.load_bias(((0x7F0000003000, 0x2000),)),
        library.load_bias(()),
        program.load_bias(()),
    )


def test_mappings_are_grouped_by_file() -> None:
    """Pieces of one file belong together; what is no file, or no mapping, is passed over."""
    text = (
        b"00400000-00401000 r--p 00000000 08:01 42                         /usr/bin/python3.11\n"
        b"00401000-00402000 r-xp 00001000 08:01 42                         /usr/bin/python3.11\n"
        b"7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
        b"7f0000001000-7f0000002000 r--p 00000000 08:01 43                 /tmp/with space.so (deleted)\n"
        b"7ffc00000000-7ffc00001000 rw-p 00000000 00:00 0                          [stack]\n"
        b"zz-yy r--p 00000000 08:01 44 /broken\n"
        b"\n"
    )

    assert [
        MappedFile(b"/usr/bin/python3.11", 42, ((0x400000, 0), (0x401000, 0x1000))),
        MappedFile(b"/tmp/with space.so", 43, ((0x7F0000001000, 0),), deleted=True),
    ] == mapped_files(text)


@given(st.binary(max_size=2000))
def test_any_text_may_be_a_list_of_mappings(text: bytes) -> None:
    """Whatever the kernel says, the answer is a list."""
    assert all(file.path.startswith(b"/") for file in mapped_files(text))


def parse_and_search(data: bytes) -> None:
    """Do all that is done with an ELF file."""
    with suppress(NotElf):
        elf = parse_elf(lambda offset, size: data[offset : offset + size])
        elf.symbol_address(b"_PyRuntime")
        elf.section_address(b".PyRuntime")
        elf.load_bias(((0x1000, 0),))


HEADER = struct.Struct("<16sHHIQQQIHHHHHH")


@given(
    numbers=st.lists(st.one_of(st.integers(0, 2000), st.integers(0, 2**64 - 1)), min_size=3, max_size=3),
    counts=st.lists(st.one_of(st.integers(0, 70), st.integers(0, 2**16 - 1)), min_size=6, max_size=6),
    rest=st.binary(max_size=4000),
)
@settings(max_examples=200)
def test_any_bytes_may_be_an_elf_file(numbers: list[int], counts: list[int], rest: bytes) -> None:
    """A file with hostile numbers is refused or searched in vain: nothing else is raised, little is read."""
    kind = b"\x7fELF\x02\x01" + bytes(10)
    header = HEADER.pack(kind, 3, 62, 1, *numbers, 0, 64, *counts[1:])
    parse_and_search(header + rest)
    parse_and_search(rest)


@given(damage=st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 255)), max_size=30))
@settings(max_examples=30, deadline=None)
def test_a_damaged_elf_file_is_searched_in_vain(damage: list[tuple[int, int]]) -> None:
    """A real file with some bytes changed raises nothing but that it is none."""
    data = bytearray(ALL[0].program.read_bytes()[:20000])
    for place, byte in damage:
        data[place] = byte
    parse_and_search(bytes(data))


def test_reading_outside_of_a_file_gives_nothing(tmp_path: Path) -> None:
    """Offsets that no file has, and sizes that are not meant to be read, give no bytes."""
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        read = file_reader(descriptor)

        assert [b"345", b"", b"", b"", b""] == [
            read(2, 100),
            read(9, 1),
            read(-1, 4),
            read(1 << 63, 4),
            read(0, 1 << 40),
        ]
    finally:
        os.close(descriptor)
