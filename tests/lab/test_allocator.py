"""The caching allocator keeps PyTorch's published rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.allocator import MIB, Block, CachingAllocator, OutOfMemoryError

_SIZES = st.lists(st.tuples(st.integers(1, 40 * MIB), st.booleans()), max_size=60)


def test_small_tensors_share_a_segment_of_2_mib() -> None:
    """The first one reserves 2 MiB, the next ones fit in."""
    allocator = CachingAllocator(100 * MIB)
    for _ in range(4):
        allocator.allocate(MIB // 2)
    assert (allocator.reserved_bytes, allocator.allocated_bytes) == (2 * MIB, 2 * MIB)


def test_middle_tensors_share_a_segment_of_20_mib() -> None:
    """Between 1 and 10 MiB a segment of 20 MiB is cut up."""
    allocator = CachingAllocator(100 * MIB)
    for _ in range(4):
        allocator.allocate(5 * MIB)
    assert allocator.reserved_bytes == 20 * MIB


def test_a_large_tensor_has_a_segment_in_steps_of_2_mib() -> None:
    """A tensor of 11 MiB reserves 12."""
    allocator = CachingAllocator(100 * MIB)
    allocator.allocate(11 * MIB)
    assert allocator.reserved_bytes == 12 * MIB


def test_what_is_freed_stays_reserved_and_is_used_again() -> None:
    """The second tensor of that size costs the device nothing."""
    allocator = CachingAllocator(100 * MIB)
    allocator.free(allocator.allocate(30 * MIB))
    assert (allocator.allocated_bytes, allocator.reserved_bytes) == (0, 30 * MIB)
    allocator.allocate(30 * MIB)
    assert allocator.reserved_bytes == 30 * MIB


def test_a_full_device_is_flushed_and_asked_again() -> None:
    """Cached segments that are too small are given back, and the request succeeds: one retry."""
    allocator = CachingAllocator(100 * MIB)
    blocks = [allocator.allocate(20 * MIB) for _ in range(4)]
    for block in blocks[1:]:
        allocator.free(block)
    allocator.allocate(70 * MIB)
    assert (allocator.retries, allocator.flushed_bytes) == (1, 60 * MIB)
    assert allocator.reserved_bytes == 90 * MIB


def test_fragments_are_no_use_to_a_large_tensor() -> None:
    """A segment with one small part in use cannot be given back: memory is free and yet there is none."""
    allocator = CachingAllocator(40 * MIB)
    kept: list[Block] = []
    for _ in range(2):
        kept.append(allocator.allocate(2 * MIB))
        filler = [allocator.allocate(9 * MIB) for _ in range(2)]
        for block in filler:
            allocator.free(block)
    assert allocator.allocated_bytes == 4 * MIB
    with pytest.raises(OutOfMemoryError, match="CUDA out of memory"):
        allocator.allocate(30 * MIB)


def test_a_block_cannot_be_freed_twice() -> None:
    """A mistake in the laboratory must not look like free memory."""
    allocator = CachingAllocator(100 * MIB)
    block = allocator.allocate(MIB)
    allocator.free(block)
    with pytest.raises(ValueError, match="free already"):
        allocator.free(block)


@given(_SIZES)
def test_books_add_up(orders: list[tuple[int, bool]]) -> None:
    """Whatever is asked for and freed: in use <= reserved <= capacity, and all is given back in the end."""
    allocator = CachingAllocator(400 * MIB)
    blocks: list[Block] = []
    for size, frees in orders:
        try:
            blocks.append(allocator.allocate(size))
        except OutOfMemoryError:
            frees = bool(blocks)  # noqa: PLW2901 - a full device must be emptied
        if frees and blocks:
            allocator.free(blocks.pop(0))
        assert allocator.allocated_bytes == sum(block.size_bytes for block in blocks)
        assert allocator.allocated_bytes <= allocator.reserved_bytes <= 400 * MIB
    for block in blocks:
        allocator.free(block)
    allocator.empty_cache()
    assert (allocator.allocated_bytes, allocator.reserved_bytes) == (0, 0)
