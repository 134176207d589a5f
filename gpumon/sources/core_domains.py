"""Which cores share a last-level cache and a NUMA node, from /sys (docs.kernel.org, cputopology and numa)."""

from __future__ import annotations

import re

from gpumon.model.core_list import core_list, core_numbers
from gpumon.model.host import CoreDomain
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.proc_file import read_file, read_names

_NODE = re.compile(r"node(\d{1,4})$")
_MOST_CACHES = 10
_LIST_BYTES = 16 * 1024


def read_core_domains(cores: tuple[int, ...], sys_root: str = "/sys") -> Maybe[tuple[CoreDomain, ...]]:
    """Return the domains of the online cores `cores`, in order of node and first core; each core is in one.

    A domain are the cores of one last-level cache (of one CCX, say); where caches are hidden, of one node.
    One small file is read for each domain.
    """
    nodes = _nodes(sys_root)
    index = _last_level(cores[0], sys_root) if cores else None
    found: list[CoreDomain] = []
    rest = set(cores)
    for core in cores:
        if core not in rest:
            continue
        node = next((node for node, members in nodes.items() if core in members), None)
        shared = _cache(core, index, sys_root) if index is not None else nodes.get(node, frozenset())
        members = (shared & rest) | {core}
        rest -= members
        found.append(CoreDomain(core_list(sorted(members)), node))
    if not found or (index is None and not nodes):
        return Missing("the topology of the cores is hidden")
    return tuple(
        sorted(found, key=lambda domain: (domain.node or 0, core_numbers(domain.cores)[0])),
    )


def _nodes(sys_root: str) -> dict[int | None, frozenset[int]]:
    folder = f"{sys_root}/devices/system/node"
    names = read_names(folder)
    if isinstance(names, Missing):
        return {}
    numbers = sorted(int(match[1]) for match in map(_NODE.match, names) if match)
    lists = {node: _list(f"{folder}/node{node}/cpulist") for node in numbers}
    return {node: members for node, members in lists.items() if members}


def _last_level(core: int, sys_root: str) -> int | None:
    """Return the index of a core's cache of the highest level, None where caches are hidden."""
    levels: list[tuple[int, int]] = []
    for index in range(_MOST_CACHES):
        data = read_file(f"{sys_root}/devices/system/cpu/cpu{core}/cache/index{index}/level", 64)
        if isinstance(data, Missing):
            break
        if data.strip().isdigit():
            levels.append((int(data), index))
    return max(levels)[1] if levels else None


def _cache(core: int, index: int, sys_root: str) -> frozenset[int]:
    return _list(f"{sys_root}/devices/system/cpu/cpu{core}/cache/index{index}/shared_cpu_list")


def _list(path: str) -> frozenset[int]:
    data = read_file(path, _LIST_BYTES)
    return (
        frozenset() if isinstance(data, Missing) else frozenset(core_numbers(data.decode("ascii", "replace")))
    )
