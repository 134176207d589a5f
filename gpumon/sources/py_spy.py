"""py-spy in a process of its own: the fallback for interpreters whose layout is not known here."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId
from gpumon.model.training import Phase
from gpumon.sources.interpreter_marks import FrameMarks
from gpumon.sources.interpreter_reading import InterpreterReading, LoopReading, PhaseLooks
from gpumon.sources.proc_fields import parse_stat
from gpumon.sources.proc_file import read_file
from gpumon.sources.py_spy_output import first_error, parse_dump, parse_stacks

NOT_INSTALLED = Missing("py-spy not installed: pip install gpumon[pyspy]")
_NOT_YET = Missing("py-spy has not answered yet")
# A record writes only at its end: 3 s at 50 Hz cost 3 % of a core, a dump 11 ms (py-spy 0.4.3).
RECORD_SECONDS = 3
_RATE_HERTZ = 50
_TIMEOUT_SECONDS = 2.0
_SECONDS_AFTER_AN_ERROR = 5.0
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run of py-spy wrote, and the first line of its error."""

    output: str = ""
    error: str = ""


Run = Callable[[Sequence[str], float], Ran]


def find_py_spy() -> str | None:
    """Return the path of py-spy beside this Python, or else on PATH; None where there is none."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("py-spy")


def run_py_spy(arguments: Sequence[str], seconds: float) -> Ran:
    """Run a command for at most `seconds`, in a process group of its own that ends with it."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(  # noqa: S603 - our own words and a number
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True
            )
        except OSError as failure:
            return Ran(error=failure.strerror or "it cannot be started")
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return Ran(error=f"no answer within {seconds:g} s")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        errors.seek(0)
        error = first_error(errors.read(_MOST_BYTES).decode("utf-8", "replace"))
        if process.returncode and not error:
            error = f"exit status {process.returncode}"
        return Ran(output.read(_MOST_BYTES).decode("utf-8", "replace"), error)


class PySpySource:
    """Looks at a main thread by py-spy, without pausing it: stacks for 3 s, variables once, and again.

    `drain` never waits for py-spy: a thread runs it, and what a record counted is handed out over the
    seconds after it.
    """

    def __init__(
        self,
        process: ProcessId,
        marks: FrameMarks,
        *,
        find: Callable[[], str | None] = find_py_spy,
        run: Run = run_py_spy,
        seconds: Callable[[], float] = time.monotonic,
        proc_root: str = "/proc",
    ) -> None:
        """Prepare; py-spy runs from the first drain on."""
        self._process = process
        self._marks = marks
        self._find = find
        self._run = run
        self._seconds = seconds
        self._root = proc_root
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._missing: Missing = _NOT_YET
        self._loop: LoopReading | None = None
        self._has_answered = self._has_loader = False
        self._pending: dict[Phase, PhaseLooks] = {}
        self._pending_until = 0.0
        self._drained = 0.0

    def drain(self, now: Instant) -> Maybe[InterpreterReading]:
        """Return what the newest runs saw, or why nothing was seen."""
        del now
        if self._thread is None and not self._stop.is_set():
            program = self._find()
            if program is None:
                return NOT_INSTALLED
            self._drained = self._seconds()
            self._thread = threading.Thread(
                target=self._loop_runs, args=(program,), name="gpumon py-spy", daemon=True
            )
            self._thread.start()
        with self._lock:
            at = self._seconds()
            looks = self._handed_out(at)
            self._drained = at
            if not self._has_answered:
                return self._missing
            return InterpreterReading(
                source="py-spy", phases=looks, loop=self._loop, has_loader=self._has_loader
            )

    def close(self) -> None:
        """Run py-spy no more; a run under way ends by itself within seconds."""
        self._stop.set()

    def _handed_out(self, at: float) -> tuple[PhaseLooks, ...]:
        left, since = self._pending_until - self._drained, at - self._drained
        share = 1.0 if left <= since or left <= 0 else since / left
        out = []
        for phase, seen in tuple(self._pending.items()):
            looks, waiting = round(seen.looks * share), round(seen.waiting * share)
            out.append(PhaseLooks(seen.phase, looks, waiting))
            self._pending[phase] = PhaseLooks(seen.phase, seen.looks - looks, seen.waiting - waiting)
        return tuple(seen for seen in out if seen.looks)

    def _loop_runs(self, program: str) -> None:
        while not self._stop.is_set() and self._is_there():
            dump, record = self._dump(program), self._record(program)
            error = record.error or dump.error
            with self._lock:
                if not error:
                    self._has_answered = True
                    self._loop = parse_dump(dump.output, self._process.pid, self._marks)
                    for seen in parse_stacks(record.output, self._process.pid, self._marks):
                        self._has_loader = self._has_loader or seen.waiting > 0
                        before = self._pending.get(seen.phase, PhaseLooks(seen.phase, 0, 0))
                        self._pending[seen.phase] = PhaseLooks(
                            seen.phase, before.looks + seen.looks, before.waiting + seen.waiting
                        )
                    self._pending_until = self._seconds() + RECORD_SECONDS
                else:
                    self._has_answered = False
                    self._missing = Missing(f"py-spy: {error}")
            if error:
                self._stop.wait(_SECONDS_AFTER_AN_ERROR)
        with self._lock:
            self._has_answered = False
            self._missing = Missing("the process has ended")

    def _dump(self, program: str) -> Ran:
        words = [program, "dump", "--json", "--nonblocking", "--locals", "--pid", str(self._process.pid)]
        return self._run(words, _TIMEOUT_SECONDS)

    def _record(self, program: str) -> Ran:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "stacks")
            words = [program, "record", "--format", "raw", "--rate", str(_RATE_HERTZ), "--nonblocking"]
            words += ["--duration", str(RECORD_SECONDS), "--idle", "--threads", "--nolineno"]
            words += ["--full-filenames", "--output", str(file), "--pid", str(self._process.pid)]
            ran = self._run(words, RECORD_SECONDS + _TIMEOUT_SECONDS)
            if ran.error or not file.is_file():
                return ran if ran.error else Ran(error="it wrote nothing")
            with file.open("rb") as opened:
                return Ran(opened.read(_MOST_BYTES).decode("utf-8", "replace"))

    def _is_there(self) -> bool:
        """Tell whether the PID is still that of the process."""
        data = read_file(f"{self._root}/{self._process.pid}/stat", 4096)
        stat = data if isinstance(data, Missing) else parse_stat(data)
        return not isinstance(stat, Missing) and stat.start_ticks == self._process.start_ticks
