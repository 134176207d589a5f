"""Several pieces of memory, in as few reads as their places allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpumon.remote_python.memory import Memory

# Chosen: small objects lie close together, such as numbers, the strings of a module, the tasks of a queue.
# What lies between is copied.
LARGEST_GAP_BYTES = 1024
# Chosen: bounds what is copied for nothing.
_LONGEST_RUN_BYTES = 8192

Piece = tuple[int, int]


def gather(memory: Memory, pieces: Sequence[Piece]) -> list[bytes]:
    """Return the bytes of each piece (address, size): fewer where the end of a piece is not mapped.

    Pieces that lie close together are read at once. Raises TornRead if the first byte of a piece is not
    mapped.
    """
    if len(pieces) == 1:
        return [memory.read_up_to(*pieces[0])]
    found = [b""] * len(pieces)
    for run, end in _runs(pieces):
        start = pieces[run[0]][0]
        data = memory.read_up_to(start, end - start)
        # Between two pieces may lie what is not mapped.
        is_good = len(data) == end - start or len(run) == 1
        for index in run:
            address, size = pieces[index]
            at = address - start
            found[index] = data[at : at + size] if is_good else memory.read_up_to(address, size)
    return found


def _runs(pieces: Sequence[Piece]) -> Iterator[tuple[list[int], int]]:
    """Yield the indexes of pieces that are read at once, the lowest first, and where they end."""
    run: list[int] = []
    start = end = 0
    for index in sorted(range(len(pieces)), key=pieces.__getitem__):
        address, size = pieces[index]
        last = address + size
        if run and address - end <= LARGEST_GAP_BYTES and last - start <= _LONGEST_RUN_BYTES:
            run.append(index)
            end = max(end, last)
        else:
            if run:
                yield run, end
            run, start, end = [index], address, last
    if run:
        yield run, end
