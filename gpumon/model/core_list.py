"""Numbers of cores as the kernel lists them: `0-7,128-135` (cpulist, docs.kernel.org)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

MOST_CORES = 8192  # CONFIG_NR_CPUS goes no higher
_MOST_CHARACTERS = 16_384


@lru_cache(maxsize=512)
def core_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a list, in order; none where it is no such list."""
    found: set[int] = set()
    if len(text) > _MOST_CHARACTERS:
        return ()
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdigit() and len(end) <= 5 for end in ends):
            return ()
        low, high = int(ends[0]), int(ends[1])
        if not low <= high < MOST_CORES:
            return ()
        found.update(range(low, high + 1))
    return tuple(sorted(found))


def core_list(cores: Sequence[int]) -> str:
    """Return numbers, in order, as such a list."""
    return ",".join(f"{low}-{high}" if low < high else f"{low}" for low, high in core_ranges(cores))


def core_ranges(cores: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and the last of each run of neighbours among numbers in order."""
    ranges: list[tuple[int, int]] = []
    for core in cores:
        if ranges and core == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], core)
        else:
            ranges.append((core, core))
    return ranges
