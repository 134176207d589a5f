"""Which cores share a cache and a node, from a /sys that is written here."""

from __future__ import annotations

from pathlib import Path

from gpumon.model.host import CoreDomain
from gpumon.model.measure import Missing
from gpumon.sources.core_domains import read_core_domains
from tests.sources.fake_proc import write

CPU = "devices/system/cpu"


def caches(*lists: str) -> dict[str, str]:
    """Return the files of cores 0, 1 ... whose cache of the third level is shared with those listed."""
    files: dict[str, str] = {}
    for core, shared in enumerate(lists):
        for index, (level, cores) in enumerate((("1", f"{core}"), ("2", f"{core}"), ("3", shared))):
            files[f"{CPU}/cpu{core}/cache/index{index}/level"] = f"{level}\n"
            files[f"{CPU}/cpu{core}/cache/index{index}/shared_cpu_list"] = f"{cores}\n"
    return files


def test_cores_of_one_last_level_cache_are_a_domain(tmp_path: Path) -> None:
    """In order of their nodes, second threads with the first ones."""
    files = caches("0,2", "1,3", "0,2", "1,3")
    nodes = {"devices/system/node/node0/cpulist": "1,3\n", "devices/system/node/node1/cpulist": "0,2\n"}
    found = read_core_domains((0, 1, 2, 3), write(tmp_path, files | nodes))
    assert found == (CoreDomain("1,3", 0), CoreDomain("0,2", 1))


def test_without_caches_the_nodes_are_the_domains(tmp_path: Path) -> None:
    """As in many virtual machines."""
    nodes = {"devices/system/node/node0/cpulist": "0-1\n", "devices/system/node/node1/cpulist": "2-3\n"}
    found = read_core_domains((0, 1, 2, 3), write(tmp_path, nodes))
    assert found == (CoreDomain("0-1", 0), CoreDomain("2-3", 1))


def test_a_core_that_is_offline_is_in_none(tmp_path: Path) -> None:
    """The kernel goes on listing it in some files."""
    assert read_core_domains((0, 2), write(tmp_path, caches("0-3", "0-3", "0-3"))) == (CoreDomain("0,2"),)


def test_a_list_that_cannot_be_read_leaves_its_core_alone(tmp_path: Path) -> None:
    """Each core is in one domain all the same."""
    files = caches("0-1", "0-1", "nonsense")
    found = read_core_domains((0, 1, 2), write(tmp_path, files))
    assert found == (CoreDomain("0-1"), CoreDomain("2"))


def test_a_hidden_topology_is_told(tmp_path: Path) -> None:
    """A sandbox may have no /sys."""
    for cores in ((0, 1), ()):
        found = read_core_domains(cores, str(tmp_path))
        assert found == Missing("the topology of the cores is hidden")
