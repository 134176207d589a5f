"""A real memory in which a test changes words, at once or at a certain read."""

from __future__ import annotations

from collections.abc import Mapping

from gpumon.remote_python.memory import Memory


class ChangedMemory:
    """A real memory in which some words are others. `reads` counts what was asked."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.words: dict[int, bytes] = {}
        self.reads = 0
        self._later: Mapping[int, bytes] = {}
        self._change_at = -1

    def change_at(self, read: int, words: Mapping[int, bytes]) -> None:
        """Change these words before the read of that number, counted from now on from 0."""
        self._later, self._change_at = words, self.reads + read

    def read(self, address: int, size: int) -> bytes:
        """Return the bytes with what was changed in them."""
        return self._changed(address, self._memory.read(address, size))

    def read_up_to(self, address: int, size: int) -> bytes:
        """Return the bytes with what was changed in them."""
        return self._changed(address, self._memory.read_up_to(address, size))

    def _changed(self, address: int, data: bytes) -> bytes:
        if self.reads == self._change_at:
            self.words.update(self._later)
        self.reads += 1
        seen = bytearray(data)
        for place, word in self.words.items():
            for at in range(max(place, address), min(place + 8, address + len(seen))):
                seen[at - address] = word[at - place]
        return bytes(seen)
