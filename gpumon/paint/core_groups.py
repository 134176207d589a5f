"""Which cores stand together where there are more than rows: those of a cache, of a node, or neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# The cores of each last-level cache, with its NUMA node (None: not known).
Domains = tuple[tuple[int | None, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class CoreGroups:
    """Groups as positions among the cores. `by` says of what they are: "L3", "node", or "" of neighbours."""

    members: tuple[tuple[int, ...], ...]
    by: str = ""


def group_size(cores: int, groups: int) -> int:
    """Return how many cores a group has where there may be `groups` of them: a power of two.

    So it mostly ends where a cache or a socket does: most of them have 4, 8, 16 ... cores, numbered in a row
    (Linux numbers the second threads of all cores after the first ones).
    """
    return 1 << max(0, -(-cores // groups) - 1).bit_length()


@lru_cache(maxsize=16)
def core_groups(cores: tuple[int, ...], rows: int, domains: Domains = ()) -> CoreGroups:
    """Return at most `rows` groups of the cores with these numbers; `rows` is at least 1.

    No group reaches beyond one last-level cache where a row for each of them is there, nor else beyond one
    NUMA node: what shares a cache and its memory is slow together. A cache or node that has several rows is
    divided into groups of `group_size`. Without several domains, neighbours by number stand together.
    """
    if len(cores) <= rows:
        return CoreGroups(tuple((position,) for position in range(len(cores))))
    at = {core: position for position, core in enumerate(cores)}
    caches = [tuple(at[core] for core in members if core in at) for _, members in domains]
    if sum(map(len, caches)) == len(cores):
        nodes: dict[int | None, tuple[int, ...]] = {}
        for (node, _), members in zip(domains, caches, strict=True):
            nodes[node] = nodes.get(node, ()) + members
        for by, parts in (("L3", caches), ("node", list(nodes.values()))):
            there = [part for part in parts if part]
            if 1 < len(there) <= rows:
                each = rows // len(there)
                return CoreGroups(tuple(group for part in there for group in _divided(part, each)), by)
    return CoreGroups(tuple(_divided(tuple(range(len(cores))), rows)))


def _divided(members: Sequence[int], groups: int) -> list[tuple[int, ...]]:
    each = group_size(len(members), groups)
    return [tuple(members[first : first + each]) for first in range(0, len(members), each)]
