"""A few fields of a C struct, unpacked together."""

from __future__ import annotations

import struct
from collections.abc import Callable
from operator import itemgetter
from typing import Any


class Record:
    """Fields of a little-endian C struct: (offset, struct format letter) each, in the order of the result.

    `first` is the offset of the lowest one and `size` the bytes from there to the end of the highest.
    """

    __slots__ = ("_order", "_unpack", "first", "size")

    def __init__(self, *fields: tuple[int, str]) -> None:
        by_offset = sorted(range(len(fields)), key=lambda index: fields[index][0])
        self.first = fields[by_offset[0]][0]
        layout, end = "<", self.first
        for index in by_offset:
            offset, letter = fields[index]
            layout += f"{offset - end}x{letter}"
            end = offset + struct.calcsize(letter)
        self.size = end - self.first
        self._unpack: Callable[[bytes, int], tuple[Any, ...]] = struct.Struct(layout).unpack_from
        places = [by_offset.index(index) for index in range(len(fields))]
        # With one field itemgetter would give no tuple.
        in_order = places == sorted(places) or len(places) == 1
        self._order = None if in_order else itemgetter(*places)

    def unpack(self, data: bytes, at: int = 0) -> tuple[Any, ...]:
        """Return the fields of the struct whose byte `first` is `data[at]`."""
        values = self._unpack(data, at)
        return values if self._order is None else self._order(values)
