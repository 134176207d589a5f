"""Memory that makes no sense: the reader gives up in time and never raises."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpumon.remote_python import Interpreter
from gpumon.remote_python.layout import Layout
from gpumon.remote_python.layouts import LAYOUTS
from gpumon.remote_python.memory import Memory, TornRead
from gpumon.remote_python.object import read_object
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.thread import Thread, find_threads
from tests.remote_python.explore import explore_object, explore_threads
from tests.remote_python.interpreters import Installed

# All that one look at everything may cost: about a second.
MOST_READS = 400_000


class RandomMemory:
    """Every address is mapped. Words are small numbers, or addresses of other such words, or anything."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.reads = 0

    def read(self, address: int, size: int) -> bytes:
        """Return bytes that depend on seed and address alone."""
        self.reads += 1
        if not 0x1000 <= address < 1 << 47 or size > 1 << 20:
            raise TornRead
        first = address // 8
        data = b"".join(self._word(place) for place in range(first, (address + size + 7) // 8))
        return data[address % 8 : address % 8 + size]

    read_up_to = read

    def _word(self, place: int) -> bytes:
        generator = random.Random(self._seed << 48 | place)  # noqa: S311 - no secret
        kind = generator.randrange(5)
        if kind < 2:
            return generator.randrange(64).to_bytes(8, "little")
        if kind < 4:
            return (0x10000 + 8 * generator.randrange(256)).to_bytes(8, "little")
        return generator.randbytes(8)


class DamagedMemory:
    """A real memory of which now and then a read fails, comes short of sense, or has a byte changed."""

    def __init__(self, memory: Memory, seed: int, damage: float) -> None:
        self._memory = memory
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._damage = damage
        self.reads = 0

    def read(self, address: int, size: int) -> bytes:
        """Return the bytes, perhaps damaged."""
        return self._damaged(self._memory.read(address, size))

    def read_up_to(self, address: int, size: int) -> bytes:
        """Return the bytes, perhaps damaged, perhaps fewer."""
        data = self._damaged(self._memory.read_up_to(address, size))
        return data[: 1 + self._random.randrange(len(data))] if self._harmed() else data

    def _harmed(self) -> bool:
        return self._random.random() < self._damage

    def _damaged(self, data: bytes) -> bytes:
        self.reads += 1
        if not self._harmed():
            return data
        kind = self._random.randrange(4)
        if kind == 0:
            raise TornRead
        if kind == 1:
            return bytes(len(data))
        place = self._random.randrange(len(data))
        if kind == 2:
            return data[:place] + self._random.randbytes(len(data) - place)
        return data[:place] + bytes([data[place] ^ 1 << self._random.randrange(8)]) + data[place + 1 :]


def threads_of(reader: Reader, runtime: int, pid: int) -> tuple[Thread, ...]:
    """Return the threads of what may be no interpreter at all."""
    return reader.attempt(lambda: find_threads(reader, runtime, pid, {pid: pid})) or ()


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: "{}.{}".format(*layout.version))
@given(seed=st.integers(0, 2**32))
@settings(max_examples=6, deadline=None)
def test_random_memory_never_raises(layout: Layout, seed: int) -> None:
    """Bytes without any meaning are no threads, frames or objects, and are given up soon."""
    memory = RandomMemory(seed)
    reader = Reader(memory, layout)
    explore_threads(threads_of(reader, 0x10000, 1))
    for place in range(0x10000, 0x10200, 8):
        found = reader.attempt(lambda at=place: read_object(reader, at, (), None))  # type: ignore[misc]
        explore_object(found, 2)

    assert memory.reads < MOST_READS


@given(seed=st.integers(0, 2**32), damage=st.sampled_from([0.001, 0.01, 0.1, 0.5]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_memory_never_raises(
    known: tuple[Installed, Interpreter, Any], seed: int, damage: float
) -> None:
    """A real interpreter seen through damage gives wrong or no answers, but no exception and no long loop."""
    _installed, interpreter, _said = known
    memory = DamagedMemory(interpreter._memory, seed, damage)
    reader = Reader(memory, interpreter._reader.layout)
    threads = threads_of(reader, interpreter._runtime.address, interpreter.pid)
    explore_threads(threads)

    assert memory.reads < MOST_READS


def test_undamaged_memory_is_explored(known: tuple[Installed, Interpreter, Any]) -> None:
    """What the tests above look at is a lot when nothing is damaged."""
    assert explore_threads(known[1].threads()) > 300
