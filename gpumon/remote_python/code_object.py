"""Code objects of the other interpreter: what a frame runs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gpumon.remote_python.line_table import line_at
from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.reader import MOST_LARGE_CACHED, Reader, keep
from gpumon.remote_python.text import LONGEST_NAME, read_bytes, read_text
from gpumon.remote_python.type_object import read_type

MOST_LOCALS = 1024
LONGEST_LINE_TABLE_BYTES = 1 << 18
# co_flags: the locals lie in the frame, not in a dict as those of modules and class bodies do.
_OPTIMIZED = 0x1
# co_localspluskinds (pycore_code.h).
_CELL, _FREE = 0x40, 0x80
# When a code object that is met again is compared with what it was: at each look until it has been the same
# for so long, and then only once in so long.
SECONDS_TO_SETTLE = 2.0
SECONDS_TRUSTED = 1.0


class Code:
    """A code object: `fields` are what it is recognised by when its address is seen again.

    Its table of lines and the places of its local variables are read when they are first needed.

    Comparing it costs a read of a page of its own, which is most of what a stack costs. So one that has
    settled (`settled_at`) is trusted until `trusted_until`. Functions of modules live as long as their
    module, and those inside others as long as these: only what `exec` and `eval` made is ever freed. A name
    is wrong if a settled one is freed and its address used for another code object, and for SECONDS_TRUSTED
    at most. Such an address never settles again: a program that makes functions in a loop is always compared.
    Variables are never read on trust: see `confirm`.
    """

    __slots__ = (
        "address",
        "fields",
        "file",
        "first_line",
        "name",
        "optimized",
        "settled_at",
        "trusted_until",
    )

    def __init__(
        self,
        address: int,
        fields: bytes,
        *,
        name: str,
        file: str,
        first_line: int,
        flags: int,
        settled_at: float,
    ) -> None:
        self.address = address
        self.fields = fields
        self.name = name
        self.file = file
        self.first_line = first_line
        self.optimized = bool(flags & _OPTIMIZED)
        self.settled_at = settled_at
        self.trusted_until = -math.inf

    def line(self, reader: Reader, instruction: int) -> int | None:
        """Return the line of an instruction as the frame states it. Raises TornRead."""
        layout = reader.layout.code
        if layout.instructions is None:
            offset = instruction * layout.instruction_unit
        else:
            offset = instruction - self.address - layout.instructions
        table = reader.line_tables.get(self)
        if table is None:
            table = read_bytes(reader, reader.word(self.address + layout.lines), LONGEST_LINE_TABLE_BYTES)
            self.confirm(reader)
            keep(reader.line_tables, self, table, MOST_LARGE_CACHED)
        return line_at(layout.line_format, table, self.first_line, offset)

    def locals_named(self, reader: Reader, names: Sequence[str]) -> dict[str, tuple[int, bool]]:
        """Return the places among the frame's of those of these variables that it has.

        With each whether it is in a cell. Raises TornRead.
        """
        places = self._places(reader)
        return {name: places[name] for name in names if name in places}

    def local_count(self, reader: Reader) -> int:
        """Return how many places the frame has for variables, cells included. Raises TornRead."""
        return max((index + 1 for index, _in_cell in self._places(reader).values()), default=0)

    def _places(self, reader: Reader) -> dict[str, tuple[int, bool]]:
        places = reader.local_places.get(self)
        if places is None:
            places = _read_locals(reader, self.address)
            self.confirm(reader)
            keep(reader.local_places, self, places, MOST_LARGE_CACHED)
        return places

    def confirm(self, reader: Reader) -> None:
        """Raise TornRead unless this code object is still at its address."""
        if _identity(reader, self.address) != self.fields:
            raise TornRead


def identity_span(reader: Reader) -> tuple[int, int]:
    """Return where in a code object the bytes are that tell it from another: offset and size.

    They are the pointers to its file name, name and table of lines, which stand together in every version:
    two lambdas of a file differ in the last one only.
    """
    layout = reader.layout.code
    offsets = (layout.filename, layout.name, layout.lines)
    return min(offsets), max(offsets) + 8 - min(offsets)


def _identity(reader: Reader, address: int) -> bytes:
    first, size = identity_span(reader)
    return reader.memory.read(address + first, size)


def read_code(reader: Reader, address: int) -> Code:
    """Return the code object at `address`. Raises TornRead if there is none."""
    if address % 8:
        raise TornRead
    record = reader.records.code
    fields = _identity(reader, address)
    kind, first_line, flags, name_at, file_at = record.unpack(
        reader.memory.read(address + record.first, record.size)
    )
    if kind != reader.code_type:
        # The first code object that is read shows where the type is; it is not a heap type.
        found = read_type(reader, kind)
        if reader.code_type is not None or found.name != "code" or not found.is_static:
            raise TornRead
        reader.code_type = kind
    known = reader.codes.get(address)
    if known is not None and known.fields != fields:
        keep(reader.reused, address, None)
    code = Code(
        address,
        fields,
        name=read_text(reader, name_at, LONGEST_NAME),
        file=read_text(reader, file_at),
        first_line=first_line,
        flags=flags,
        settled_at=math.inf if address in reader.reused else reader.seconds() + SECONDS_TO_SETTLE,
    )
    code.confirm(reader)
    return keep(reader.codes, address, code)


def _read_locals(reader: Reader, address: int) -> dict[str, tuple[int, bool]]:
    layout = reader.layout.code
    if layout.local_names is not None and layout.local_kinds is not None:
        names = _read_names(reader, reader.word(address + layout.local_names))
        kinds = read_bytes(reader, reader.word(address + layout.local_kinds), MOST_LOCALS)
        return {
            name: (index, bool(kind & (_CELL | _FREE)))
            for index, (name, kind) in enumerate(zip(names, kinds, strict=False))
        }
    if layout.varnames is None or layout.cellvars is None or layout.freevars is None:
        raise TornRead
    plain = _read_names(reader, reader.word(address + layout.varnames))
    cells = _read_names(reader, reader.word(address + layout.cellvars))
    free = _read_names(reader, reader.word(address + layout.freevars))
    places = {name: (index, False) for index, name in enumerate(plain)}
    # An argument that inner functions use is moved to its cell: the later entry is the one that counts.
    places.update((name, (len(plain) + index, True)) for index, name in enumerate([*cells, *free]))
    return places


def _read_names(reader: Reader, address: int) -> list[str]:
    layout = reader.layout.object
    if read_type(reader, reader.word(address + layout.type)).kind != "tuple":
        raise TornRead
    count = reader.word(address + layout.size)
    if count > MOST_LOCALS:
        raise TornRead
    return [
        read_text(reader, place, LONGEST_NAME) for place in reader.words(address + layout.tuple_items, count)
    ]
