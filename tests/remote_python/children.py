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
    """Return when the process sleeps, as it does once it reads its input (yields the core in between)."""
    stat = Path(f"/proc/{pid}/stat")
    while stat.read_bytes().rpartition(b")")[2].split()[0] not in {b"S", b"Z"}:
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
