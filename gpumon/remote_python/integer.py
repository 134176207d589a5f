"""Integers of the other interpreter: digits of 30 bits, the lowest first."""

from __future__ import annotations

import struct

from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.reader import Reader

# 1,920 bits. Longer numbers are no counters.
MOST_DIGITS = 64
_DIGIT_BITS = 30


def decode_int(reader: Reader, address: int, head: bytes) -> tuple[int | None, int]:
    """Return the number in the object that begins with the bytes `head`, and where the object ends.

    The number is None if it is very long. Raises TornRead if it is none.
    """
    layout = reader.layout.integer
    size = int.from_bytes(head[layout.size : layout.size + 8], "little", signed=True)
    if layout.tagged:
        # From 3.12: the number of digits above three bits, the lower two of them 0 for +, 1 for 0, 2 for -.
        sign, count = size & 3, size >> 3
        if sign == 3 or count < 0 or (sign == 1 and count > 1):
            raise TornRead
        negative, count = sign == 2, 0 if sign == 1 else count
    else:
        negative, count = size < 0, abs(size)
    if count > MOST_DIGITS:
        if count > 1 << 30:
            raise TornRead
        return None, layout.digits
    end = layout.digits + 4 * count
    data = head[layout.digits : end]
    if len(data) < 4 * count:
        data = reader.memory.read(address + layout.digits, 4 * count)
    number = 0
    for digit in reversed(struct.unpack(f"<{count}I", data)):
        if digit >> _DIGIT_BITS:
            raise TornRead
        number = number << _DIGIT_BITS | digit
    return -number if negative else number, end
