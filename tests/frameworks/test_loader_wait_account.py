"""Looks at states of the main thread, weighed by the kernel's account of its time."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.frameworks.loader_wait import wait_by_state
from gpumon.frameworks.loader_wait_account import Account, account_of, by_states
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.process import ProcessId, ThreadStates

MAIN = ProcessId(100, 1)
SHARES = st.floats(0.0, 1.0)
RATES = st.floats(0.0, 1e5)


def states(
    run: float = 0.5, queued: float = 0.0, turns: float = 100.0, sleeps: float = 50.0, **counts: int
) -> ThreadStates:
    samples = sum(count for name, count in counts.items() if name != "receiving")
    return ThreadStates(
        MAIN,
        MAIN.pid,
        samples,
        **counts,
        cpu_busy_ratio=run,
        run_queue_wait_ratio=queued,
        turns_per_second=turns,
        sleeps_per_second=sleeps,
    )


def wait(main: ThreadStates, *, pin_thread: bool | None = True) -> Measure:
    ratio = wait_by_state(main, (), 2, pin_thread=pin_thread, has_wait_channels=True).ratio
    assert isinstance(ratio, Measure), ratio.reason
    assert ratio.certainty is Certainty.SAMPLED
    return ratio


@given(run=SHARES, queued=SHARES, turns=RATES, sleeps=RATES, data=st.data())
def test_share_lies_between_0_and_1(
    run: float, queued: float, turns: float, sleeps: float, data: st.DataObject
) -> None:
    """Whatever the kernel's counters say, and with the interval around it."""
    running, blocked = data.draw(st.integers(0, 50)), data.draw(st.integers(0, 50))
    waiting = data.draw(st.integers(0, blocked))
    main = states(
        run, queued, turns, sleeps, running=running + 1, polling=waiting, sleeping=blocked - waiting
    )
    found = wait(main, pin_thread=data.draw(st.sampled_from([False, None])))
    assert found.low is not None
    assert found.high is not None
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.standard_error is not None
    assert found.standard_error >= 0.0


@given(running=st.integers(1, 50), waiting=st.integers(0, 50))
def test_without_an_account_the_looks_alone_count(running: int, waiting: int) -> None:
    """A kernel that tells nothing of a thread's time leaves the plain share."""
    main = states(running=running, futex_timed=waiting)
    found = wait(replace(main, run_queue_wait_ratio=Missing("no schedstat")))
    assert found.value == waiting / (running + waiting)
    assert found.low is None


def test_account_of_a_thread_that_was_stopped_is_none() -> None:
    """Time in which it was stopped is neither blocked nor running."""
    assert account_of(states(running=5, futex_timed=5, stopped=1)) is None
    assert wait(states(running=5, futex_timed=5, stopped=1)).value == 0.5


def test_looks_at_a_blocked_thread_count_by_the_time_it_was_blocked() -> None:
    """Eight of ten looks found it waiting, but it was blocked for 60 % of the time only."""
    assert wait(states(run=0.4, running=2, futex_timed=8)).value == pytest.approx(0.6)
    assert wait(states(run=0.4, running=2, futex_timed=4, sleeping=4)).value == pytest.approx(0.3)


def test_time_in_the_queue_after_a_wait_is_the_waits() -> None:
    """Half of 100 turns followed a wait; each queued for two thirds of the mean 4 ms."""
    main = states(run=0.2, queued=0.4, turns=100, sleeps=50, running=5, futex_timed=5)
    assert wait(main).value == pytest.approx(0.4 + 50 * 0.004 * 2 / 3)


def test_without_the_count_of_sleeps_the_queue_stays_in_doubt() -> None:
    """What is blocked is known all the same."""
    main = states(run=0.2, queued=0.4, running=5, futex_timed=5)
    assert wait(replace(main, sleeps_per_second=Missing("no status"))).value == pytest.approx(0.4)


def test_a_batch_that_is_handed_over_is_waited_for() -> None:
    """Without a pinning thread the main thread reads it from a Unix socket, with work between the sleeps."""
    main = states(run=0.2, sleeps=400, turns=400, running=2, polling=6, sleeping=2, receiving=2)
    assert wait(main, pin_thread=False).value == pytest.approx(0.8 + 400 * 1e-4)
    pinned = states(run=0.2, running=2, futex_timed=6, sleeping=2, receiving=2)
    assert wait(pinned, pin_thread=True).value == pytest.approx(0.8 * 6 / 8)


def test_a_free_core_leaves_little_in_doubt() -> None:
    """A thread that never queued lost nothing to a queue, and one that did may have."""
    free = by_states(Account(0.6, 0.0, 100.0, 50.0), 20, 20, 0)
    full = by_states(Account(0.3, 0.3, 100.0, 50.0), 20, 20, 0)
    assert free.doubt < 0.015
    assert full.doubt > 2 * free.doubt


@dataclass
class Course:
    """What a simulated main thread spent, in seconds, and how often it came to a core."""

    waited: float = 0.0
    woken: float = 0.0
    ran: float = 0.0
    preempted: float = 0.0
    sleeps: int = 0
    turns: int = 0


def simulate(
    wait_seconds: float, compute_seconds: float, queue_seconds: float, draw: random.Random
) -> Course:
    """Return ten seconds of waits, each followed by a queue for a core, and computing in slices of 4 ms.

    A preempted thread queues for one and a half times as long as one that was woken.
    """
    course = Course()
    while course.waited + course.woken + course.ran + course.preempted < 10.0:
        course.waited += draw.expovariate(1 / wait_seconds)
        course.woken += draw.expovariate(1 / queue_seconds)
        course.sleeps += 1
        left = compute_seconds
        while left > 0:
            course.turns += 1
            course.ran += min(left, 0.004)
            left -= 0.004
            if left > 0:
                course.preempted += draw.expovariate(1 / (1.5 * queue_seconds))
    return course


@settings(max_examples=60, deadline=None)
@given(
    wait_seconds=st.floats(0.002, 0.05),
    compute_seconds=st.floats(0.005, 0.05),
    queue_seconds=st.floats(0.0001, 0.003),
    favour=st.floats(0.5, 4.0),
    seed=st.integers(0, 1000),
)
def test_late_looks_and_full_cores_do_not_bias_the_wait(
    wait_seconds: float, compute_seconds: float, queue_seconds: float, favour: float, seed: int
) -> None:
    """However much rather a look finds the thread blocked, the wait lies within 2.5 stated errors."""
    draw = random.Random(seed)  # noqa: S311 - a reproducible draw
    course = simulate(wait_seconds, compute_seconds, queue_seconds, draw)
    total = course.waited + course.woken + course.ran + course.preempted
    blocked = course.waited / total
    chance = blocked * favour / (blocked * favour + 1 - blocked)
    waiting = sum(draw.random() < chance for _ in range(200))
    main = states(
        course.ran / total,
        (course.woken + course.preempted) / total,
        course.turns / total,
        course.sleeps / total,
        running=200 - waiting,
        futex_timed=waiting,
    )
    found = wait(main)
    real = (course.waited + course.woken) / total
    assert found.standard_error is not None
    assert abs(found.value - real) <= 2.5 * found.standard_error
