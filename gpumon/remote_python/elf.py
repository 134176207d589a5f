"""ELF files, as far as finding one variable takes: load segments, sections, symbols. 64 bits, little-endian.

The file comes from another user's process: every count and size in it is bounded, and nothing of it is
trusted but the address it gives, which is checked by what lies there. Written after the System V ABI
(gABI, chapters 4 and 5).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass

LONGEST_TABLE_BYTES = 32 << 20
MOST_SECTIONS = 4096
MOST_SEGMENTS = 256
MOST_NAME_MATCHES = 64
MOST_SYMBOL_MATCHES = 1 << 16

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_PT_LOAD, _SHT_SYMTAB, _SHT_NOBITS, _SHT_DYNSYM = 1, 2, 8, 11
_ET_EXEC, _ET_DYN = 2, 3
_PAGE = 4096

ReadAt = Callable[[int, int], bytes]


class NotElf(Exception):  # noqa: N818 - caught within the package
    """The file is no ELF file that this module understands."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section: `address` is 0 for what is not loaded."""

    name: bytes
    kind: int
    address: int
    offset: int
    size: int
    link: int


@dataclass(frozen=True, slots=True)
class Elf:
    """An ELF file: `segments` are (offset in the file, address) of what is loaded."""

    read: ReadAt
    fixed: bool
    segments: tuple[tuple[int, int], ...]
    sections: tuple[Section, ...]

    def section_address(self, name: bytes) -> int | None:
        """Return the address of a section, before it is moved to where it is loaded."""
        return next((part.address for part in self.sections if part.name == name and part.address), None)

    def symbol_address(self, name: bytes) -> int | None:
        """Return the address of a variable from .dynsym or, failing that, from .symtab."""
        for kind in (_SHT_DYNSYM, _SHT_SYMTAB):
            for table in self.sections:
                if table.kind == kind and table.link < len(self.sections):
                    address = self._symbol_in(table, self.sections[table.link], name)
                    if address is not None:
                        return address
        return None

    def _symbol_in(self, table: Section, names: Section, name: bytes) -> int | None:
        texts, symbols = _table(self.read, names), _table(self.read, table)
        wanted = name + b"\0"
        place = texts.find(wanted)
        for _ in range(MOST_NAME_MATCHES):
            if place < 0:
                return None
            address = _symbol_named(symbols, place)
            if address:
                return address
            place = texts.find(wanted, place + 1)
        return None

    def load_bias(self, pieces: tuple[tuple[int, int], ...]) -> int | None:
        """Return what to add to the file's addresses, given where pieces of it are mapped."""
        if self.fixed:
            return 0
        places = {offset: address for address, offset in reversed(pieces)}
        for offset, address in self.segments:
            start = places.get(offset - offset % _PAGE)
            if start is not None:
                return start - (address - address % _PAGE)
        return None


def _symbol_named(symbols: bytes, name_offset: int) -> int | None:
    """Return the value of the first defined symbol whose name stands at `name_offset`."""
    wanted = name_offset.to_bytes(4, "little")
    place = symbols.find(wanted)
    # The number is also found in other fields and across two; find() is several times faster than unpacking.
    for _ in range(MOST_SYMBOL_MATCHES):
        if place < 0:
            return None
        if place % _SYMBOL.size == 0 and place + _SYMBOL.size <= len(symbols):
            section, value = _SYMBOL.unpack_from(symbols, place)[3:5]
            if section and value:
                return int(value)
        place = symbols.find(wanted, place + 1)
    return None


def _table(read: ReadAt, section: Section) -> bytes:
    if section.kind == _SHT_NOBITS or section.size > LONGEST_TABLE_BYTES:
        return b""
    return read(section.offset, section.size)


def parse_elf(read: ReadAt) -> Elf:
    """Return the ELF file that `read(offset, size)` gives (fewer bytes at its end). Raises NotElf."""
    header = read(0, _HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(b"\x7fELF"):
        raise NotElf("not an ELF file")
    if header[4] != 2 or header[5] != 1:
        raise NotElf("not a 64-bit little-endian program")
    fields = _HEADER.unpack(header)
    kind, segments_at, sections_at = fields[1], fields[5], fields[6]
    segment_size, segment_count, section_size, section_count, names_index = fields[9:14]
    if kind not in (_ET_EXEC, _ET_DYN):
        raise NotElf("neither a program nor a library")
    segments = tuple(
        (row[2], row[3])
        for row in _rows(read, _SEGMENT, segments_at, segment_size, min(segment_count, MOST_SEGMENTS))
        if row[0] == _PT_LOAD
    )
    rows = _rows(read, _SECTION, sections_at, section_size, min(section_count, MOST_SECTIONS))
    unnamed = [(row[0], Section(b"", row[1], row[3], row[4], row[5], row[6])) for row in rows]
    names = _table(read, unnamed[names_index][1]) if names_index < len(unnamed) else b""
    sections = tuple(
        Section(_name_at(names, place), part.kind, part.address, part.offset, part.size, part.link)
        for place, part in unnamed
    )
    return Elf(read, kind == _ET_EXEC, segments, sections)


def _rows(read: ReadAt, row: struct.Struct, offset: int, size: int, count: int) -> list[tuple[int, ...]]:
    if size != row.size or not count:
        return []
    data = read(offset, size * count)
    return [row.unpack_from(data, place) for place in range(0, len(data) - row.size + 1, row.size)]


def _name_at(names: bytes, place: int) -> bytes:
    end = names.find(b"\0", place)
    return names[place : min(end, place + 64)] if 0 <= place < end else b""


def file_reader(descriptor: int) -> ReadAt:
    """Return a function that reads (offset, size) of an open file, fewer bytes at its end, none on errors."""

    def read(offset: int, size: int) -> bytes:
        if not (0 <= offset < 1 << 62 and 0 <= size <= LONGEST_TABLE_BYTES):
            return b""
        try:
            return os.pread(descriptor, size, offset)
        except OSError:
            return b""

    return read
