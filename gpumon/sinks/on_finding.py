"""`--on-finding COMMAND`: a program that is run whenever a finding begins."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from gpumon.model.text import clean
from gpumon.monitor.onsets import Alert
from gpumon.sinks.alert_json import alert_bytes

_TIMEOUT_SECONDS = 30.0
# Alerts are rare: what does not fit comes from a command that hangs.
_MOST_RUNNING = 2
_MOST_WAITING = 16
# At the end of gpumon a message that is on its way may leave, but q must not be slow for long.
_LAST_SECONDS = 3.0
_TERM_SECONDS = 1.0
_MOST_ERROR_BYTES = 2000


class OnFinding:
    """Runs a command for each alert, with the alert as JSON on its stdin, and without a shell.

    `tell` hands an alert over and returns at once; threads of its own wait for the command, at most two of
    which run at a time, each for at most `timeout_seconds`. What goes wrong is told to `trouble` once for
    each way of going wrong.
    """

    def __init__(
        self,
        words: Sequence[str],
        trouble: Callable[[str], None],
        *,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        """Take the command as words; nothing is started before the first alert."""
        self._words = tuple(words)
        self._trouble = trouble
        self._timeout_seconds = timeout_seconds
        self._waiting: deque[bytes] = deque()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._threads: list[threading.Thread] = []
        self._told: set[str] = set()
        self._closing = False
        self._is_over = False
        self._lock = threading.Lock()

    def tell(self, alert: Alert) -> None:
        """Run the command for an alert as soon as one may run."""
        document = alert_bytes(alert)
        with self._lock:
            if self._closing:
                return
            is_full = len(self._waiting) >= _MOST_WAITING
            if not is_full:
                self._waiting.append(document)
                self._threads = [thread for thread in self._threads if thread.is_alive()]
                if len(self._threads) < _MOST_RUNNING:
                    thread = threading.Thread(target=self._work, name="gpumon on-finding", daemon=True)
                    self._threads.append(thread)
                    thread.start()
        if is_full:
            self._tell_once("too many", "the command is not run for every finding: too many wait for it")

    def close(self, seconds: float = _LAST_SECONDS) -> None:
        """Take no more alerts; let what runs and waits go on for so long, then end it. Twice is harmless."""
        with self._lock:
            self._closing = True
            threads = tuple(self._threads)
        left = seconds
        for thread in threads:
            # Two threads at most: each gets half of the time.
            thread.join(left / len(threads))
        with self._lock:
            self._is_over = True
            self._waiting.clear()
            running = tuple(self._running)
        for process in running:
            _end(process)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    # Left in the same breath, so that `tell` starts another one.
                    self._threads.remove(threading.current_thread())
                    return
                document = self._waiting.popleft()
            self._run(document)

    def _run(self, document: bytes) -> None:
        errors, errors_end = os.pipe()
        try:
            # Its own session: neither Ctrl-C nor the end of the terminal is its business.
            process = subprocess.Popen(  # noqa: S603 - the user's own command, and no shell
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors_end,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            os.close(errors)
            reason = error.strerror if isinstance(error, OSError) else error
            self._tell_once("start", f"{self._words[0]!r} cannot be started: {reason}")
            return
        finally:
            os.close(errors_end)
        head = _Head(errors)
        with self._lock:
            self._running.add(process)
            is_over = self._is_over
        if is_over:
            # It was started in the moment in which all that ran was ended.
            _end(process)
        try:
            process.communicate(document, timeout=self._timeout_seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            _close_stdin(process)
            self._tell_once("late", f"the command took more than {self._timeout_seconds:g} s and was ended")
            return
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode and not self._is_over:
            words = head.text()
            self._tell_once(
                "failed", f"the command ended with {process.returncode}{': ' if words else ''}{words}"
            )

    def _tell_once(self, way: str, sentence: str) -> None:
        with self._lock:
            is_told = way in self._told
            self._told.add(way)
        if not is_told:
            self._trouble(f"--on-finding: {clean(sentence, 300)}")


class _Head:
    """The beginning of what a command writes to its stderr; the rest is read and forgotten."""

    def __init__(self, descriptor: int) -> None:
        self._kept = b""
        self._thread = threading.Thread(target=self._read, args=(descriptor,), daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Return the first line."""
        # What it has started may hold the pipe for as long as it likes.
        self._thread.join(0.5)
        lines = self._kept.decode("utf-8", "replace").strip().splitlines()
        return clean(lines[0], 200) if lines else ""

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            while piece := pipe.read(65536):
                if len(self._kept) < _MOST_ERROR_BYTES:
                    self._kept += piece[:_MOST_ERROR_BYTES]


def _close_stdin(process: subprocess.Popen[bytes]) -> None:
    """Close what a command did not read."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it has started in its session: first with SIGTERM, then for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TERM_SECONDS)
            return
