"""A few fields of a C struct, unpacked together."""

from __future__ import annotations

import struct
from collections.abc import Callable
from operator import itemgetter
from typing import Any


class Record:
    """Fields of a little-endian C struct: (offset, struct format letter) each, in the order of the result.

    `first` is the offset of the lowest one and `size` the bytes from there to the end of the highest.
    `unpack_by_offset` gives the fields in the order of their offsets, a little faster; `places` says where
    in it each one is.
    """

    __slots__ = ("_order", "first", "places", "size", "unpack_by_offset")

    def __init__(self, *fields: tuple[int, str]) -> None:
        by_offset = sorted(range(len(fields)), key=lambda index: fields[index][0])
        self.first = fields[by_offset[0]][0]
        layout, end = "<", self.first
        for index in by_offset:
            offset, letter = fields[index]
            layout += f"{offset - end}x{letter}"
            end = offset + struct.calcsize(letter)
        self.size = end - self.first
        self.unpack_by_offset: Callable[[bytes, int], tuple[Any, ...]] = struct.Struct(layout).unpack_from
        self.places = tuple(by_offset.index(index) for index in range(len(fields)))
        self._order = None if by_offset == sorted(by_offset) else itemgetter(*self.places)

    def unpack(self, data: bytes, at: int = 0) -> tuple[Any, ...]:
        """Return the fields of the struct whose byte `first` is `data[at]`."""
        values = self.unpack_by_offset(data, at)
        return values if self._order is None else self._order(values)
