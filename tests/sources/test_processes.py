"""The processes of a training: rates, memory, identity."""

from __future__ import annotations

import os
from itertools import chain, count, repeat
from pathlib import Path

from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId, ProcessReading, Role
from gpumon.model.training import Member
from gpumon.sources.clock import SystemClock
from gpumon.sources.processes import ProcessSource, affinity_cores
from tests.sources.children import child_in, process_id, python_child
from tests.sources.fake_proc import at, open_descriptors, stat_line, write
from tests.sources.other_user import as_nobody

TICKS = os.sysconf("SC_CLK_TCK")
IO = "rchar: {0}\nwchar: 0\nsyscr: {0}\nsyscw: 0\nread_bytes: {0}\nwrite_bytes: {0}\n"
ROLLUP = "0-1 ---p 0 0:0 0 [rollup]\nRss: 9 kB\nPss: {} kB\n"


def member(pid: int, start: int | None = None, role: Role = Role.TRAIN_WORKER) -> Member:
    """Return a member of a training: a real process, or one with the given start."""
    identity = process_id(pid) if start is None else ProcessId(pid, start)
    return Member(identity, 1, role)


def test_rates_are_since_the_last_reading(tmp_path: Path) -> None:
    """1 s of CPU, 0.5 s in the run queue and 4000 of each I/O counter in 2 s."""
    write(tmp_path, {"7/stat": stat_line(7), "7/schedstat": "0 1000000000 5\n", "7/io": IO.format(1000)})
    source = ProcessSource([member(7, 5000)], str(tmp_path))
    (first,) = source.read(at(0))
    assert (first.cpu_busy_ratio, first.read_bytes_per_second) == (Missing("needs two readings"),) * 2
    later = {"7/stat": stat_line(7, ticks=TICKS), "7/schedstat": "0 1500000000 5\n", "7/io": IO.format(5000)}
    write(tmp_path, later)
    (second,) = source.read(at(2))
    source.close()
    assert (second.cpu_busy_ratio, second.run_queue_wait_ratio) == (0.5, 0.25)
    assert second.read_calls_per_second == second.read_bytes_per_second == 2000.0
    assert second.write_bytes_per_second == second.read_characters_per_second == 2000.0
    assert (second.cpu_seconds_total, second.threads, second.last_core) == (1.0, 3, 1)
    assert second.memory_rss_bytes == 100 * os.sysconf("SC_PAGE_SIZE")


def test_two_readings_at_one_moment_have_no_rate(tmp_path: Path) -> None:
    """No division by zero."""
    source = ProcessSource([member(7, 5000)], write(tmp_path, {"7/stat": stat_line(7)}))
    source.read(at(0))
    (reading,) = source.read(at(0))
    assert reading.cpu_busy_ratio == Missing("no time has passed since the last reading")


def test_a_process_without_some_files_still_has_the_others(tmp_path: Path) -> None:
    """A kernel without schedstat or task accounting gives reasons for those alone."""
    source = ProcessSource([member(7, 5000)], write(tmp_path, {"7/stat": stat_line(7)}))
    source.read(at(0))
    (reading,) = source.read(at(1))
    assert reading.cpu_busy_ratio == 0.0
    assert isinstance(reading.run_queue_wait_ratio, Missing)
    assert isinstance(reading.read_bytes_per_second, Missing)
    assert isinstance(reading.memory_pss_bytes, Missing)


def test_a_pid_that_is_used_again_is_dropped(tmp_path: Path) -> None:
    """The start time tells the new process from the member."""
    source = ProcessSource([member(7, 5000)], write(tmp_path, {"7/stat": stat_line(7)}))
    assert len(source.read(at(0))) == 1
    write(tmp_path, {"7/stat": stat_line(7, start=6000)})
    assert source.read(at(1)) == ()


def test_a_killed_process_is_dropped_and_the_others_stay() -> None:
    """Between two readings one of two workers dies."""
    clock = SystemClock()
    with child_in("nanosleep") as stays:
        with child_in("nanosleep") as dies:
            source = ProcessSource([member(dies), member(stays)])
            assert [reading.id.pid for reading in source.read(clock.now())] == [dies, stays]
        assert [reading.id.pid for reading in source.read(clock.now())] == [stays]
        source.close()


def test_following_other_members_keeps_what_is_known(tmp_path: Path) -> None:
    """A worker that stays has its rate at once when another joins; descriptors are given back."""
    before = open_descriptors()
    root = write(tmp_path, {"7/stat": stat_line(7), "8/stat": stat_line(8)})
    source = ProcessSource([member(7, 5000)], root)
    source.read(at(0))
    source.follow([member(8, 5000), member(7, 5000)])
    new, old = source.read(at(1))
    assert (new.cpu_busy_ratio, old.cpu_busy_ratio) == (Missing("needs two readings"), 0.0)
    source.close()
    assert source.read(at(2)) == ()
    assert open_descriptors() == before


def test_a_real_child_is_read_whole() -> None:
    """Every field is known for a process of one's own."""
    clock = SystemClock()
    with child_in("spin") as pid:
        source = ProcessSource([member(pid)])
        source.read(clock.now())
        (reading,) = source.read(clock.now())
        source.close()
    assert reading.parent_pid == os.getpid()
    assert reading.command[1] == "-c"
    assert not [name for name in ProcessReading.__slots__ if isinstance(getattr(reading, name), Missing)]


def test_pss_of_a_forked_child_is_less_than_its_rss() -> None:
    """Workers are forks: most of their memory is shared with the main process, and RSS counts it in each."""
    program = """
import os, time
shared = bytearray(os.urandom(64 << 20))
child = os.fork()
if child == 0:
    import ctypes, signal
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # die with the parent
    time.sleep(60)
print("ready", flush=True); time.sleep(60)
"""
    with python_child(program) as child:
        forked = int(Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()[0])
        source = ProcessSource([member(forked)])
        (reading,) = source.read(at(0))
        source.close()
    assert not isinstance(reading.memory_pss_bytes, Missing)
    assert not isinstance(reading.memory_rss_bytes, Missing)
    assert reading.memory_rss_bytes > 64 << 20
    assert reading.memory_pss_bytes < reading.memory_rss_bytes * 0.75


def test_pss_is_read_of_four_processes_at_a_time_and_every_five_seconds(tmp_path: Path) -> None:
    """It costs far more than all the rest."""
    files = {f"{pid}/stat": stat_line(pid) for pid in range(10, 16)}
    files |= {f"{pid}/smaps_rollup": ROLLUP.format(1) for pid in range(10, 16)}
    root = write(tmp_path, files)
    source = ProcessSource([member(pid, 5000) for pid in range(10, 16)], root, timer=lambda: 0.0)
    unread = Missing("not read yet")
    assert [reading.memory_pss_bytes for reading in source.read(at(0))] == [1024] * 4 + [unread] * 2
    assert [reading.memory_pss_bytes for reading in source.read(at(1))] == [1024] * 6
    write(tmp_path, {"10/smaps_rollup": ROLLUP.format(2)})
    assert source.read(at(4))[0].memory_pss_bytes == 1024
    assert source.read(at(6))[0].memory_pss_bytes == 2048
    source.close()


def test_pss_of_a_slow_process_is_read_less_often(tmp_path: Path) -> None:
    """A read that takes 40 ms is repeated after 20 s: 0.2 % of the time."""
    root = write(tmp_path, {"7/stat": stat_line(7), "7/smaps_rollup": ROLLUP.format(1)})
    times = chain([0.0, 0.04], repeat(1.0))
    source = ProcessSource([member(7, 5000)], root, timer=lambda: next(times))
    source.read(at(0))
    write(tmp_path, {"7/smaps_rollup": ROLLUP.format(2)})
    assert source.read(at(19))[0].memory_pss_bytes == 1024
    assert source.read(at(21))[0].memory_pss_bytes == 2048
    source.close()


def test_pss_of_many_processes_has_one_budget(tmp_path: Path) -> None:
    """Of four processes whose reads take 10 ms each every one is read again after 20 s: 0.2 % of the time."""
    files = {f"{pid}/stat": stat_line(pid) for pid in range(10, 14)}
    files |= {f"{pid}/smaps_rollup": ROLLUP.format(1) for pid in range(10, 14)}
    root = write(tmp_path, files)
    clock = count(step=0.01)
    source = ProcessSource([member(pid, 5000) for pid in range(10, 14)], root, timer=lambda: next(clock))
    # Their costs are known from the second reading on.
    source.read(at(0))
    source.read(at(20))
    write(tmp_path, {f"{pid}/smaps_rollup": ROLLUP.format(2) for pid in range(10, 14)})
    assert [reading.memory_pss_bytes for reading in source.read(at(39))] == [1024] * 4
    assert [reading.memory_pss_bytes for reading in source.read(at(41))] == [2048] * 4
    source.close()


def test_a_process_of_another_user_says_whose_it_is() -> None:
    """CPU is known of everyone's processes; I/O and PSS only of one's own."""
    clock = SystemClock()
    with child_in("nanosleep") as child, as_nobody():
        pid = child if os.getuid() == 0 else 1
        source = ProcessSource([member(pid)])
        source.read(clock.now())
        (reading,) = source.read(clock.now())
        source.close()
    expected = Missing("belongs to user root: run gpumon as root")
    assert (reading.read_bytes_per_second, reading.memory_pss_bytes) == (expected, expected)
    assert reading.user == "root"
    assert not isinstance(reading.cpu_busy_ratio, Missing)


def test_more_processes_than_descriptors_are_still_read(tmp_path: Path) -> None:
    """Beyond the first hundred nothing is kept open."""
    before = open_descriptors()
    root = write(tmp_path, {f"{pid}/stat": stat_line(pid) for pid in range(10, 150)})
    source = ProcessSource([member(pid, 5000) for pid in range(10, 150)], root)
    assert len(source.read(at(0))) == 140
    assert open_descriptors() <= before + 300
    source.close()


def test_affinity_is_what_the_scheduler_may_use() -> None:
    """A child pinned to one core has one."""
    with child_in("nanosleep") as pid:
        assert affinity_cores(pid) == len(os.sched_getaffinity(pid))
        os.sched_setaffinity(pid, {min(os.sched_getaffinity(pid))})
        assert affinity_cores(pid) == 1
    assert affinity_cores(pid) == Missing("the process is gone")
