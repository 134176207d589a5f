"""An object of the other interpreter."""

from __future__ import annotations

import builtins
import struct
from collections.abc import Callable, Sequence
from typing import TypeVar

from gpumon.remote_python.attributes import attribute_places
from gpumon.remote_python.gather import gather
from gpumon.remote_python.integer import decode_int
from gpumon.remote_python.mapping import dict_entries, dict_length, value_place
from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.place import Holder, Place, confirm_place, confirm_places
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.semaphore import SEMAPHORE_TYPE, semaphore_taken
from gpumon.remote_python.sequence import (
    MOST_ITEMS,
    deque_items,
    length_in,
    list_items,
    sequence_length,
    tuple_items,
)
from gpumon.remote_python.text import decode_text
from gpumon.remote_python.type_object import HEAD_BYTES, RemoteType, type_address, type_of

_Value = bool | int | float | str | None
T = TypeVar("T")
_FLOAT = struct.Struct("<d")


class Object:
    """An object of the other interpreter as it was when it was read.

    Numbers and strings are of that moment. What tuples, lists, dicts, deques and instances hold is read
    when it is asked for: of the former as long as they are where they were found, of instances as long as
    one of the same type is at the address. Every property is None if the object is not of that type (or
    a subclass of it), has no such thing, or cannot be read any more: nothing raises.
    """

    __slots__ = (
        "_holder",
        "_kind",
        "_length",
        "_place",
        "_reader",
        "_seen",
        "_value",
        "address",
        "type_name",
    )

    def __init__(
        self,
        reader: Reader,
        address: int,
        kind: RemoteType,
        *,
        seen: bytes,
        value: _Value,
        length: int | None,
        place: Place,
        holder: Holder | None,
    ) -> None:
        self._reader = reader
        self._kind = kind
        self._seen = seen
        self._value = value
        self._length = length
        self._place = place
        self._holder = holder
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
        """Its value if it is a float, of a class derived from float, or a numpy.float64."""
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

        def read() -> tuple[Object, ...]:
            places = self._places()
            found = tuple([read_object(self._reader, place[0][1], place, self) for place in places])
            if self._places() != places:
                raise TornRead
            for one in found:
                one.confirm_value()
            return found

        return self._live(read) if self._kind.kind in ("list", "tuple", "deque") else None

    def item(self, index: builtins.int) -> Object | None:
        """Return one item of a list, tuple or deque, of the first 1,000. Costs less than `items`."""

        def read() -> Object | None:
            places = self._places()
            return (
                read_place(self._reader, places[index], self) if -len(places) <= index < len(places) else None
            )

        return self._live(read) if self._kind.kind in ("list", "tuple", "deque") else None

    @property
    def entries(self) -> tuple[tuple[Object, Object], ...] | None:
        """Keys and values if it is a dict, in no certain order: the first 1,000 at most."""

        def read() -> tuple[tuple[Object, Object], ...]:
            pairs = dict_entries(self._reader, self.address, MOST_ITEMS)
            found = [
                (
                    read_object(self._reader, key[0][1], key, self),
                    read_object(self._reader, value[0][1], value, self),
                )
                for key, value in pairs
            ]
            if dict_entries(self._reader, self.address, MOST_ITEMS) != pairs:
                raise TornRead
            for key, value in found:
                key.confirm_value()
                value.confirm_value()
            return tuple(found)

        return self._live(read) if self._kind.kind == "dict" else None

    def get(self, key: builtins.str) -> Object | None:
        """Return the value of a string key if it is a dict that has it."""

        def read() -> Object | None:
            place = value_place(self._reader, self.address, key)
            return None if place is None else read_place(self._reader, place, self)

        return self._live(read) if self._kind.kind == "dict" else None

    def attr(self, name: builtins.str) -> Object | None:
        """Return an attribute of the instance itself; those of its class and __slots__ are not looked for."""
        return (self.attrs((name,)) or {}).get(name)

    def attrs(self, names: Sequence[builtins.str]) -> dict[builtins.str, Object] | None:
        """Return those of these attributes that it has, all as they were at one moment.

        Costs less than one by one. None where that moment was not found, as they changed too often. Names are
        taken by the addresses of their strings for ten seconds at most: see names.py.
        """

        def read() -> dict[builtins.str, Object]:
            places = attribute_places(self._reader, self.address, self._kind, names)
            return dict(zip(places, read_together(self._reader, [*places.values()], self), strict=True))

        return self._live(read)

    def confirm(self) -> None:
        """Raise TornRead if the object has died or, unless it is an instance, is not where it was found."""
        head = self._reader.memory.read(self.address, self._reader.layout.object.type + 8)
        if type_address(self._reader, head) != self._kind.address:
            raise TornRead
        # The memory of a dead list is soon another list, but seldom that of an instance another one's. An
        # instance may be followed for long from where it was seen once, as the frames of its methods.
        if self._kind.kind != "other":
            confirm_place(self._reader, self._place)
            if self._holder is not None:
                self._holder.confirm()

    @property
    def is_unchanged(self) -> builtins.bool:
        """Whether the same number or string is still at its place: cheaper than finding it.

        Whether its place still belongs to what held it is not asked: that tells who finds it anew.
        """
        try:
            confirm_place(self._reader, self._place[:1])
            self.confirm_value()
        except TornRead:
            return False
        return True

    def confirm_value(self) -> None:
        """Raise TornRead unless the same object is at its address as when it was read.

        Asked after its place was confirmed: then a value that was freed, used for another one and put
        back to the same place in the meantime is noticed as well.
        """
        if self._reader.memory.read(self.address + 8, len(self._seen)) != self._seen:
            raise TornRead

    @property
    def taken(self) -> builtins.int | None:
        """How often it is taken if it is the C part of a semaphore of multiprocessing (`_semlock`)."""
        if self.type_name != SEMAPHORE_TYPE:
            return None
        return self._live(lambda: semaphore_taken(self._reader, self.address))

    @property
    def enumerated(self) -> Object | None:
        """The iterator that it counts if it is an `enumerate`."""

        def read() -> Object | None:
            # PyEnumObject of Objects/enumobject.c, the same from 3.8 to 3.14: a count, then the iterator.
            slot = self.address + self._reader.layout.object.type + 16
            word = self._reader.word(slot)
            return read_place(self._reader, ((slot, word),), self) if word else None

        return self._live(read) if self.type_name == "enumerate" else None

    def _places(self) -> tuple[Place, ...]:
        if self._kind.kind == "list":
            return list_items(self._reader, self.address)
        if self._kind.kind == "deque":
            return deque_items(self._reader, self.address)
        return tuple_items(self._reader, self.address, self._length or 0)

    def _live(self, read: Callable[[], T]) -> T | None:
        """Read from the object, provided that it is there afterwards."""

        def confirmed() -> T:
            found = read()
            self.confirm()
            return found

        return self._reader.attempt(confirmed)


def read_object(reader: Reader, address: int, place: Place, holder: Holder | None) -> Object:
    """Return the object at `address`, which was found at `place`. Raises TornRead if there is none."""
    return _as_object(reader, address, reader.memory.read_up_to(address, HEAD_BYTES), place, holder)


def _as_object(reader: Reader, address: int, head: bytes, place: Place, holder: Holder | None) -> Object:
    """Return the object that begins with the bytes `head`. Raises TornRead if there is none."""
    kind = type_of(reader, address, head)
    value: _Value = None
    length: int | None = None
    # What is compared when the object is read again: its type, and for what cannot change its value.
    end = reader.layout.object.type + 8
    if kind.kind in ("int", "bool"):
        value, end = decode_int(reader, address, head)
        if kind.kind == "bool":
            value = bool(value)
    elif kind.kind == "str":
        value, length, end = decode_text(reader, address, head)
    elif kind.kind == "float":
        end = reader.layout.object.float_value + 8
        if len(head) < end:
            raise TornRead
        value = float(_FLOAT.unpack_from(head, end - 8)[0])
    elif kind.kind in ("tuple", "bytes"):
        length = length_in(reader, head)
    return Object(
        reader, address, kind, seen=head[8:end], value=value, length=length, place=place, holder=holder
    )


def read_place(reader: Reader, place: Place, holder: Holder | None, mask: int = 0) -> Object:
    """Return the object that the pointer at a place leads to. Raises TornRead if it is not there any more.

    `mask` are the bits of the pointer that do not belong to the address.
    """
    return read_together(reader, (place,), holder, mask)[0]


def read_together(
    reader: Reader, places: Sequence[Place], holder: Holder | None, mask: int = 0
) -> list[Object]:
    """Return the objects that the pointers at some places lead to, all as they were at one moment.

    Everything that was read is read again, in the same order: first the places, then the objects. What was
    the same both times was so all the time between. Raises TornRead where something was not.
    """
    addresses = [place[0][1] & ~mask for place in places]
    heads = gather(reader.memory, [(address, HEAD_BYTES) for address in addresses])
    found = [
        _as_object(reader, address, head, place, holder)
        for address, head, place in zip(addresses, heads, places, strict=True)
    ]
    confirm_together(reader, found)
    return found


def confirm_together(reader: Reader, objects: Sequence[Object]) -> None:
    """Raise TornRead unless all these objects are where they were found and what they were."""
    confirm_places(reader, [one._place for one in objects])  # noqa: SLF001 - of this module
    confirm_values(reader, objects)


def confirm_values(reader: Reader, objects: Sequence[Object]) -> None:
    """Raise TornRead unless each object is still at its address: see Object.confirm_value."""
    found = gather(reader.memory, [(one.address + 8, len(one._seen)) for one in objects])  # noqa: SLF001
    for data, one in zip(found, objects, strict=True):
        if data != one._seen:  # noqa: SLF001 - of this module
            raise TornRead
