"""A caching allocator of device memory as PyTorch's: blocks are cut from segments and kept when freed.

It follows PyTorch's published rules: sizes are rounded to 512 bytes; up to 1 MiB come from segments of
2 MiB, up to 10 MiB from segments of 20 MiB, larger ones get a segment of their own in steps of 2 MiB. What
does not fit is asked of the driver; where that refuses, free segments are given back and it is asked again.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

MIB = 1 << 20
ROUND_BYTES = 512
SMALL_BYTES = MIB
SMALL_SEGMENT_BYTES = 2 * MIB
MIDDLE_BYTES = 10 * MIB
MIDDLE_SEGMENT_BYTES = 20 * MIB
LARGE_ROUND_BYTES = 2 * MIB


class OutOfMemoryError(RuntimeError):
    """The device is full, and giving back every free segment did not help."""


@dataclass(slots=True, eq=False)
class Block:
    """A part of a segment. `before` and `after` are its neighbours there."""

    size_bytes: int
    segment: int
    small: bool
    free: bool = False
    before: Block | None = None
    after: Block | None = None

    @property
    def whole(self) -> bool:
        """Whether it is its whole segment."""
        return self.before is None and self.after is None


@dataclass
class CachingAllocator:
    """The books of one process on a device with `capacity_bytes` for it.

    `retries` counts the requests that the driver refused at first; `flushed_bytes` what was given back then.
    """

    capacity_bytes: int
    reserved_bytes: int = 0
    allocated_bytes: int = 0
    peak_reserved_bytes: int = 0
    retries: int = 0
    flushed_bytes: int = 0
    _segments: int = 0
    _free: dict[bool, list[tuple[int, int, Block]]] = field(
        default_factory=lambda: {True: [], False: []}, repr=False
    )

    def allocate(self, size_bytes: int) -> Block:
        """Return a block of at least that size; raises OutOfMemoryError."""
        size = max(ROUND_BYTES, -(-size_bytes // ROUND_BYTES) * ROUND_BYTES)
        small = size <= SMALL_BYTES
        block = self._cached(size, small) or self._segment(size, small)
        self._split(block, size)
        block.free = False
        self.allocated_bytes += block.size_bytes
        return block

    def free(self, block: Block) -> None:
        """Give a block back to the cache; the device keeps it."""
        if block.free:
            raise ValueError("the block is free already")
        self.allocated_bytes -= block.size_bytes
        for neighbour in (block.before, block.after):
            if neighbour is not None and neighbour.free:
                self._unlist(neighbour)
                self._merge(block, neighbour)
        block.free = True
        self._list(block)

    def empty_cache(self) -> int:
        """Give every segment without a used block back to the device; return how many bytes."""
        given = 0
        for free in self._free.values():
            whole = [entry for entry in free if entry[2].whole]
            free[:] = [entry for entry in free if not entry[2].whole]
            given += sum(size for size, _, _ in whole)
        self.reserved_bytes -= given
        return given

    def _cached(self, size: int, small: bool) -> Block | None:
        """Take the smallest free block that is large enough: best fit."""
        free = self._free[small]
        found = bisect.bisect_left(free, size, key=lambda entry: entry[0])
        return free.pop(found)[2] if found < len(free) else None

    def _segment(self, size: int, small: bool) -> Block:
        if small:
            asked = SMALL_SEGMENT_BYTES
        elif size < MIDDLE_BYTES:
            asked = MIDDLE_SEGMENT_BYTES
        else:
            asked = -(-size // LARGE_ROUND_BYTES) * LARGE_ROUND_BYTES
        if self.reserved_bytes + asked > self.capacity_bytes:
            self.retries += 1
            self.flushed_bytes += self.empty_cache()
            if self.reserved_bytes + asked > self.capacity_bytes:
                left = self.capacity_bytes - self.reserved_bytes
                raise OutOfMemoryError(
                    f"CUDA out of memory. Tried to allocate {asked / MIB:.2f} MiB. GPU 0 has a total "
                    f"capacity of {self.capacity_bytes / MIB:.2f} MiB of which {left / MIB:.2f} MiB is free."
                )
        self.reserved_bytes += asked
        self.peak_reserved_bytes = max(self.peak_reserved_bytes, self.reserved_bytes)
        self._segments += 1
        return Block(asked, self._segments, small)

    def _split(self, block: Block, size: int) -> None:
        rest = block.size_bytes - size
        # PyTorch leaves no rest of a large segment below 1 MiB.
        if rest < ROUND_BYTES or (not block.small and rest <= SMALL_BYTES):
            return
        tail = Block(rest, block.segment, block.small, free=True, before=block, after=block.after)
        if block.after is not None:
            block.after.before = tail
        block.after = tail
        block.size_bytes = size
        self._list(tail)

    def _merge(self, block: Block, neighbour: Block) -> None:
        block.size_bytes += neighbour.size_bytes
        if neighbour is block.before:
            block.before = neighbour.before
            if block.before is not None:
                block.before.after = block
        else:
            block.after = neighbour.after
            if block.after is not None:
                block.after.before = block

    def _list(self, block: Block) -> None:
        bisect.insort(self._free[block.small], (block.size_bytes, id(block), block), key=_order)

    def _unlist(self, block: Block) -> None:
        free = self._free[block.small]
        del free[bisect.bisect_left(free, (block.size_bytes, id(block)), key=_order)]


def _order(entry: tuple[int, int, Block]) -> tuple[int, int]:
    return entry[0], entry[1]
