"""The clock, gpumon's own cost, /dev/shm, and names of users."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpumon.model.host import SharedMemoryReading
from gpumon.model.measure import Missing
from gpumon.sources.clock import SystemClock
from gpumon.sources.own_cost import OwnCostSource
from gpumon.sources.shm import shared_memory
from gpumon.sources.users import UserNames, why_denied
from tests.sources.children import child_in
from tests.sources.fake_proc import at, write
from tests.sources.other_user import NOBODY, as_nobody


def test_the_clock_never_goes_back() -> None:
    """Monotonic time is for intervals, Unix time for people."""
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert first.monotonic_seconds <= second.monotonic_seconds
    assert first.unix_seconds > 1.7e9


def test_own_cost_is_cores_since_the_last_reading(tmp_path: Path) -> None:
    """0.03 s of CPU in 2 s are 0.015 cores; memory is resident pages."""
    used: Iterator[float] = iter([1.0, 1.03])
    source = OwnCostSource(write(tmp_path, {"self/statm": "900 25 10 1 0 50 0\n"}), lambda: next(used))
    assert source.read(at(0)).cpu_ratio == Missing("needs two readings")
    reading = source.read(at(2))
    source.close()
    assert reading.cpu_ratio is not None
    assert not isinstance(reading.cpu_ratio, Missing)
    assert round(reading.cpu_ratio, 9) == 0.015
    assert reading.memory_bytes == 25 * os.sysconf("SC_PAGE_SIZE")


def test_own_cost_of_this_process_is_known() -> None:
    """The real kernel answers."""
    source = OwnCostSource()
    source.read(at(0))
    reading = source.read(at(1))
    source.close()
    assert isinstance(reading.cpu_ratio, float)
    assert isinstance(reading.memory_bytes, int)
    assert reading.memory_bytes > 1 << 20


def test_own_cost_without_proc_says_why(tmp_path: Path) -> None:
    """CPU time needs no /proc; memory does."""
    assert isinstance(OwnCostSource(str(tmp_path)).read(at(0)).memory_bytes, Missing)


def test_shm_is_that_of_the_process() -> None:
    """Through the process's own root, as statvfs of the same mount says."""
    own = os.statvfs("/dev/shm")
    with child_in("nanosleep") as pid:
        reading = shared_memory(pid)
    assert isinstance(reading, SharedMemoryReading)
    assert reading.shm_total_bytes == own.f_blocks * own.f_frsize
    assert 0 <= reading.shm_free_bytes <= reading.shm_total_bytes


def test_shm_of_a_process_that_is_gone_is_missing() -> None:
    """As every reading of a process."""
    with child_in("nanosleep") as pid:
        pass
    assert shared_memory(pid) == Missing("the process is gone or has no /dev/shm")


def test_shm_of_another_user_says_what_helps() -> None:
    """/proc/PID/root is only for the process's own user."""
    with child_in("nanosleep") as child, as_nobody():
        reading = shared_memory(child if os.getuid() == 0 else 1)
    assert reading == Missing("no permission to look into its mounts: run gpumon as its user or root")


def test_users_have_their_names() -> None:
    """A user who has none (as in a container) is its number."""
    users = UserNames()
    assert users.name(0) == pwd.getpwuid(0).pw_name
    assert users.name(4_000_000_001) == "4000000001"


@pytest.mark.parametrize(
    ("owner", "name", "capable", "words"),
    [
        (0, "root", False, "root lacks the capability SYS_PTRACE here: run gpumon with it, or on the host"),
        (4001, "ben", False, "root lacks the capability SYS_PTRACE here: run gpumon with it, or as ben"),
        (
            4001,
            "ben",
            True,
            "the kernel refuses it to root too: another user namespace, or a security module",
        ),
    ],
)
def test_root_is_told_what_it_lacks(owner: int, name: str, capable: bool, words: str) -> None:
    """A capability that it has is not what it needs, and the owner needs none."""
    assert why_denied(0, owner, name, capable=capable).startswith(words)


def test_what_belongs_to_others_says_whose_it_is_and_what_helps() -> None:
    """The sentence names the user, or root."""
    users = UserNames()
    with as_nobody():
        assert users.denied(0) == Missing("belongs to user root: run gpumon as root")
        assert users.denied(4001) == Missing("belongs to user 4001: run gpumon as 4001 or root")
        if os.geteuid() == NOBODY:
            assert users.denied(NOBODY) == Missing(
                "the kernel protects it from other programs: run gpumon as root"
            )
