"""Line numbers: from an offset into the code of a function to the line of its source."""

from __future__ import annotations

from gpumon.remote_python.layout import LineFormat


def line_at(line_format: LineFormat, table: bytes, first_line: int, offset: int) -> int | None:
    """Return the line of the instruction at `offset` bytes, None if it has none.

    `first_line` is co_firstlineno; a negative offset (nothing was executed yet) gives it back.
    """
    if offset < 0:
        return first_line
    if line_format == "lnotab":
        return _lnotab(table, first_line, offset)
    if line_format == "pep626":
        return _pep626(table, first_line, offset)
    return _locations(table, first_line, offset)


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _lnotab(table: bytes, line: int, offset: int) -> int:
    """To 3.9: pairs of (bytes of code, lines), Objects/lnotab_notes.txt."""
    address = 0
    for step, lines in zip(table[::2], table[1::2], strict=False):
        address += step
        if address > offset:
            break
        line += _signed(lines)
    return line


def _pep626(table: bytes, line: int, offset: int) -> int | None:
    """3.10: pairs of (bytes of code, lines before it), -128 for code without a line."""
    end = 0
    for step, lines in zip(table[::2], table[1::2], strict=False):
        end += step
        delta = _signed(lines)
        if delta != -128:
            line += delta
        if offset < end:
            return line if delta != -128 else None
    return None


def _locations(table: bytes, line: int, offset: int) -> int | None:
    """From 3.11: entries of a first byte with bit 7 set and others without, Objects/locations.md."""
    end, place = 0, 0
    while place < len(table):
        first = table[place]
        if not first & 0x80:
            return None
        code, units = first >> 3 & 15, (first & 7) + 1
        if code in (13, 14):
            line += _signed_varint(table, place + 1)
        elif 10 <= code <= 12:
            line += code - 10
        end += 2 * units
        if offset < end:
            return line if code != 15 else None
        place += 1
        while place < len(table) and not table[place] & 0x80:
            place += 1
    return None


def _signed_varint(table: bytes, place: int) -> int:
    value, shift = 0, 0
    # Lines have 32 bits: at most six pieces of six bits.
    for byte in table[place : place + 6]:
        value |= (byte & 0x3F) << shift
        if not byte & 0x40:
            break
        shift += 6
    return -(value >> 1) if value & 1 else value >> 1
