"""A source in a thread of its own: late, broken, stopped. Events decide when a reading ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gpumon.model.clock import Instant
from gpumon.monitor.source_thread import SourceThread

FIRST, SECOND, THIRD = Instant(1.0, 1.0), Instant(2.0, 2.0), Instant(3.0, 3.0)
# Long enough for any machine; only a failing test waits so long.
PATIENCE_SECONDS = 30.0


class Gate:
    """A source whose readings last until the test lets them end."""

    def __init__(self) -> None:
        self.asked: list[Instant] = []
        self.threads: set[threading.Thread] = set()
        self.begun = threading.Semaphore(0)
        self._let = threading.Semaphore(0)
        self.failure: Exception | None = None

    def read(self, now: Instant) -> float:
        """Return the moment that was asked for, or fail."""
        self.asked.append(now)
        self.threads.add(threading.current_thread())
        self.begun.release()
        self._let.acquire(timeout=PATIENCE_SECONDS)
        if self.failure is not None:
            raise self.failure
        return now.unix_seconds

    def let(self, readings: int = 1) -> None:
        """Let readings end."""
        self._let.release(readings)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Return a gate that opens at the end, so that no thread is left behind."""
    gate = Gate()
    yield gate
    gate.let(10)
    for thread in gate.threads:
        thread.join(PATIENCE_SECONDS)


@pytest.fixture
def source(gate: Gate) -> Iterator[SourceThread[float]]:
    """Return a source thread on the gate."""
    source = SourceThread("nvml", gate.read)
    yield source
    source.stop()


def test_a_finished_reading_is_on_time(gate: Gate, source: SourceThread[float]) -> None:
    """What is asked for and finished comes with the word that it is fresh."""
    gate.let()
    source.ask(FIRST)

    assert (1.0, True) == source.newest(PATIENCE_SECONDS)


def test_before_the_first_reading_there_is_no_result(gate: Gate, source: SourceThread[float]) -> None:
    """A first reading under way has no older one to show."""
    source.ask(FIRST)
    gate.begun.acquire()

    assert (None, False) == source.newest(0.0)


def test_a_slow_reading_leaves_the_previous_one_marked_late(gate: Gate, source: SourceThread[float]) -> None:
    """While a reading hangs the last one stands, and is known to be old."""
    gate.let()
    source.ask(FIRST)
    source.newest(PATIENCE_SECONDS)

    source.ask(SECOND)

    assert (1.0, False) == source.newest(0.0)


def test_a_source_under_way_is_not_asked_again(gate: Gate, source: SourceThread[float]) -> None:
    """Ticks do not pile up in front of a source that hangs."""
    source.ask(FIRST)
    gate.begun.acquire()
    source.ask(SECOND)
    source.ask(THIRD)
    gate.let(3)
    source.newest(PATIENCE_SECONDS)

    assert [FIRST] == gate.asked


def test_a_late_source_is_asked_again_once_it_has_answered(gate: Gate, source: SourceThread[float]) -> None:
    """A slow reading delays its source by no more than itself."""
    source.ask(FIRST)
    gate.let(2)
    source.newest(PATIENCE_SECONDS)
    source.ask(SECOND)

    assert (2.0, True) == source.newest(PATIENCE_SECONDS)


def test_an_exception_is_kept_as_a_sentence(gate: Gate, source: SourceThread[float]) -> None:
    """A broken source ends nothing: the kind of failure and its words are kept."""
    gate.failure = OSError("the driver went away")
    gate.let()
    source.ask(FIRST)

    assert (None, True) == source.newest(PATIENCE_SECONDS)
    assert source.error == "OSError: the driver went away"


def test_the_words_of_an_exception_are_made_harmless(gate: Gate, source: SourceThread[float]) -> None:
    """An exception may carry a file name of somebody else."""
    gate.failure = OSError("no file \x1b[2Jx\ny")
    gate.let()
    source.ask(FIRST)
    source.newest(PATIENCE_SECONDS)

    assert source.error == "OSError: no file x y"


def test_after_an_exception_the_previous_result_stands(gate: Gate, source: SourceThread[float]) -> None:
    """The last good reading is not lost by a bad one."""
    gate.let(2)
    source.ask(FIRST)
    source.newest(PATIENCE_SECONDS)
    gate.failure = OSError("x")
    source.ask(SECOND)

    assert (1.0, True) == source.newest(PATIENCE_SECONDS)


def test_the_next_reading_recovers(gate: Gate, source: SourceThread[float]) -> None:
    """A good reading after a bad one takes its error away."""
    gate.failure = OSError("x")
    gate.let(2)
    source.ask(FIRST)
    source.newest(PATIENCE_SECONDS)
    gate.failure = None
    source.ask(SECOND)

    assert (2.0, True) == source.newest(PATIENCE_SECONDS)
    assert source.error == ""


def test_all_readings_are_made_in_one_thread(gate: Gate, source: SourceThread[float]) -> None:
    """A driver library is spoken to from one thread, which carries the source's name."""
    gate.let(2)
    source.ask(FIRST)
    source.newest(PATIENCE_SECONDS)
    source.ask(SECOND)
    source.newest(PATIENCE_SECONDS)

    assert ["gpumon nvml"] == [thread.name for thread in gate.threads]


def test_no_thread_is_started_before_the_first_question(gate: Gate) -> None:
    """A source that nobody asks costs nothing."""
    # Those of tests before this one may still be about to end.
    threads = set(threading.enumerate())
    source = SourceThread("nvml", gate.read)

    assert set(threading.enumerate()) <= threads
    assert source.error == ""


def test_a_stopped_source_ends_its_thread(gate: Gate, source: SourceThread[float]) -> None:
    """Nothing is left behind by a source that answers."""
    gate.let()
    source.ask(FIRST)
    source.newest(PATIENCE_SECONDS)
    (thread,) = gate.threads

    source.stop()
    thread.join(PATIENCE_SECONDS)

    assert not thread.is_alive()


def test_a_stopped_source_is_asked_nothing(gate: Gate, source: SourceThread[float]) -> None:
    """After the end no call into a driver is begun."""
    source.stop()
    source.ask(FIRST)

    assert (None, True) == source.newest(0.0)
    assert [] == gate.asked


def test_a_source_that_hangs_does_not_hold_up_the_stop(gate: Gate, source: SourceThread[float]) -> None:
    """Stopping returns at once, and the thread that hangs is a daemon."""
    source.ask(FIRST)
    gate.begun.acquire()
    (thread,) = gate.threads

    source.stop()

    assert (True, True) == (thread.daemon, thread.is_alive())
