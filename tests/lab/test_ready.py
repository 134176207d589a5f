"""How many batches wait for the loop of a real DataLoader without a pinning thread."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpumon.remote_python import Interpreter
from gpumon.sources.interpreter_loader import read_iterator
from tests.remote_python.children import frame_named, started

SCRIPT = Path(__file__).with_name("ready.py")


class Loop:
    """The loop that takes batches as it is told, looked at from outside."""

    def __init__(self, child: subprocess.Popen[bytes], interpreter: Interpreter) -> None:
        self._child = child
        self._interpreter = interpreter

    def take(self) -> None:
        """Let it ask for its next batch, without waiting for that."""
        self._say("next")

    def until(self, count: int, word: str = "until") -> int:
        """Wait until so many batches are ready, or held out of turn; return how many are ready."""
        self._say(f"{word} {count}")
        assert self._child.stdout is not None
        found: int = json.loads(self._child.stdout.readline())
        return found

    def seen(self) -> int | None:
        """Return how many batches are ready as seen from outside."""
        batches = frame_named(self._interpreter, "loop").local("batches")
        found = None if batches is None else read_iterator(batches, 0.0)
        assert found is not None
        return found[0].batches_ready

    def _say(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(f"{line}\n".encode())
        self._child.stdin.flush()


@contextmanager
def looping(*late: int) -> Iterator[Loop]:
    """Start the loop with items that never come."""
    command: list[str | Path] = [sys.executable, SCRIPT, *map(str, late)]
    with started(command) as (child, _said), Interpreter.attach(child.pid) as interpreter:
        yield Loop(child, interpreter)


def test_a_full_prefetch_queue_is_seen() -> None:
    """Two workers have loaded two batches each, and the loop has taken none."""
    with looping() as loop:
        assert (4, 4) == (loop.until(4), loop.seen())


def test_batches_that_were_taken_or_are_not_loaded_do_not_count() -> None:
    """Batches 1 to 3 are there, batch 0 was taken, and batch 4 is being loaded."""
    with looping(4) as loop:
        loop.until(4)
        loop.take()
        assert (3, 3) == (loop.until(3), loop.seen())


def test_batches_out_of_turn_count_although_they_have_left_the_queue() -> None:
    """The loop waits for batch 1, and holds batches 2 and 4 of the other worker."""
    with looping(1) as loop:
        loop.until(2)
        loop.take()
        loop.until(2)
        loop.take()
        assert (2, 2) == (loop.until(2, "held"), loop.seen())


def test_a_starved_loop_has_none() -> None:
    """Nothing has been loaded."""
    with looping(0, 1) as loop:
        loop.take()
        assert (0, 0) == (loop.until(0), loop.seen())
