"""Looks into the Python interpreter of a training: what its main thread does, and what its loader holds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId
from gpumon.model.text import clean
from gpumon.remote_python import (
    Gone,
    Interpreter,
    LayoutUnknown,
    NoPermission,
    NotPython,
    NotRunning,
    RemotePythonError,
    VersionUnknown,
)
from gpumon.sources.interpreter_marks import FrameMarks
from gpumon.sources.interpreter_off_cpu import OffCpu
from gpumon.sources.interpreter_reading import InterpreterReading
from gpumon.sources.interpreter_stack import StackWatch

_NOT_YET = Missing("its interpreter is being looked for")
_STUCK = Missing("its memory does not answer")
# An interpreter that starts or ends runs no Python code yet, or no more; imports take seconds.
_SECONDS_TO_RETRY = 2.0
# Without the right to read nothing changes by itself, but an administrator may grant it.
_SECONDS_TO_ASK_AGAIN = 30.0
# Of 250 attaches to processes that had just started one found a layout that it did not understand, or no
# Python: what is said only once does not count.
_SECONDS_TO_MAKE_SURE = 1.0
_PATIENCE_SECONDS = 0.1
# Waking up takes 0.1 to 0.2 ms; what comes later had to wait for a core, or for gpumon itself.
LATE_SECONDS = 0.0005

Attach = Callable[[int, int], Interpreter]


class Fallback(Protocol):
    """Reads interpreters whose layout is unknown here, in another way."""

    def drain(self, now: Instant) -> Maybe[InterpreterReading]:
        """Return what was seen since the last drain, or why nothing was."""
        ...

    def close(self) -> None:
        """Stop reading; closing twice is harmless."""
        ...


class InterpreterSource:
    """The main thread of one process, looked at many times a second through /proc/PID/mem.

    `look` is called by one thread at random moments (see `jittered_delay`), `drain` once a second by
    another; neither raises. The process is found by PID and start time, so a number that is used again is
    never read. Attaching takes tens of milliseconds and has a thread of its own, started by `drain`; where
    the layout is unknown `fallback` is asked to read in its place. `drain_cpu_seconds` is what all drains
    have used. A look costs 0.15 to 0.22 ms where its thread wakes up to cold caches (`python -m
    tests.sources.interpreter_cost`).
    """

    def __init__(
        self,
        process: ProcessId,
        marks: FrameMarks,
        *,
        attach: Attach = Interpreter.attach,
        fallback: Callable[[], Fallback] | None = None,
        seconds: Callable[[], float] = time.monotonic,
        cpu_seconds: Callable[[], float] = time.thread_time,
    ) -> None:
        """Prepare; nothing is read before the first drain. `cpu_seconds` is the calling thread's CPU time."""
        self._process = process
        self._marks = marks
        self._attach = attach
        self._new_fallback = fallback
        self._seconds = seconds
        self._cpu_seconds = cpu_seconds
        self.drain_cpu_seconds = 0.0
        self._lock = threading.Lock()
        self._watch: StackWatch | None = None
        self._fallback: Fallback | None = None
        self._missing = _NOT_YET
        self._attaching: threading.Thread | None = None
        self._due = float("-inf")
        self._is_sure = False
        self._closed = False

    @property
    def is_looking(self) -> bool:
        """Whether its looks find anything: the process was attached to."""
        return self._watch is not None

    def look(self, late_seconds: float = 0.0) -> None:
        """Look at the main thread once, so much later than was meant: a drain may hold it up besides."""
        asked = self._seconds()
        with self._lock:
            if self._watch is None:
                return
            try:
                late_seconds += self._seconds() - asked
                self._watch.look(is_late=late_seconds > LATE_SECONDS)
            except Exception as failure:  # noqa: BLE001 - one training must not end the looks at all others
                self._give_up(failure)

    @property
    def glance_seconds(self) -> float | None:
        """How soon `glance` is to be called, between two looks; None mostly: never."""
        watch = self._watch
        return None if watch is None else watch.glance_seconds

    def glance(self) -> None:
        """Look for the end of an epoch alone; never raises."""
        with self._lock:
            if self._watch is None:
                return
            try:
                self._watch.glance()
            except Exception as failure:  # noqa: BLE001 - as for looks
                self._give_up(failure)

    def drain(self, now: Instant) -> Maybe[InterpreterReading]:
        """Return what was seen since the last drain, or why nothing was."""
        begun = self._cpu_seconds()
        try:
            return self._drain(now)
        finally:
            self.drain_cpu_seconds += self._cpu_seconds() - begun

    def _drain(self, now: Instant) -> Maybe[InterpreterReading]:
        if not self._lock.acquire(timeout=_PATIENCE_SECONDS):
            return _STUCK
        try:
            if self._watch is not None and not self._watch.is_alive:
                self._let_go(Missing("the process has ended, or runs another program now"))
            if self._watch is not None:
                return self._watch.drain()
        except Exception as failure:  # noqa: BLE001 - shown as the reason; the monitor goes on
            self._give_up(failure)
        finally:
            self._lock.release()
        if self._fallback is not None:
            return self._fallback.drain(now)
        self._try_to_attach()
        return self._missing

    def close(self) -> None:
        """Let go of the process; closing twice is harmless."""
        self._closed = True
        # A look that hangs in a read keeps the lock: its descriptor ends with it.
        if self._lock.acquire(timeout=_PATIENCE_SECONDS):
            try:
                self._let_go(Missing("not followed any more"))
            finally:
                self._lock.release()
        # What attaches makes none any more once the lock was free.
        if self._fallback is not None:
            self._fallback.close()

    def _let_go(self, why: Missing) -> None:
        if self._watch is not None:
            self._watch.close()
        self._watch = None
        self._missing = why

    def _give_up(self, failure: Exception) -> None:
        """Let go after a mistake of our own, and try again later."""
        self._let_go(Missing(clean(f"{type(failure).__name__}: {failure}", 300)))
        self._due = self._seconds() + _SECONDS_TO_ASK_AGAIN

    def _try_to_attach(self) -> None:
        running = self._attaching is not None and self._attaching.is_alive()
        if self._closed or running or self._seconds() < self._due:
            return
        self._attaching = threading.Thread(target=self._attach_once, name="gpumon attach", daemon=True)
        self._attaching.start()

    def _attach_once(self) -> None:
        """Attach, or learn why it cannot be done and when to try again."""
        process = self._process
        try:
            interpreter = self._attach(process.pid, process.start_ticks)
            main = interpreter.main_thread
            thread = main.native_id if main is not None and main.native_id is not None else process.pid
            off_cpu = OffCpu(process.pid, thread, seconds=self._seconds)
            watch = StackWatch(interpreter, self._marks, off_cpu, self._seconds)
        except RemotePythonError as error:
            if isinstance(error, NotPython | LayoutUnknown) and not self._is_sure:
                self._is_sure = True
                self._due = self._seconds() + _SECONDS_TO_MAKE_SURE
                return
            self._missing = Missing(clean(reason_of(error), 300))
            self._due = self._seconds() + _seconds_until_next_try(error)
            if isinstance(error, VersionUnknown | LayoutUnknown) and self._new_fallback is not None:
                with self._lock:
                    if not self._closed:
                        self._fallback = self._new_fallback()
            return
        except Exception as failure:  # noqa: BLE001 - a mistake of ours is shown, and does not end the thread
            self._give_up(failure)
            return
        with self._lock:
            if self._closed:
                watch.close()
            else:
                self._watch = watch


def reason_of(error: RemotePythonError) -> str:
    """Say why an interpreter cannot be read, and what helps where something does."""
    if isinstance(error, NoPermission):
        return f"{error.reason}; or start the training with `gpumon run`"
    return error.reason


def _seconds_until_next_try(error: RemotePythonError) -> float:
    return _SECONDS_TO_RETRY if isinstance(error, NotRunning | Gone) else _SECONDS_TO_ASK_AGAIN
