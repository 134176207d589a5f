"""Queues of multiprocessing in every installed Python: their semaphores tell how full they are."""

from __future__ import annotations

import pytest

from gpumon.remote_python import Frame
from tests.remote_python.children import PROGRAMS, attached, frame_named
from tests.remote_python.interpreters import Installed, installed


def taken(frame: Frame, name: str) -> int | None:
    """Return how often the semaphore of a queue is taken."""
    queue = frame.local(name)
    semaphore = queue.attr("_sem") if queue else None
    part = semaphore.attr("_semlock") if semaphore else None
    return part.taken if part else None


@pytest.mark.parametrize("one", installed(), ids=str)
def test_a_queue_is_as_full_as_its_semaphore_is_taken(one: Installed) -> None:
    """What was put and not yet got counts, whatever the bound of the queue."""
    with attached(one.program, PROGRAMS / "queues.py") as (interpreter, said):
        work = frame_named(interpreter, "work")
        assert said == {name: taken(work, name) for name in said}


@pytest.mark.parametrize("one", installed()[:1], ids=str)
def test_what_is_no_semaphore_is_not_taken(one: Installed) -> None:
    """A mutex is none, and a queue has no C part itself."""
    with attached(one.program, PROGRAMS / "queues.py") as (interpreter, _said):
        work = frame_named(interpreter, "work")
        mutex, queue = work.local("mutex"), work.local("three")
        assert mutex is not None
        assert queue is not None
        part = mutex.attr("_semlock")
        assert part is not None
        assert (None, None, None) == (mutex.taken, queue.taken, part.taken)
