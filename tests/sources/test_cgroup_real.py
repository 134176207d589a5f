"""A real CPU quota on a real process, where a cgroup may be made; else the cgroup of this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpumon.model.host import CgroupReading
from gpumon.model.measure import Missing
from gpumon.sources.cgroup import CgroupSource
from gpumon.sources.clock import SystemClock
from tests.sources.children import child_in

V1 = Path("/sys/fs/cgroup/cpu")
V2 = Path("/sys/fs/cgroup")


@contextmanager
def half_a_core(pid: int) -> Iterator[bool]:
    """Put the process into a cgroup of its own with a quota of half a core; yield whether that worked."""
    version_1 = V1.is_dir()
    group = (V1 if version_1 else V2) / f"gpumon-test-{pid}"
    home = group.parent / "cgroup.procs"
    try:
        if not version_1:
            (V2 / "cgroup.subtree_control").write_text("+cpu")
        group.mkdir()
    except OSError:
        yield False
        return
    try:
        if version_1:
            (group / "cpu.cfs_quota_us").write_text("50000")
            (group / "cpu.cfs_period_us").write_text("100000")
        else:
            (group / "cpu.max").write_text("50000 100000")
        (group / "cgroup.procs").write_text(str(pid))
        yield True
        home.write_text(str(pid))
    finally:
        group.rmdir()


def test_a_spinning_process_under_a_quota_is_throttled() -> None:
    """Half a core for a process that wants a whole one: the quota is read, and it throttles."""
    clock = SystemClock()
    with child_in("spin") as pid, half_a_core(pid) as made:
        source = CgroupSource(pid)
        first = source.read(clock.now())
        assert isinstance(first, CgroupReading)
        throttled = 0.0
        deadline = time.monotonic() + 20
        while made and not throttled and time.monotonic() < deadline:
            time.sleep(0.1)  # a period of the quota has to pass
            reading = source.read(clock.now())
            assert isinstance(reading, CgroupReading)
            throttled = (
                0.0 if isinstance(reading.cpu_throttled_ratio, Missing) else reading.cpu_throttled_ratio
            )
        source.close()
        assert (first.cpu_quota_cores == 0.5, throttled > 0) == (made, made)
