"""Looks at the threads of a training: what each waits for, many times a second."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId, ThreadStates
from gpumon.model.text import clean
from gpumon.sources.proc_fields import SchedStat, parse_schedstat, parse_sleeps, parse_stat
from gpumon.sources.proc_file import KeptFile, read_file, read_names
from gpumon.sources.process_details import decode
from gpumon.sources.thread_state import (
    SystemCalls,
    ThreadState,
    classify_sleep,
    is_remote,
    state_letter,
    system_calls,
)

_MOST_THREADS = 1024
# Five descriptors each: see processes.py.
_MOST_KEPT = 80
# What the system call of a thread says is remembered by its bytes: a thread that waits always waits in the
# same few places, with the same arguments.
_MOST_REMEMBERED = 256
_CALL_BYTES = 1024
_RUNS = {b"running\n": ThreadState.RUNNING}
# Its state besides is read once in so many looks, since a stopped thread shows the call it was stopped in.
_LOOKS_PER_STATE = 8


@dataclass(frozen=True, slots=True)
class ThreadTarget:
    """A thread to look at. The main thread of a process has the process's PID."""

    process: ProcessId
    thread_id: int


class _Watched:
    """One thread: its kept files and what was counted since the last drain."""

    def __init__(self, target: ThreadTarget, root: str, *, keep: bool) -> None:
        self.target = target
        self._root = root
        self._keep = keep
        directory = f"{root}/{target.process.pid}/task/{target.thread_id}"
        files = tuple(
            KeptFile(f"{directory}/{name}", 8192, keep=keep, reopen=not keep)
            for name in ("stat", "syscall", "wchan", "schedstat", "status")
        )
        self._stat, self._call, self._channel, self._sched, self._status = self._files = files
        self.counts = [0] * len(ThreadState)
        self.previous: tuple[float, SchedStat, Maybe[int]] | None = None
        self._until_state = 0
        # An open descriptor never shows another process: opened before the check, it is checked for good.
        self._stat.read()
        self.is_gone = not _is_same_process(root, target.process)

    def look(self, numbers: SystemCalls | None, known: dict[bytes, ThreadState]) -> None:
        """Count the class of what the thread does now. `known` are the calls that tell it alone."""
        if self._until_state:
            self._until_state -= 1
            try:
                state = known.get(os.pread(self._call.descriptor, _CALL_BYTES, 0))
            except OSError:
                # Gone, not allowed, or not kept open: what follows finds out which.
                state = None
            if state is not None:
                self.counts[state] += 1
                return
        self._look_at_state(numbers, known)

    def _look_at_state(self, numbers: SystemCalls | None, known: dict[bytes, ThreadState]) -> None:
        data = self._stat.read()
        letter = "" if isinstance(data, Missing) else state_letter(data)
        if letter in ("R", "S"):
            self._until_state = _LOOKS_PER_STATE - 1
        if letter == "R":
            self.counts[ThreadState.RUNNING] += 1
            if self._call.descriptor < 0 and self._keep:
                # Opened for the next looks, which then do not need the state.
                self._call.read()
        elif letter == "S":
            call = self._call.read()
            state = classify_sleep(call, None, numbers)
            if state is None:
                state = classify_sleep(call, self._channel.read(), numbers)
            elif not isinstance(call, Missing) and len(known) < _MOST_REMEMBERED:
                known[call] = state
            self.counts[ThreadState.SLEEPING if state is None else state] += 1
        elif letter == "D":
            channel = self._channel.read()
            remote = not isinstance(channel, Missing) and is_remote(channel.decode("ascii", "replace"))
            self.counts[ThreadState.REMOTE if remote else ThreadState.DISK] += 1
        elif letter in ("T", "t"):
            self.counts[ThreadState.STOPPED] += 1
        elif letter in ("", "Z", "X"):
            self.is_gone = True
            self.close()
        else:
            self.counts[ThreadState.SLEEPING] += 1

    def drain(self, now: Instant) -> ThreadStates:
        """Return the counts since the last drain and start anew."""
        if not self._keep and not _is_same_process(self._root, self.target.process):
            self.is_gone = True
        counts, self.counts = self.counts, [0] * len(ThreadState)
        cpu, wait, turns, sleeps = self._account(now)
        return ThreadStates(
            id=self.target.process,
            thread_id=self.target.thread_id,
            samples=sum(counts),
            running=counts[ThreadState.RUNNING],
            polling=counts[ThreadState.POLLING],
            futex_timed=counts[ThreadState.FUTEX_TIMED],
            futex_untimed=counts[ThreadState.FUTEX_UNTIMED],
            disk=counts[ThreadState.DISK],
            remote=counts[ThreadState.REMOTE],
            sleeping=counts[ThreadState.SLEEPING] + counts[ThreadState.RECEIVING],
            stopped=counts[ThreadState.STOPPED],
            receiving=counts[ThreadState.RECEIVING],
            cpu_busy_ratio=cpu,
            run_queue_wait_ratio=wait,
            turns_per_second=turns,
            sleeps_per_second=sleeps,
        )

    def _account(self, now: Instant) -> tuple[Maybe[float], Maybe[float], Maybe[float], Maybe[float]]:
        """Return the shares on a core and waiting for one, and turns on a core and sleeps a second."""
        data = Missing("the thread has ended") if self.is_gone else self._sched.read()
        after = data if isinstance(data, Missing) else parse_schedstat(data)
        if isinstance(after, Missing):
            return after, after, after, after
        sleeps = self._sleeps()
        previous, self.previous = self.previous, (now.monotonic_seconds, after, sleeps)
        missing = Missing("needs two readings")
        if previous is None:
            return missing, missing, missing, missing
        seconds, before, slept = now.monotonic_seconds - previous[0], previous[1], previous[2]
        if seconds <= 0:
            missing = Missing("no time has passed since the last reading")
            return missing, missing, missing, missing
        run = max(0, after.run_nanoseconds - before.run_nanoseconds) / 1e9 / seconds
        wait = max(0, after.wait_nanoseconds - before.wait_nanoseconds) / 1e9 / seconds
        turns = max(0, after.turns - before.turns) / seconds
        rate: Maybe[float] = missing
        if isinstance(sleeps, Missing):
            rate = sleeps
        elif not isinstance(slept, Missing):
            rate = max(0, sleeps - slept) / seconds
        # A running thread's time is added at ticks of up to 10 ms, and a wait when it ends.
        return min(1.0, run), min(1.0, wait), turns, rate

    def _sleeps(self) -> Maybe[int]:
        data = self._status.read()
        return data if isinstance(data, Missing) else parse_sleeps(data)

    def close(self) -> None:
        """Give the descriptors back."""
        for file in self._files:
            file.close()


class ThreadSampler:
    """Looks at threads and counts what they do, by the classes of ThreadStates.

    `look` is called by one thread at random moments (see `jittered_delay`), `watch` and `drain` by
    another. One look costs 3 us per thread, 8 in a sleep that needs its wait channel. A thread that is
    stopped is noticed within 8 looks. `drain_cpu_seconds` is what all drains have used.

    A page that is read through the page cache waits in state D in the same kernel function whether it
    comes from a local disk, from NFS or from FUSE with asynchronous reads: `disk` may be any of them.
    read_bytes of /proc/PID/io stays zero for FUSE, which tells that one apart.
    """

    def __init__(
        self,
        proc_root: str = "/proc",
        machine: str | None = None,
        cpu_seconds: Callable[[], float] = time.thread_time,
    ) -> None:
        """`machine` is what `uname -m` says; system calls are numbered differently on each.

        `cpu_seconds` is the calling thread's CPU time.
        """
        self._root = proc_root
        self._cpu_seconds = cpu_seconds
        self.drain_cpu_seconds = 0.0
        self._numbers = system_calls(os.uname().machine if machine is None else machine)
        self._watched: dict[ThreadTarget, _Watched] = {}
        self._known = dict(_RUNS)
        self._lock = Lock()

    def watch(self, targets: Sequence[ThreadTarget]) -> None:
        """Watch these threads from now on. Counts of those that were watched before are kept."""
        wanted = dict.fromkeys(targets)
        with self._lock:
            for gone in self._watched.keys() - wanted.keys():
                self._watched.pop(gone).close()
            for target in wanted:
                if target not in self._watched:
                    keep = len(self._watched) < _MOST_KEPT
                    self._watched[target] = _Watched(target, self._root, keep=keep)

    def look(self) -> None:
        """Look once at every watched thread that still runs."""
        with self._lock:
            for watched in self._watched.values():
                if not watched.is_gone:
                    watched.look(self._numbers, self._known)

    def drain(self, now: Instant) -> tuple[ThreadStates, ...]:
        """Return what was counted since the last drain, in the order of `watch`.

        A thread that has ended is reported a last time if it was counted since, and then no more.
        """
        begun = self._cpu_seconds()
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known = dict(_RUNS)
            drained = tuple(
                watched.drain(now)
                for watched in self._watched.values()
                if not watched.is_gone or any(watched.counts)
            )
        self.drain_cpu_seconds += self._cpu_seconds() - begun
        return drained

    def close(self) -> None:
        """Watch nothing and give the descriptors back."""
        self.watch(())


def _is_same_process(root: str, process: ProcessId) -> bool:
    data = read_file(f"{root}/{process.pid}/stat", 4096)
    stat = data if isinstance(data, Missing) else parse_stat(data)
    return not isinstance(stat, Missing) and stat.start_ticks == process.start_ticks


def find_threads(pid: int, proc_root: str = "/proc") -> tuple[tuple[int, str], ...]:
    """Return (thread id, name) of every thread of process `pid`, the main thread first; none when gone.

    torch 2.5 and later name their pinning thread `pt_data_pin`. Costs about 10 us per thread.
    """
    names = read_names(f"{proc_root}/{pid}/task")
    if isinstance(names, Missing):
        return ()
    found: list[tuple[int, str]] = []
    for thread_id in sorted(int(name) for name in names if name.isascii() and name.isdigit())[:_MOST_THREADS]:
        name = read_file(f"{proc_root}/{pid}/task/{thread_id}/comm", 64)
        if not isinstance(name, Missing):
            found.append((thread_id, clean(decode(name.rstrip(b"\n")), 64)))
    found.sort(key=lambda thread: (thread[0] != pid, thread[0]))
    return tuple(found)


def jittered_delay(rate_hertz: float, randomness: random.Random) -> float:
    """Return the seconds to wait before a look: uniform in 0.5-1.5 periods, so 1 period in the mean.

    Looks at a fixed rate fall into step with a loop: 20 Hz against 77 batches/s read 0.58 for 0.68.
    """
    return (0.5 + randomness.random()) / rate_hertz
