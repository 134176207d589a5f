"""Cgroups: v1, v2, both, namespaces; on trees, and with a real quota."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.host import CgroupReading
from gpumon.model.measure import Missing
from gpumon.sources.cgroup import CgroupSource, parse_flat, parse_limit, parse_quota
from gpumon.sources.cgroup_path import find_levels, parse_mounts, parse_paths
from tests.sources.fake_proc import at, write


def machine(root: Path, mounts: list[str], cgroup: str, files: dict[str, str]) -> CgroupSource:
    """Return the source of PID 7 on a machine with these mounts ("ROOT DIRECTORY TYPE OPTIONS")."""
    lines: list[str] = []
    for mount in mounts:
        place, directory, kind, options = mount.split(" ")
        lines.append(f"30 1 0:26 {place} {root}/{directory} rw shared:9 - {kind} cgroup {options}\n")
    everything = {"proc/self/mountinfo": "".join(lines), "proc/7/cgroup": cgroup, **files}
    return CgroupSource(7, write(root, everything) + "/proc")


def reading_of(source: CgroupSource, seconds: float = 0) -> CgroupReading:
    """Return the reading, which must not be missing."""
    reading = source.read(at(seconds))
    assert isinstance(reading, CgroupReading)
    return reading


V2 = ["/ cg cgroup2 rw"]


def test_v2_takes_the_tightest_limit_of_all_levels(tmp_path: Path) -> None:
    """The quota sits on the pod, the memory limit on the container: both bind."""
    source = machine(
        tmp_path,
        V2,
        "0::/pod/box\n",
        {
            "cg/cgroup.controllers": "cpu memory\n",
            "cg/pod/cpu.max": "150000 100000\n",
            "cg/pod/cpu.stat": "usage_usec 5\nnr_periods 10\nnr_throttled 2\n",
            "cg/pod/memory.max": "max\n",
            "cg/pod/box/cpu.max": "max 100000\n",
            "cg/pod/box/memory.max": "1000000\n",
            "cg/pod/box/memory.current": "600000\n",
            "cg/pod/box/memory.stat": "anon 100\ninactive_file 200000\n",
            "cg/pod/box/memory.events": "low 0\noom 2\noom_kill 1\n",
        },
    )
    first = reading_of(source)
    assert first == CgroupReading(2, "/pod/box", 1.5, Missing("needs two readings"), 1_000_000, 400_000, 1)
    write(tmp_path, {"cg/pod/cpu.stat": "usage_usec 5\nnr_periods 30\nnr_throttled 7\n"})
    assert reading_of(source, 1).cpu_throttled_ratio == 0.25


def test_no_limit_is_none_and_never_throttled(tmp_path: Path) -> None:
    """Without a quota nothing throttles: that is known, not missing."""
    source = machine(tmp_path, V2, "0::/a\n", {"cg/a/cpu.max": "max 100000\n", "cg/a/memory.max": "max\n"})
    reading = reading_of(source)
    assert (reading.cpu_quota_cores, reading.cpu_throttled_ratio, reading.memory_limit_bytes) == (
        None,
        0.0,
        None,
    )


def test_a_group_that_did_not_run_was_not_throttled(tmp_path: Path) -> None:
    """No period since the last reading is 0, not a division by zero."""
    files = {"cg/a/cpu.max": "50000 100000\n", "cg/a/cpu.stat": "nr_periods 5\nnr_throttled 5\n"}
    source = machine(tmp_path, V2, "0::/a\n", files)
    source.read(at(0))
    assert reading_of(source, 1).cpu_throttled_ratio == 0.0


def test_v1_has_a_hierarchy_for_each_controller(tmp_path: Path) -> None:
    """CPU and memory are in different cgroups; the huge number means no limit."""
    source = machine(
        tmp_path,
        ["/ cpu cgroup rw,cpu,cpuacct", "/ memory cgroup rw,memory"],
        "4:memory:/user/x\n3:cpu,cpuacct:/slice\n1:name=systemd:/\n",
        {
            "cpu/slice/cpu.cfs_quota_us": "200000\n",
            "cpu/slice/cpu.cfs_period_us": "50000\n",
            "cpu/slice/cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n",
            "memory/user/memory.limit_in_bytes": "4096\n",
            "memory/user/memory.usage_in_bytes": "4000\n",
            "memory/user/memory.stat": "inactive_file 1\ntotal_inactive_file 1000\n",
            "memory/user/x/memory.limit_in_bytes": "9223372036854771712\n",
            "memory/user/x/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
        },
    )
    reading = reading_of(source)
    assert reading == CgroupReading(1, "/slice", 4.0, Missing("needs two readings"), 4096, 3000, 3)


def test_hybrid_uses_v1_for_what_v1_has(tmp_path: Path) -> None:
    """A v2 mount without controllers beside v1 (systemd's hybrid mode) says nothing about CPU."""
    source = machine(
        tmp_path,
        ["/ cpu cgroup rw,cpu", "/ unified cgroup2 rw"],
        "1:cpu:/job\n0::/job\n",
        {
            "cpu/job/cpu.cfs_quota_us": "-1\n",
            "cpu/job/cpu.cfs_period_us": "100000\n",
            "unified/job/cgroup.procs": "7\n",
        },
    )
    reading = reading_of(source)
    assert (reading.version, reading.cpu_quota_cores) == (1, None)
    assert reading.memory_used_bytes == Missing("its cgroup keeps no account of memory")


def test_a_container_with_a_namespace_has_its_cgroup_at_the_root(tmp_path: Path) -> None:
    """The path is "/" and the mount's root, too, is the container's own cgroup."""
    source = machine(tmp_path, V2, "0::/\n", {"cg/cpu.max": "300000 100000\n"})
    assert reading_of(source).cpu_quota_cores == 3.0


def test_a_container_without_a_namespace_sees_the_path_of_the_host(tmp_path: Path) -> None:
    """The mount's root is the container's path on the host; what is left of the path is below it."""
    source = machine(
        tmp_path,
        ["/docker/abc cpu cgroup rw,cpu"],
        "1:cpu:/docker/abc/job\n",
        {"cpu/job/cpu.cfs_quota_us": "50000\n", "cpu/job/cpu.cfs_period_us": "100000\n"},
    )
    assert reading_of(source).cpu_quota_cores == 0.5


def test_a_path_that_is_not_mounted_is_searched_from_its_end(tmp_path: Path) -> None:
    """Some runtimes mount the container's cgroup as the root and still show the host's path."""
    source = machine(
        tmp_path,
        ["/ cpu cgroup rw,cpu"],
        "1:cpu:/kubepods/pod1/abc\n",
        {"cpu/cpu.cfs_quota_us": "80000\n", "cpu/cpu.cfs_period_us": "100000\n"},
    )
    assert reading_of(source).cpu_quota_cores == 0.8


def test_a_cgroup_outside_the_namespace_is_missing(tmp_path: Path) -> None:
    """cgroup_namespaces(7): such a path begins with "/..", and its files cannot be reached."""
    source = machine(tmp_path, V2, "0::/../other\n", {"cg/cpu.max": "1000 100000\n"})
    assert source.read(at(0)) == Missing("its cgroup is outside the cgroup namespace gpumon runs in")


def test_a_machine_without_cgroups_says_so(tmp_path: Path) -> None:
    """Nothing is mounted, or the kernel has none."""
    source = machine(tmp_path, [], "0::/\n", {})
    assert source.read(at(0)) == Missing("its cgroup hierarchy is not mounted here")


def test_a_process_that_is_gone_is_missing(tmp_path: Path) -> None:
    """As every reading of a process."""
    assert CgroupSource(8, str(tmp_path)).read(at(0)) == Missing("the process is gone")


def test_a_quota_that_changes_is_seen(tmp_path: Path) -> None:
    """`docker update --cpus` takes effect within the 5 s of the next look-up."""
    files = {"cg/a/cpu.max": "50000 100000\n", "cg/a/cpu.stat": "nr_periods 5\nnr_throttled 5\n"}
    source = machine(tmp_path, V2, "0::/a\n", files)
    assert reading_of(source).cpu_quota_cores == 0.5
    write(tmp_path, {"cg/a/cpu.max": "100000 100000\n"})
    assert reading_of(source, 6).cpu_quota_cores == 1.0
    source.close()


def test_hostile_cgroup_names_are_cleaned(tmp_path: Path) -> None:
    """Whoever may make a cgroup chooses its name."""
    source = machine(tmp_path, V2, "0::/\x1b[2Jx\n", {"cg/\x1b[2Jx/cpu.max": "max 100000\n"})
    assert reading_of(source).path == "/x"


def test_mount_points_are_unescaped() -> None:
    """A space in a mount point is written as its octal code."""
    mounts = parse_mounts(b"30 1 0:26 / /cg\\040two rw - cgroup2 none rw\n")
    assert [mount.directory for mount in mounts] == ["/cg two"]


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_garbage_never_raises(cgroup: bytes, mountinfo: bytes) -> None:
    """Neither file can break the look-up."""
    mounts = parse_mounts(b"30 1 0:26 / /nowhere rw - cgroup2 none rw\n" + mountinfo)
    assert isinstance(find_levels("cpu", parse_paths(cgroup), mounts), (Missing, tuple))


@pytest.mark.parametrize("data", [b"", b"x", b"max", b"5", b"5 0", b"-1 100000", b"\xff \xff"])
def test_a_quota_that_is_not_understood_is_not_a_number(data: bytes) -> None:
    """It is no limit where the kernel says so, and Missing otherwise."""
    quota = parse_quota(data)
    assert quota is None or isinstance(quota, Missing)


@given(st.binary(max_size=100))
def test_garbage_in_limits_never_raises(data: bytes) -> None:
    """A limit is a number or none."""
    assert isinstance(parse_limit(data), (int, type(None)))
    assert all(value >= 0 for value in parse_flat(data).values())
