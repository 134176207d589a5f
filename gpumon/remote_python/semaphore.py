"""Semaphores of multiprocessing in the other interpreter: how often they are taken."""

from __future__ import annotations

import struct

from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.reader import Reader

SEMAPHORE_TYPE = "_multiprocessing.SemLock"
# SemLockObject of Modules/_multiprocessing/semaphore.c, the same from 3.8 to 3.14: a pointer to the
# semaphore, the thread that took it last, how often this process holds it, its bound, whether it is a mutex.
_FIELDS = struct.Struct("<QQiii")
_SEMAPHORE_KIND = 1
# The value is the low half of the first word (struct new_sem of glibc, where the high half counts those who
# wait) or the first int (musl, whose sign says that somebody waits).
_VALUE_MASK = 0x7FFFFFFF


def semaphore_taken(reader: Reader, address: int) -> int:
    """Return the bound of the semaphore at `address` less its value. Raises TornRead.

    A multiprocessing.Queue takes one for each item that is put, and gives it back when the item is got.
    """
    head = address + reader.layout.object.type + 8
    data = reader.memory.read(head, _FIELDS.size)
    handle, _thread, _held, bound, kind = _FIELDS.unpack(data)
    if kind != _SEMAPHORE_KIND or bound <= 0:
        raise TornRead
    taken: int = bound - (reader.word(handle) & _VALUE_MASK)
    if taken < 0 or reader.memory.read(head, 8) != data[:8]:
        raise TornRead
    return taken
