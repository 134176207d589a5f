"""An object of the other interpreter."""

from __future__ import annotations

import builtins
import struct
from collections.abc import Callable
from typing import TypeVar

from gpumon.remote_python.attributes import attribute_slot
from gpumon.remote_python.integer import decode_int
from gpumon.remote_python.mapping import Slot, dict_entries, dict_length, value_slot
from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.sequence import MOST_ITEMS, deque_items, list_items, sequence_length, tuple_items
from gpumon.remote_python.text import HEAD_BYTES, decode_text
from gpumon.remote_python.type_object import RemoteType, read_type

_Value = bool | int | float | str | None
T = TypeVar("T")
_FLOAT = struct.Struct("<d")


class Object:
    """An object of the other interpreter as it was when it was read.

    Numbers, strings and the items of tuples are of that moment. What lists, dicts, deques and instances
    hold is read when it is asked for. Every property is None if the object is not of that type (or a
    subclass of it), has no such thing, or cannot be read any more: nothing raises.
    """

    __slots__ = ("_kind", "_length", "_reader", "_value", "address", "type_name")

    def __init__(
        self, reader: Reader, address: int, kind: RemoteType, value: _Value, length: int | None
    ) -> None:
        self._reader = reader
        self._kind = kind
        self._value = value
        self._length = length
        self.address = address
        self.type_name = kind.name

    def __repr__(self) -> str:
        shown = f" {self._value!r}" if self._value is not None else ""
        return f"<remote {self.type_name}{shown}>"

    @property
    def is_none(self) -> bool:
        """Whether it is None."""
        return self._kind.kind == "none"

    @property
    def bool(self) -> builtins.bool | None:
        """Its value if it is a bool."""
        return self._value if isinstance(self._value, bool) else None

    @property
    def int(self) -> builtins.int | None:
        """Its value if it is an int, of at most 1,920 bits. True is 1, as in Python."""
        return int(self._value) if isinstance(self._value, int) else None

    @property
    def float(self) -> builtins.float | None:
        """Its value if it is a float; numpy.float64 is one."""
        return self._value if isinstance(self._value, float) else None

    @property
    def str(self) -> builtins.str | None:
        """Its text if it is a str, cut to 4,096 characters. It may hold any character."""
        return self._value if isinstance(self._value, str) else None

    @property
    def len(self) -> builtins.int | None:
        """Its length if it is a str, bytes, tuple, list, dict or deque."""
        if self._length is not None:
            return self._length
        if self._kind.kind in ("list", "deque"):
            return self._live(lambda: sequence_length(self._reader, self.address))
        if self._kind.kind == "dict":
            return self._live(lambda: dict_length(self._reader, self.address))
        return None

    @property
    def items(self) -> tuple[Object, ...] | None:
        """What it holds if it is a list, tuple or deque: the first 1,000 at most."""
        if self._kind.kind not in ("list", "tuple", "deque"):
            return None
        return self._live(lambda: tuple(read_object(self._reader, place) for place in self._items_at()))

    def item(self, index: builtins.int) -> Object | None:
        """Return one item of a list, tuple or deque, of the first 1,000. Costs less than `items`."""
        if self._kind.kind not in ("list", "tuple", "deque"):
            return None

        def read() -> Object | None:
            places = self._items_at()
            return read_object(self._reader, places[index]) if -len(places) <= index < len(places) else None

        return self._live(read)

    @property
    def entries(self) -> tuple[tuple[Object, Object], ...] | None:
        """Keys and values if it is a dict, in no certain order: the first 1,000 at most."""
        if self._kind.kind != "dict":
            return None

        def read() -> tuple[tuple[Object, Object], ...]:
            pairs = dict_entries(self._reader, self.address, MOST_ITEMS)
            return tuple(
                (read_object(self._reader, key), read_object(self._reader, one)) for key, one in pairs
            )

        return self._live(read)

    def get(self, key: builtins.str) -> Object | None:
        """Return the value of a string key if it is a dict that has it."""
        if self._kind.kind != "dict":
            return None
        return self._live(lambda: read_slot(self._reader, value_slot(self._reader, self.address, key)))

    def attr(self, name: builtins.str) -> Object | None:
        """Return an attribute of the instance itself; those of its class and __slots__ are not looked for."""
        return self._live(
            lambda: read_slot(self._reader, attribute_slot(self._reader, self.address, self._kind, name))
        )

    def _items_at(self) -> tuple[builtins.int, ...]:
        if self._kind.kind == "list":
            return list_items(self._reader, self.address)
        if self._kind.kind == "deque":
            return deque_items(self._reader, self.address)
        return tuple_items(self._reader, self.address, self._length or 0)

    def _live(self, read: Callable[[], T]) -> T | None:
        """Read from the object, provided that it still is one of its type before and after."""
        type_at = self.address + self._reader.layout.object.type

        def checked() -> T:
            self._check(type_at)
            found = read()
            self._check(type_at)
            return found

        return self._reader.attempt(checked)

    def _check(self, type_at: builtins.int) -> None:
        if self._reader.word(type_at) != self._kind.address:
            raise TornRead


def read_object(reader: Reader, address: int) -> Object:
    """Return the object at `address`. Raises TornRead if there is none."""
    if address % 8:
        raise TornRead
    head = reader.memory.read_up_to(address, HEAD_BYTES)
    place = reader.layout.object.type
    kind = read_type(reader, int.from_bytes(head[place : place + 8], "little"))
    value: _Value = None
    length: int | None = None
    if kind.kind in ("int", "bool"):
        value = decode_int(reader, address, head)
        if kind.kind == "bool":
            value = bool(value)
    elif kind.kind == "str":
        value, length = decode_text(reader, address, head)
    elif kind.kind == "float":
        place = reader.layout.object.float_value
        if len(head) < place + 8:
            raise TornRead
        value = float(_FLOAT.unpack_from(head, place)[0])
    elif kind.kind in ("tuple", "bytes"):
        length = sequence_length(reader, address)
    return Object(reader, address, kind, value, length)


def read_slot(reader: Reader, slot: Slot | None) -> Object | None:
    """Return the object that a slot points to, None if it is empty. Raises TornRead if that changes."""
    if slot is None:
        return None
    address = reader.word(slot.address)
    found = read_object(reader, address) if address else None
    if reader.word(slot.address) != address:
        raise TornRead
    slot.confirm(reader)
    return found
