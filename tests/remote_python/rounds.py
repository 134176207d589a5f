"""Rounds of attaching to processes that start, fork, exec, crash and exit at random."""

from __future__ import annotations

import random
import resource
import subprocess
import time
from collections import Counter
from pathlib import Path

from gpumon.remote_python import Interpreter, RemotePythonError
from tests.remote_python.children import PROGRAMS
from tests.remote_python.interpreters import Installed

# After these many turns a round ends, even if its process lives on.
MOST_TURNS = 30
LONGEST_PAUSE_SECONDS = 1e-4


def play_round(one: Installed, chance: random.Random, tally: Counter[str]) -> None:
    """Start a process and attach to it at random moments of its life. Raises AssertionError.

    `tally` counts attaches, refusals by kind, and the stamps that were read.
    """
    # No core files of those that crash.
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, limits[1]))
    try:
        child = subprocess.Popen(
            [one.program, "-I", "-S", PROGRAMS / "fleeting.py", str(chance.randrange(1 << 30)), "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, limits)
    tally["rounds"] += 1
    try:
        for _ in range(chance.randrange(1, MOST_TURNS)):
            # Not so many turns given up: beside other programs each of them may take milliseconds.
            time.sleep(chance.random() * LONGEST_PAUSE_SECONDS)
            attach_once(child.pid, chance, tally)
            if child.poll() is not None:
                break
    finally:
        child.kill()
        child.wait()


def attach_once(pid: int, chance: random.Random, tally: Counter[str]) -> None:
    """Attach, look a few times and detach."""
    try:
        interpreter = Interpreter.attach(pid)
    except RemotePythonError as error:
        tally[f"{type(error).__name__}: {error.reason.replace(str(pid), 'N')}"] += 1
        return
    with interpreter:
        tally["attached"] += 1
        stamps = set()
        for _ in range(chance.randrange(1, 20)):
            stamp = read_stamp(interpreter)
            if stamp is not None:
                tally["stamps"] += 1
                stamps.add(stamp)
        assert len(stamps) <= 1, f"stamps of several programs: {stamps}"
        assert {stamp[0] for stamp in stamps} <= {pid}, f"stamps of another process than {pid}: {stamps}"


def read_stamp(interpreter: Interpreter) -> tuple[int, int] | None:
    """Return the stamp in the frame of `live`, if it can be read."""
    main = interpreter.main_thread
    for frame in (main.frames() if main else None) or ():
        if frame.name == "live":
            stamp = frame.local("stamp")
            items = stamp.items if stamp else None
            numbers = [item.int for item in items or ()]
            if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None:
                return numbers[0], numbers[1]
    return None


def open_files() -> int:
    """Return how many files this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def resident_bytes() -> int:
    """Return how much memory this process has in use."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
