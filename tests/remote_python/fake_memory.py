"""A memory that holds what a test puts into it."""

from __future__ import annotations

from collections.abc import Mapping

from gpumon.remote_python.memory import TornRead


class FakeMemory:
    """Pieces of bytes by address; everything else is not mapped. `reads` counts what was asked."""

    def __init__(self, pieces: Mapping[int, bytes]) -> None:
        self._pieces = sorted(pieces.items())
        self.reads = 0

    def read(self, address: int, size: int) -> bytes:
        """Return exactly `size` bytes."""
        data = self.read_up_to(address, size)
        if len(data) != size:
            raise TornRead
        return data

    def read_up_to(self, address: int, size: int) -> bytes:
        """Return the bytes up to the end of their piece."""
        self.reads += 1
        for start, data in self._pieces:
            if start <= address < start + len(data):
                return data[address - start : address - start + size]
        raise TornRead
