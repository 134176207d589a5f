"""A source in a thread of its own, so that a slow call delays nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from gpumon.model.clock import Instant
from gpumon.model.text import clean

R = TypeVar("R")


class SourceThread(Generic[R]):
    """Runs `read` when asked, at most one call at a time, and keeps its newest result.

    `ask` starts a reading unless one is still under way; `newest` waits for it up to a deadline and
    returns the last finished one with whether it is the one just asked for. An exception of the source
    is kept as a sentence: one broken source must not end the monitor.
    """

    def __init__(self, name: str, read: Callable[[Instant], R]) -> None:
        """Prepare the thread; it starts with the first `ask`."""
        self.name = name
        self._read = read
        self._wanted: Instant | None = None
        self._result: R | None = None
        self._error = ""
        self._fresh = True
        self._stopping = False
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None

    def ask(self, now: Instant) -> None:
        """Start a reading for `now`, unless the previous one is still under way."""
        with self._condition:
            if not self._fresh or self._stopping:
                return
            self._fresh = False
            self._wanted = now
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"gpumon {self.name}", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def newest(self, timeout_seconds: float) -> tuple[R | None, bool]:
        """Return the newest result (None before the first) and whether it is on time."""
        with self._condition:
            on_time = self._condition.wait_for(lambda: self._fresh, timeout_seconds)
            return self._result, on_time

    @property
    def error(self) -> str:
        """What went wrong in the last reading, or an empty text."""
        with self._condition:
            return self._error

    def stop(self) -> None:
        """End the thread; one that hangs in a call is left behind (it is a daemon)."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._wanted is not None or self._stopping)
                if self._stopping:
                    return
                wanted, self._wanted = self._wanted, None
            assert wanted is not None  # noqa: S101 - what was waited for
            result, error = None, ""
            try:
                result = self._read(wanted)
            except Exception as failure:  # noqa: BLE001 - kept and shown; the monitor goes on
                error = clean(f"{type(failure).__name__}: {failure}", 300)
            with self._condition:
                if not error:
                    self._result = result
                self._error = error
                self._fresh = True
                self._condition.notify_all()
