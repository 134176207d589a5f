"""Pieces of memory that are read together."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.remote_python.gather import LARGEST_GAP_BYTES, gather
from gpumon.remote_python.memory import TornRead
from tests.remote_python.fake_memory import FakeMemory

START = 0x10000
BYTES = bytes(index % 251 for index in range(20000))
PIECES = st.lists(st.tuples(st.integers(START, START + 24000), st.integers(1, 300)), max_size=30)


def memory() -> FakeMemory:
    """Two mapped areas with a hole of 1,000 bytes between them, shorter than what is read across."""
    return FakeMemory({START: BYTES[:9000], START + 10000: BYTES[10000:]})


def test_pieces_close_together_are_one_read() -> None:
    """Numbers of one array cost what one number costs."""
    seen = memory()
    pieces = [(START + 32 * index, 28) for index in (7, 3, 20, 1)]
    found = gather(seen, pieces)
    assert [BYTES[address - START : address - START + 28] for address, _size in pieces] == found
    assert seen.reads == 1


def test_pieces_far_apart_are_read_alone() -> None:
    """What lies between is not copied if it is much."""
    seen = memory()
    gather(seen, [(START, 8), (START + 8 + LARGEST_GAP_BYTES + 1, 8)])
    assert seen.reads == 2


def test_no_pieces_are_no_read() -> None:
    """Nothing is asked for nothing."""
    seen = memory()
    assert [] == gather(seen, [])
    assert seen.reads == 0


def test_a_hole_between_pieces_hides_none() -> None:
    """What is not mapped between two pieces does not keep the second from being read."""
    found = gather(memory(), [(START + 8990, 100), (START + 10000, 8)])
    assert [BYTES[8990:9000], BYTES[10000:10008]] == found


def test_a_piece_that_is_not_mapped_is_torn() -> None:
    """Where nothing is there is nothing to return."""
    with pytest.raises(TornRead):
        gather(memory(), [(START, 8), (START + 9500, 8)])


@given(PIECES)
def test_pieces_are_what_each_would_be_alone(pieces: list[tuple[int, int]]) -> None:
    """Whatever is asked for, in whatever order, and with the same errors."""
    alone = []
    for address, size in pieces:
        with contextlib.suppress(TornRead):
            alone.append(memory().read_up_to(address, size))
    if len(alone) < len(pieces):
        with pytest.raises(TornRead):
            gather(memory(), pieces)
    else:
        assert alone == gather(memory(), pieces)
