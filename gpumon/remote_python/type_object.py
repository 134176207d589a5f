"""Types of the other interpreter: what they are called and how their objects keep what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.reader import Reader, keep

Kind = Literal["none", "bool", "int", "float", "str", "bytes", "tuple", "list", "dict", "deque", "other"]

# What is read of an object at once: enough for most strings.
HEAD_BYTES = 256
LONGEST_TYPE_NAME_BYTES = 256
MOST_BASES = 16

# Py_TPFLAGS_* of object.h; the bits are the same from 3.8 to 3.14.
INLINE_VALUES = 1 << 2  # from 3.13
MANAGED_DICT = 1 << 4  # from 3.11
_HEAP_TYPE = 1 << 9
_TYPE_SUBCLASS = 1 << 31
_KINDS: tuple[tuple[int, Kind], ...] = (
    (1 << 24, "int"),
    (1 << 25, "list"),
    (1 << 26, "tuple"),
    (1 << 27, "bytes"),
    (1 << 28, "str"),
    (1 << 29, "dict"),
)
# Types that no flag tells, by the name that C gives them.
_NAMED: dict[str, Kind] = {
    "NoneType": "none",
    "float": "float",
    "collections.deque": "deque",
    # Its first base is numpy.floating, but PyDoubleScalarObject is laid out as PyFloatObject (numpy 2.4.6).
    "numpy.float64": "float",
}
# Bits that say what the objects look like. Others, such as "has a version tag", come and go.
_LASTING = INLINE_VALUES | MANAGED_DICT | _HEAP_TYPE | 0xFF << 24


@dataclass(frozen=True, slots=True)
class RemoteType:
    """A type. `kind` is the builtin that its objects are, or are subclasses of."""

    address: int
    name: str
    kind: Kind
    flags: int
    basic_size: int
    item_size: int
    dict_offset: int
    fields: tuple[int, ...]

    @property
    def is_static(self) -> bool:
        """Whether C code defines it: such a type is never freed."""
        return not self.flags & _HEAP_TYPE


def read_head(reader: Reader, address: int) -> tuple[bytes, RemoteType]:
    """Return the first bytes of the object at `address`, up to HEAD_BYTES, and its type.

    Raises TornRead if there is none, or it is dead.
    """
    head = reader.memory.read_up_to(address, HEAD_BYTES)
    return head, type_of(reader, address, head)


def type_of(reader: Reader, address: int, head: bytes) -> RemoteType:
    """Return the type of the object at `address` that begins with these bytes.

    Raises TornRead if there is none, or it is dead.
    """
    type_at = type_address(reader, head)
    if address % 8 or type_at is None:
        raise TornRead
    return read_type(reader, type_at)


def type_address(reader: Reader, head: bytes) -> int | None:
    """Return the type that an object's first bytes state, None if the object is dead.

    A dead object has a reference count of 0, or the address of the next free block in its place. From
    3.14 on the count has 32 bits, then come 16 that are 0, and 16 of flags.
    """
    place = reader.layout.object.type
    count = int.from_bytes(head[:8], "little")
    if len(head) < place + 8 or not count & 0xFFFFFFFF or count >> 32 & 0xFFFF:
        return None
    return int.from_bytes(head[place : place + 8], "little")


def read_type(reader: Reader, address: int, depth: int = 0) -> RemoteType:
    """Return the type at `address`. Raises TornRead if there is none."""
    known = reader.types.get(address)
    if known is not None and known.is_static:
        return known
    record = reader.records.type
    fields = record.unpack(reader.memory.read(address + record.first, record.size))
    metatype, name_at, basic_size, item_size, all_flags, base, dict_offset = fields
    flags = all_flags & _LASTING
    lasting = (metatype, name_at, basic_size, item_size, flags, base, dict_offset)
    if known is not None and known.fields == lasting:
        return known
    if not _is_metatype(reader, metatype):
        raise TornRead
    if not (0 <= basic_size < 1 << 20 and 0 <= item_size < 1 << 20 and -(1 << 20) < dict_offset < 1 << 20):
        raise TornRead
    name = _read_name(reader, name_at)
    found = RemoteType(
        address=address,
        name=name,
        kind=_kind(reader, name, flags, base, depth),
        flags=flags,
        basic_size=basic_size,
        item_size=item_size,
        dict_offset=dict_offset,
        fields=lasting,
    )
    return keep(reader.types, address, found)


def _is_metatype(reader: Reader, address: int) -> bool:
    known = reader.metatypes.get(address)
    if known is None:
        flags = reader.word(address + reader.layout.type.flags)
        known = keep(reader.metatypes, address, bool(flags & _TYPE_SUBCLASS))
    return known


def _kind(reader: Reader, name: str, flags: int, base: int, depth: int) -> Kind:
    for bit, kind in _KINDS:
        if flags & bit:
            return "bool" if name == "bool" else kind
    if name in _NAMED:
        return _NAMED[name]
    if base and depth < MOST_BASES:
        inherited = read_type(reader, base, depth + 1).kind
        return inherited if inherited in ("float", "deque") else "other"
    return "other"


def _read_name(reader: Reader, address: int) -> str:
    data = reader.memory.read_up_to(address, LONGEST_TYPE_NAME_BYTES)
    name, end, _ = data.partition(b"\0")
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        raise TornRead from None
    if not end or not text or not text.isprintable():
        raise TornRead
    return text
