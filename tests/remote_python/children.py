"""Real Python processes that say what they do, for the tests of what reads them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gpumon.remote_python import Frame, Interpreter

PROGRAMS = Path(__file__).parent / "programs"
# read(0, ...) as /proc/PID/syscall shows it, on x86_64 and on aarch64.
_READS_ITS_INPUT = ([b"0", b"0x0"], [b"63", b"0x0"])


@contextmanager
def started(command: Sequence[str | Path]) -> Iterator[tuple[subprocess.Popen[bytes], Any]]:
    """Run a command until it has said a line of JSON; yield it and what it said, and kill it at the end."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        said = json.loads(child.stdout.readline())
        until_waiting(child.pid)
        yield child, said
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
        child.stdin.close()


def until_waiting(pid: int) -> None:
    """Return when the main thread reads its input, and sleeps until there is some, or the process has ended.

    A thread that has only just said something may sleep for other reasons: it waits for the interpreter's
    lock, or for a page from the disk. Where the kernel does not tell what it sleeps in, any sleep will do.
    The core is yielded in between.
    """
    stat, call = Path(f"/proc/{pid}/stat"), Path(f"/proc/{pid}/syscall")
    while (state := stat.read_bytes().rpartition(b")")[2].split()[0]) != b"Z":
        try:
            is_waiting = call.read_bytes().split()[:2] in _READS_ITS_INPUT
        except ProcessLookupError:  # it has just ended
            is_waiting = False
        except OSError:
            is_waiting = state == b"S"
        if is_waiting:
            return
        os.sched_yield()


@contextmanager
def attached(program: Path, *command: str | Path) -> Iterator[tuple[Interpreter, Any]]:
    """Run a program of `programs` by an interpreter and attach to it; yield the reader and what was said."""
    with (
        started([program, *command]) as (child, said),
        Interpreter.attach(child.pid) as interpreter,
    ):
        yield interpreter, said


def main_frames(interpreter: Interpreter) -> tuple[Frame, ...]:
    """Return the main thread's stack, which must be readable."""
    main = interpreter.main_thread
    assert main is not None
    frames = main.frames()
    assert frames is not None
    return frames


def frame_named(interpreter: Interpreter, name: str) -> Frame:
    """Return the innermost frame of a function in the main thread."""
    return next(frame for frame in main_frames(interpreter) if frame.name == name)
