"""The processes of a training at one instant: CPU, run-queue wait, memory, I/O."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessReading
from gpumon.model.text import clean
from gpumon.model.training import Member
from gpumon.sources.proc_fields import (
    IoCounters,
    ProcessStat,
    SchedStat,
    parse_io,
    parse_pss,
    parse_schedstat,
    parse_stat,
)
from gpumon.sources.proc_file import Denied, KeptFile, read_file
from gpumon.sources.process_details import decode, read_command, read_status, read_user
from gpumon.sources.users import UserNames

_FIRST = Missing("needs two readings")
_STOOD = Missing("no time has passed since the last reading")
# Three descriptors each: with more processes than this the rest is opened and closed at every reading,
# so that gpumon stays well below the usual limit of 1024 descriptors.
_MOST_KEPT = 100
_PSS_PERIOD_SECONDS = 5.0
_PSS_PER_READING = 4
# PSS takes milliseconds for each GiB, and holds a lock of the memory map: big processes are asked so seldom
# that all of a training together cost no more than 1/500 of the time (docs/adr/0009-pss-has-one-budget.md).
_PSS_SHARE = 500.0


@dataclass(frozen=True, slots=True)
class _Counters:
    """Counters of one process at one moment."""

    monotonic_seconds: float
    stat: ProcessStat
    sched: Maybe[SchedStat]
    io: Maybe[IoCounters]


class _Followed:
    """One process: its kept files, its last counters, and what does not change."""

    def __init__(self, member: Member, root: str, users: UserNames, *, keep: bool) -> None:
        self.member = member
        self.directory = f"{root}/{member.id.pid}"
        self._files = tuple(
            KeptFile(f"{self.directory}/{name}", 1024, keep=keep) for name in ("stat", "schedstat", "io")
        )
        self.previous: _Counters | None = None
        self.pss: Maybe[int] = Missing("not read yet")
        self.pss_due_seconds = 0.0
        self.pss_cost_seconds = 0.0
        self.command, _ = read_command(self.directory)
        status = read_status(self.directory)
        self.user_id = read_user(self.directory) if isinstance(status, Missing) else status.user_id
        self.user = users.name(self.user_id)
        self.denied = users.denied(self.user_id)

    def read(self, now: Instant) -> _Counters | None:
        """Return the counters now, or None where the process is gone (or its PID is another's by now)."""
        stat_file, sched_file, io_file = self._files
        data = stat_file.read()
        stat = data if isinstance(data, Missing) else parse_stat(data)
        if isinstance(stat, Missing) or stat.start_ticks != self.member.id.start_ticks:
            return None
        data = sched_file.read()
        sched = data if isinstance(data, Missing) else parse_schedstat(data)
        data = io_file.read()
        io = data if isinstance(data, Missing) else parse_io(data)
        return _Counters(now.monotonic_seconds, stat, sched, self.denied if isinstance(io, Denied) else io)

    def close(self) -> None:
        for file in self._files:
            file.close()


class ProcessSource:
    """Follows the members of a training through kept descriptors, at about 15 us per process and reading.

    CPU time is utime + stime of /proc/PID/stat, of all threads together, in ticks of 10 ms. Run-queue wait
    is the main thread's alone: /proc/PID/schedstat is of that one task, and a DataLoader worker does its
    work there. I/O counters are of all threads. PSS is read every 5 s, and at most of 4 processes at a
    time; of big and of many processes less often.
    """

    def __init__(
        self,
        members: Sequence[Member] = (),
        proc_root: str = "/proc",
        users: UserNames | None = None,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._root = proc_root
        self._users = users or UserNames()
        self._timer = timer
        self._tick_seconds = 1.0 / os.sysconf("SC_CLK_TCK")
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._followed: dict[Member, _Followed] = {}
        self._members: tuple[Member, ...] = ()
        self.follow(members)

    def follow(self, members: Sequence[Member]) -> None:
        """Follow `members` from now on. What is known of those that were followed before is kept."""
        self._members = tuple(dict.fromkeys(members))
        for gone in self._followed.keys() - set(self._members):
            self._followed.pop(gone).close()

    def read(self, now: Instant) -> tuple[ProcessReading, ...]:
        """Return the members that still run, in their order; rates are since the last reading."""
        found: list[tuple[_Followed, _Counters, _Counters | None]] = []
        for member in self._members:
            followed = self._followed.get(member)
            if followed is None:
                keep = len(self._followed) < _MOST_KEPT
                followed = self._followed[member] = _Followed(member, self._root, self._users, keep=keep)
            counters = followed.read(now)
            if counters is None:
                followed.close()
                continue
            found.append((followed, counters, followed.previous))
            followed.previous = counters
        self._read_pss(now, [followed for followed, _, _ in found])
        return tuple(self._reading(*entry) for entry in found)

    def close(self) -> None:
        """Give the descriptors back."""
        self.follow(())

    def _read_pss(self, now: Instant, followed: list[_Followed]) -> None:
        due = [process for process in followed if process.pss_due_seconds <= now.monotonic_seconds]
        due.sort(key=lambda process: process.pss_due_seconds)
        for process in due[:_PSS_PER_READING]:
            started = self._timer()
            data = read_file(f"{process.directory}/smaps_rollup", 4096)
            process.pss_cost_seconds = self._timer() - started
            process.pss = data if isinstance(data, Missing) else parse_pss(data)
            if isinstance(process.pss, Denied):
                process.pss = process.denied
            together = sum(each.pss_cost_seconds for each in followed)
            process.pss_due_seconds = now.monotonic_seconds + max(_PSS_PERIOD_SECONDS, together * _PSS_SHARE)

    def _reading(self, process: _Followed, after: _Counters, before: _Counters | None) -> ProcessReading:
        stat = after.stat
        seconds = after.monotonic_seconds - before.monotonic_seconds if before else 0.0
        cpu: Maybe[float] = _STOOD if before else _FIRST
        if before and seconds > 0:
            cpu = max(0, stat.cpu_ticks - before.stat.cpu_ticks) * self._tick_seconds / seconds
        read, write, characters, calls = _io_rates(before, after, seconds)
        return ProcessReading(
            id=process.member.id,
            parent_pid=stat.parent_pid,
            role=process.member.role,
            name=clean(decode(stat.name), 64),
            command=process.command,
            user=process.user,
            state=clean(stat.state, 1),
            cpu_busy_ratio=cpu,
            run_queue_wait_ratio=_wait_ratio(before, after, seconds),
            cpu_seconds_total=stat.cpu_ticks * self._tick_seconds,
            threads=stat.threads,
            memory_rss_bytes=stat.rss_pages * self._page_bytes,
            memory_pss_bytes=process.pss,
            read_bytes_per_second=read,
            write_bytes_per_second=write,
            read_characters_per_second=characters,
            read_calls_per_second=calls,
            last_core=stat.last_core,
        )


def _wait_ratio(before: _Counters | None, after: _Counters, seconds: float) -> Maybe[float]:
    if isinstance(after.sched, Missing):
        return after.sched
    if before is None or isinstance(before.sched, Missing):
        return _FIRST
    if seconds <= 0:
        return _STOOD
    waited = max(0, after.sched.wait_nanoseconds - before.sched.wait_nanoseconds)
    # The kernel adds a wait when it ends, so one that began before this interval may exceed it.
    return min(1.0, waited / 1e9 / seconds)


def _io_rates(
    before: _Counters | None, after: _Counters, seconds: float
) -> tuple[Maybe[float], Maybe[float], Maybe[float], Maybe[float]]:
    """Return bytes read and written, characters read and read calls per second."""
    if isinstance(after.io, Missing):
        return (after.io,) * 4
    if before is None or isinstance(before.io, Missing):
        return (_FIRST,) * 4
    if seconds <= 0:
        return (_STOOD,) * 4
    old, new = before.io, after.io
    return (
        max(0, new.read_bytes - old.read_bytes) / seconds,
        max(0, new.write_bytes - old.write_bytes) / seconds,
        max(0, new.read_characters - old.read_characters) / seconds,
        max(0, new.read_calls - old.read_calls) / seconds,
    )


def affinity_cores(pid: int) -> Maybe[int]:
    """Return on how many cores the scheduler may put process `pid` (its main thread)."""
    try:
        return len(os.sched_getaffinity(pid))
    except (OSError, OverflowError):
        return Missing("the process is gone")
