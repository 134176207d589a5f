"""Strings of the other interpreter (PEP 393)."""

from __future__ import annotations

from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.type_object import read_head

# Longer strings are cut: PATH_MAX on Linux.
LONGEST_TEXT = 4096
# Names of functions, variables and attributes.
LONGEST_NAME = 256
_POSSIBLE_LENGTH = 1 << 40
_ENCODINGS = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}


def decode_text(
    reader: Reader, address: int, head: bytes, longest: int = LONGEST_TEXT
) -> tuple[str, int, int]:
    """Return the string that begins with the bytes `head`, cut to `longest` characters.

    Then its length, and where what was read of the object ends. Raises TornRead if it is none.
    """
    layout = reader.layout.text
    if len(head) < layout.compact_data and len(head) < layout.ascii_data:
        raise TornRead
    length = int.from_bytes(head[layout.length : layout.length + 8], "little")
    state = int.from_bytes(head[layout.state : layout.state + 4], "little") >> layout.kind_bit
    width, compact, is_ascii = state & 7, state >> 3 & 1, state >> 4 & 1
    encoding = _ENCODINGS.get(width)
    if encoding is None or length > _POSSIBLE_LENGTH or (is_ascii and width != 1):
        raise TornRead
    size = min(length, longest) * width
    end = layout.data_pointer + 8
    if compact:
        start = layout.ascii_data if is_ascii else layout.compact_data
        end = start + size
        data = head[start:end]
        if len(data) < size:
            data = reader.memory.read(address + start, size)
    elif size:
        data = reader.memory.read(reader.word(address + layout.data_pointer), size)
    else:
        data = b""
    if is_ascii and not data.isascii():
        raise TornRead
    try:
        # surrogatepass: Python keeps undecodable bytes of file names as lone surrogates.
        return data.decode(encoding, "strict" if width == 1 else "surrogatepass"), length, end
    except UnicodeDecodeError:
        raise TornRead from None


def read_text(reader: Reader, address: int, longest: int = LONGEST_TEXT) -> str:
    """Return the string at `address`, cut to `longest` characters. Raises TornRead if there is none."""
    head, kind = read_head(reader, address)
    if kind.kind != "str":
        raise TornRead
    return decode_text(reader, address, head, longest)[0]


def read_bytes(reader: Reader, address: int, longest: int) -> bytes:
    """Return the bytes object at `address`. Raises TornRead if there is none, or it is longer."""
    layout = reader.layout.object
    if read_head(reader, address)[1].kind != "bytes":
        raise TornRead
    size = reader.word(address + layout.size)
    if size > longest:
        raise TornRead
    return reader.memory.read(address + layout.bytes_data, size) if size else b""
