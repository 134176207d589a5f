"""The thread that looks: who is looked at how often, and what a look that hangs holds up."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from gpumon.monitor.looks import Looks

PATIENCE_SECONDS = 120.0
# As fast as a busy machine can: only the order of things is tested.
FAST_HERTZ = 1000.0


class Clock(threading.local):
    """CPU time that passes as it is told: that of a thread is its own."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Counted:
    """Counts how often it was looked at, and tells when that was often enough.

    Each look takes `cost` seconds of the clock's time.
    """

    drain_cpu_seconds = 0.0
    glance_seconds: float | None = None

    def __init__(
        self, wanted: int, clock: Clock | None = None, cost: float = 0.0, *, is_looking: bool = True
    ) -> None:
        self.count = 0
        self.by_thread: Counter[str] = Counter()
        self.is_looking = is_looking
        self._clock = clock
        self._cost = cost
        self._wanted = wanted
        self.seen_enough = threading.Event()

    def look(self, late_seconds: float = 0.0) -> None:
        """Count."""
        assert 0 <= late_seconds < PATIENCE_SECONDS
        self.count += 1
        self.by_thread[threading.current_thread().name] += 1
        if self._clock is not None:
            self._clock.now += self._cost
        if self.count >= self._wanted:
            self.seen_enough.set()

    def glance(self) -> None:
        """Is not asked for."""
        raise AssertionError


class Hanging:
    """Does not come back from a look before it is let go."""

    drain_cpu_seconds = 0.0
    is_looking = True
    glance_seconds = None

    def __init__(self) -> None:
        self.is_hanging = threading.Event()
        self.let_go = threading.Event()

    def look(self, late_seconds: float = 0.0) -> None:
        """Hang."""
        del late_seconds
        self.is_hanging.set()
        self.let_go.wait(PATIENCE_SECONDS)

    def glance(self) -> None:
        """Is never asked for."""
        raise AssertionError


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """One that is let go in the end."""
    one = Hanging()
    yield one
    one.let_go.set()


def test_frames_are_looked_at_so_many_times_as_often() -> None:
    """The states of threads share the wake-ups of the looks at frames."""
    looks = Looks(FAST_HERTZ / 4, FAST_HERTZ, 1, Clock())
    states, frames = Counted(0), Counted(100)
    looks.watch([states], [frames])
    assert frames.seen_enough.wait(PATIENCE_SECONDS)
    looks.stop()
    # Where the machine holds that thread up for half a second, the other one looks at the states besides.
    assert abs(states.by_thread["gpumon looks"] - frames.count / 4) <= 2


def test_states_alone_are_looked_at_too() -> None:
    """Without the right to read any memory there are no frames."""
    looks = Looks(FAST_HERTZ, FAST_HERTZ, 1)
    states = Counted(20)
    looks.watch([states], [])
    assert states.seen_enough.wait(PATIENCE_SECONDS)
    looks.stop()


def test_a_look_at_frames_that_hangs_does_not_hold_up_the_states(hanging: Hanging) -> None:
    """The other thread looks at the states until it is back; then the first goes on alone."""
    looks = Looks(FAST_HERTZ, FAST_HERTZ, 1)
    looks.watch([], [hanging])
    assert hanging.is_hanging.wait(PATIENCE_SECONDS)
    states, frames = Counted(20), Counted(20)
    looks.watch([states], [hanging])
    assert states.seen_enough.wait(PATIENCE_SECONDS)
    looks.watch([states], [frames])
    hanging.let_go.set()
    assert frames.seen_enough.wait(PATIENCE_SECONDS)
    looks.stop()


def test_what_is_no_longer_watched_is_not_looked_at() -> None:
    """A training that has ended is left alone."""
    looks = Looks(FAST_HERTZ, FAST_HERTZ, 1)
    before, after = Counted(1), Counted(5)
    looks.watch([before], [])
    assert before.seen_enough.wait(PATIENCE_SECONDS)
    looks.watch([after], [])
    # One look may have been under way in each of the two threads.
    count = before.count + 2
    assert after.seen_enough.wait(PATIENCE_SECONDS)
    looks.stop()
    assert before.count <= count


def test_at_a_rate_of_zero_nothing_is_looked_at() -> None:
    """No thread is started."""
    threads = set(threading.enumerate())
    looks = Looks(0.0, 0.0, 1)
    looks.watch([Counted(1)], [Counted(1)])
    assert set(threading.enumerate()) <= threads
    looks.stop()


def shares(clock: Clock, states: Counted, frames: list[Counted]) -> tuple[float, float]:
    """Return the shares of the wanted turns and looks at states after hundreds of turns."""
    looks = Looks(FAST_HERTZ / 2, FAST_HERTZ, 1, clock)
    looks.watch([states], frames)
    last = frames[-1] if frames else states
    assert last.seen_enough.wait(PATIENCE_SECONDS)
    looks.stop()
    return looks.pace.turn_share, looks.pace.state_share


def test_dear_states_do_not_slow_the_frames_down() -> None:
    """States that would cost a whole core are looked at less; frames, which cost nothing, are not."""
    clock = Clock()
    turns, states = shares(clock, Counted(0, clock, 0.002), [Counted(700)])
    assert turns == 1.0
    assert states < 0.5


def test_dear_states_slow_both_down_where_the_frames_cannot_be_read() -> None:
    """Then the wait is known by states, which do not give way."""
    clock = Clock()
    turns, states = shares(clock, Counted(0, clock, 0.002), [Counted(0), Counted(700, is_looking=False)])
    assert turns == states < 0.5


def test_drains_slow_the_looks_down() -> None:
    """What is read in another thread is in the same budget."""
    clock = Clock()
    frames = Draining(700, clock, 1e-9)
    turns, _states = shares(clock, Counted(0), [frames])
    assert turns < 0.5


def test_drains_of_states_count_too() -> None:
    """With eight workers they are the larger part."""
    clock = Clock()
    turns, _states = shares(clock, Draining(0), [Counted(700, clock, 1e-9)])
    assert turns < 0.5


class Eager(Counted):
    """Wants a glance each millisecond until it has had so many."""

    glance_seconds: float | None = 0.001

    def __init__(self, wanted: int) -> None:
        super().__init__(0)
        self._glances_wanted = wanted
        self.glances = 0
        self.looks_at_the_end = 0

    def glance(self) -> None:
        """Count."""
        self.glances += 1
        if self.glances == self._glances_wanted:
            self.glance_seconds, self.looks_at_the_end = None, self.count
            self.seen_enough.set()


def test_glances_come_between_looks_as_long_as_they_are_wanted() -> None:
    """At 20 looks a second 100 glances a millisecond apart take some looks, and none comes after the last."""
    looks, eager = Looks(20.0, 20.0, 1), Eager(100)
    looks.watch([], [eager])
    assert eager.seen_enough.wait(PATIENCE_SECONDS)
    after = Counted(eager.count + 3)
    looks.watch([], [eager, after])
    assert after.seen_enough.wait(PATIENCE_SECONDS)
    looks.stop()
    assert eager.glances == 100
    # A machine that holds the thread up for long gives fewer glances to a look, but none instead of one.
    assert 1 <= eager.looks_at_the_end < 100


class Draining(Counted):
    """One that is drained for a millisecond of CPU between any two looks."""

    def look(self, late_seconds: float = 0.0) -> None:
        """Count, and be drained."""
        super().look(late_seconds)
        self.drain_cpu_seconds += 0.001
