"""The CPython interpreter of another process."""

from __future__ import annotations

from types import TracebackType
from typing import final

from gpumon.remote_python.debug_offsets import layout_told_by
from gpumon.remote_python.errors import Gone, LayoutUnknown, NotRunning, RemotePythonError, VersionUnknown
from gpumon.remote_python.layout import Layout, Version
from gpumon.remote_python.layouts import layout_of
from gpumon.remote_python.memory import Memory, ProcessMemory, TornRead
from gpumon.remote_python.process import open_memory, own_pid, thread_ids
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.runtime import Runtime, find_runtime
from gpumon.remote_python.self_test import check_layout
from gpumon.remote_python.thread import Thread, find_threads

_FIRST_WITH_DEBUG_OFFSETS = (3, 13)


@final
class Interpreter:
    """The CPython interpreter of another process, read through /proc/PID/mem while it runs.

    `pid` and `start_ticks` (clock ticks since boot) name the process, `version` is (3, 11) and the like.
    Reading never stops the process and raises nothing: what cannot be read is None. After the process has
    ended or called exec everything is, and `alive` is False; nothing is ever read from another program.
    Not for two threads at once.
    """

    def __init__(
        self, pid: int, start_ticks: int, memory: ProcessMemory, runtime: Runtime, layout: Layout
    ) -> None:
        self.pid = pid
        self.start_ticks = start_ticks
        self.version: Version = runtime.version
        self._memory = memory
        self._runtime = runtime
        self._reader = Reader(memory, layout)
        self._own_pid = own_pid(pid)
        self._threads: tuple[Thread, ...] = ()
        self._main: Thread | None = None

    @classmethod
    def attach(cls, pid: int, start_ticks: int | None = None) -> Interpreter:
        """Find the interpreter of a process and test that it is understood.

        With `start_ticks` the process must be the one that started then. Raises NoPermission, Gone,
        NotPython, NotRunning, VersionUnknown or LayoutUnknown, all of them RemotePythonError. A process that
        is about to start or to end may look like anything: try again before giving up. Costs 2-10 ms.
        """
        memory, started = open_memory(pid, start_ticks)
        try:
            runtime = find_runtime(pid, memory)
            interpreter = cls(pid, started, memory, runtime, known_layout(memory, runtime))
            interpreter._test()
        except RemotePythonError:
            gone = not memory.exists
            memory.close()
            if gone:
                raise Gone(f"process {pid} has ended, or runs another program now") from None
            raise
        interpreter._reader.torn_reads = interpreter._reader.lost_reads = 0
        return interpreter

    def _test(self) -> None:
        threads = self._read_threads()
        if threads is None:
            raise LayoutUnknown("the interpreter's list of threads cannot be read")
        if not threads:
            raise NotRunning("the interpreter has no threads: it is starting or ending")
        self._threads, self._main = threads, _main(threads)
        check_layout(self._main)

    @property
    def alive(self) -> bool:
        """Whether the process still runs the program that was attached to."""
        return self._memory.exists

    @property
    def torn_reads(self) -> int:
        """How many reads were repeated since attaching because something changed meanwhile."""
        return self._reader.torn_reads

    @property
    def lost_reads(self) -> int:
        """How many reads failed since attaching although they were repeated four times."""
        return self._reader.lost_reads

    def threads(self) -> tuple[Thread, ...]:
        """Return the threads that run Python code, the oldest first. Empty if they cannot be read.

        A thread that is still there is the same object as the last time.
        """
        known = {thread.identity: thread for thread in self._threads}
        self._threads = tuple(known.get(thread.identity, thread) for thread in self._read_threads() or ())
        self._main = _main(self._threads)
        return self._threads

    @property
    def main_thread(self) -> Thread | None:
        """The main thread; the oldest one if Python does not run in the main thread of the process."""
        if self._main is None:
            self.threads()
        return self._main

    def _read_threads(self) -> tuple[Thread, ...] | None:
        ids = thread_ids(self.pid)
        return self._reader.attempt(
            lambda: find_threads(self._reader, self._runtime.address, self._own_pid, ids)
        )

    def close(self) -> None:
        """Let go of the process. Everything that is read afterwards is None."""
        self._memory.close()

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _main(threads: tuple[Thread, ...]) -> Thread | None:
    return next((thread for thread in threads if thread.is_main), threads[0] if threads else None)


def known_layout(memory: Memory, runtime: Runtime) -> Layout:
    """Return the layout of an interpreter: its table, and from 3.13 on what it tells itself.

    Raises VersionUnknown or LayoutUnknown.
    """
    table = layout_of(runtime.version)
    if table is None:
        raise VersionUnknown("Python {}.{} is not known here".format(*runtime.version))
    if runtime.version < _FIRST_WITH_DEBUG_OFFSETS:
        return table
    try:
        return layout_told_by(memory, runtime.address, table)
    except TornRead:
        raise LayoutUnknown("the interpreter does not tell its offsets") from None
