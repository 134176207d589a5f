"""Attaching to an interpreter: what is tried again, what is left to another reader, and what is said."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpumon.frameworks.marks import YOLOV5
from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId
from gpumon.remote_python import (
    Interpreter,
    LayoutUnknown,
    NoPermission,
    NotPython,
    NotRunning,
    RemotePythonError,
)
from gpumon.sources.interpreter import InterpreterSource
from gpumon.sources.interpreter_reading import InterpreterReading
from tests.sources.interpreter_training import SteppedTraining, stepped_training

NOW = Instant(0.0, 0.0)


class Ticking:
    """A clock that goes on by a second whenever it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def training(tmp_path: Path) -> Iterator[SteppedTraining]:
    """A training that waits for its first batch."""
    with stepped_training(tmp_path) as found:
        found.until("wait")
        yield found


def until_attached(source: InterpreterSource) -> None:
    """Wait for the thread that attaches."""
    assert source._attaching is not None
    source._attaching.join()


def test_interpreter_that_starts_is_tried_again(training: SteppedTraining) -> None:
    """Before Python runs there is nothing to read: two seconds later there is."""
    tries: list[int] = []

    def attach(pid: int, start_ticks: int) -> Interpreter:
        tries.append(pid)
        if len(tries) == 1:
            raise NotRunning("it is starting")
        return Interpreter.attach(pid, start_ticks)

    clock = Ticking()
    source = InterpreterSource(training.id, YOLOV5, attach=attach, seconds=clock)
    source.drain(NOW)
    until_attached(source)
    assert Missing("it is starting") == source.drain(NOW)
    clock.now += 2.0
    source.drain(NOW)
    until_attached(source)
    assert isinstance(source.drain(NOW), InterpreterReading)
    assert len(tries) == 2


def refusing(error: Exception) -> Callable[[int, int], Interpreter]:
    def attach(pid: int, start_ticks: int) -> Interpreter:
        del pid, start_ticks
        raise error

    return attach


def test_refusal_says_what_helps() -> None:
    """Why the kernel refuses is passed on, with the way that needs no right."""
    why = NoPermission("kernel.yama.ptrace_scope is 1: use root")
    source = InterpreterSource(ProcessId(1, 1), YOLOV5, attach=refusing(why))
    source.drain(NOW)
    until_attached(source)
    assert Missing(
        "kernel.yama.ptrace_scope is 1: use root; or start the training with `gpumon run`"
    ) == source.drain(NOW)


def test_mistake_of_our_own_is_a_reason() -> None:
    """Whatever goes wrong while attaching ends no thread without a word."""
    source = InterpreterSource(ProcessId(1, 1), YOLOV5, attach=refusing(ValueError("odd")))
    source.drain(NOW)
    until_attached(source)
    assert Missing("ValueError: odd") == source.drain(NOW)


class Failing:
    """A watch that breaks at the first look."""

    is_alive = True

    def look(self, *, is_late: bool) -> None:
        del is_late
        raise ValueError("odd")

    def close(self) -> None:
        pass


def test_look_that_fails_ends_this_source_alone() -> None:
    """The thread that looks lives on, and the mistake is shown as the reason."""
    source = InterpreterSource(ProcessId(1, 1), YOLOV5, seconds=Ticking())
    source._watch = Failing()  # type: ignore[assignment]
    source.look()
    source.look()
    assert Missing("ValueError: odd") == source.drain(NOW)


class Other:
    """Another way to read an interpreter."""

    closed = False

    def drain(self, now: Instant) -> Maybe[InterpreterReading]:
        del now
        return InterpreterReading("another way")

    def close(self) -> None:
        self.closed = True


def test_unknown_layout_is_left_to_the_fallback() -> None:
    """Where the memory is not understood twice another reader takes over, and is closed with the source."""
    other, clock = Other(), Ticking()
    source = InterpreterSource(
        ProcessId(1, 1),
        YOLOV5,
        attach=refusing(LayoutUnknown("odd")),
        fallback=lambda: other,
        seconds=clock,
    )
    source.drain(NOW)
    until_attached(source)
    clock.now -= 1.0
    assert Missing("its interpreter is being looked for") == source.drain(NOW)
    clock.now += 1.0
    source.drain(NOW)
    until_attached(source)
    assert InterpreterReading("another way") == source.drain(NOW)
    source.close()
    assert other.closed


def test_nothing_takes_over_once_the_source_is_closed() -> None:
    """An attach that fails after that leaves no other reader behind."""
    closed = threading.Event()
    made: list[Other] = []

    def attach(pid: int, start_ticks: int) -> Interpreter:
        del pid, start_ticks
        assert closed.wait(10)
        raise LayoutUnknown("odd")

    def fallback() -> Other:
        made.append(Other())
        return made[-1]

    source = InterpreterSource(ProcessId(1, 1), YOLOV5, attach=attach, fallback=fallback)
    source._is_sure = True
    source.drain(NOW)
    source.close()
    closed.set()
    until_attached(source)
    assert made == []


@pytest.mark.parametrize("first", [LayoutUnknown("odd"), NotPython("no Python in it")])
def test_what_a_new_process_says_once_does_not_count(
    training: SteppedTraining, first: RemotePythonError
) -> None:
    """A process that has just started may look like anything: a second later it is read after all."""
    refusals: list[RemotePythonError] = [first]

    def attach(pid: int, start_ticks: int) -> Interpreter:
        if refusals:
            raise refusals.pop()
        return Interpreter.attach(pid, start_ticks)

    other, clock = Other(), Ticking()
    source = InterpreterSource(training.id, YOLOV5, attach=attach, fallback=lambda: other, seconds=clock)
    source.drain(NOW)
    until_attached(source)
    clock.now += 1.0
    source.drain(NOW)
    until_attached(source)
    reading = source.drain(NOW)
    source.close()
    assert isinstance(reading, InterpreterReading)
    assert reading.source.startswith("interpreter")


def test_process_without_python_is_one_when_it_has_said_so_twice() -> None:
    """The reason is shown after the second try, and the next one is half a minute later."""
    clock = Ticking()
    source = InterpreterSource(ProcessId(1, 1), YOLOV5, attach=refusing(NotPython("none")), seconds=clock)
    source.drain(NOW)
    until_attached(source)
    clock.now += 1.0
    source.drain(NOW)
    until_attached(source)
    second = source._attaching
    assert Missing("none") == source.drain(NOW)
    clock.now += 20.0
    source.drain(NOW)
    assert source._attaching is second
