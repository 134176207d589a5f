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


# Less than a process gets of a core beside many others: half a core it might not come to use up.
QUOTA_CORES = 0.05
PERIOD_MICROSECONDS = 100_000
# Only a failing test waits so long.
PATIENCE_SECONDS = 120.0


@contextmanager
def under_a_quota(pid: int) -> Iterator[bool]:
    """Put the process into a cgroup of its own with that quota; yield whether that worked."""
    quota, period = f"{round(QUOTA_CORES * PERIOD_MICROSECONDS)}", f"{PERIOD_MICROSECONDS}"
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
            (group / "cpu.cfs_quota_us").write_text(quota)
            (group / "cpu.cfs_period_us").write_text(period)
        else:
            (group / "cpu.max").write_text(f"{quota} {period}")
        (group / "cgroup.procs").write_text(str(pid))
        yield True
    finally:
        home.write_text(str(pid))
        group.rmdir()


def test_a_spinning_process_under_a_quota_is_throttled() -> None:
    """A twentieth of a core for a process that wants a whole one: the quota is read, and it throttles."""
    clock = SystemClock()
    with child_in("spin") as pid, under_a_quota(pid) as made:
        source = CgroupSource(pid)
        first = source.read(clock.now())
        assert isinstance(first, CgroupReading)
        throttled = 0.0
        deadline = time.monotonic() + PATIENCE_SECONDS
        while made and not throttled and time.monotonic() < deadline:
            time.sleep(0.1)  # a period of the quota has to pass
            reading = source.read(clock.now())
            assert isinstance(reading, CgroupReading)
            throttled = (
                0.0 if isinstance(reading.cpu_throttled_ratio, Missing) else reading.cpu_throttled_ratio
            )
        source.close()
        assert (first.cpu_quota_cores == QUOTA_CORES, throttled > 0) == (made, made)
