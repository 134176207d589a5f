"""The kernel's account of a main thread's time: by it, looks at the thread are weighed.

A look that has to wait for a core is taken rather when the training leaves one, that is while it is blocked.
The account has no such bias, so the share of waiting is taken among looks at a blocked thread alone, and
counts by the time the thread was blocked (stratified after sampling).

States tell nothing of the time that a thread spends in `next()` without being blocked: it is runnable, as it
is when it computes. Two parts of that time can be had from the account all the same:

- A wait ends with the thread in the queue for a core. Of all its turns on a core (schedstat's third number)
  those that follow a sleep are known (voluntary context switches), and of these as many are taken for the
  loader's as of the blocked time. A turn waits for (time in the queue) / turns in the mean; one that follows
  a sleep for less than one that follows a preemption, as a thread that slept goes first.
- Without a pinning thread each batch is handed over on a Unix socket, in several sleeps and with some work
  between two.

In 64 windows of the trainings of tests/bench/accuracy at loads of 2 to 6, to which the numbers below were
fitted, these two took the mean absolute error from 0.08 to 0.03. What remains is a thread that is preempted
within `next()` while no wait was needed: up to 0.19 where the cores were wanted by three times their number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gpumon.model.measure import Missing
from gpumon.model.process import ThreadStates

# The delay of a turn after a sleep by the mean delay of a turn: 0.3 to 1.1 in 14 of 15 trainings.
_WOKEN_DELAY, _WOKEN_DELAY_ERROR = 2 / 3, 0.3
# Work between two sleeps while a batch is handed over: 0.02 to 0.34 ms in 8 trainings on one machine.
_HANDING_SECONDS, _HANDING_ERROR = 1e-4, 0.6
# What is not modelled: preemptions within `next()`, by the time in the queue, and work with no wait at all.
_PREEMPTED_ERROR = 0.08
_WORK_ERROR = 0.01
# A running thread's time is added at ticks of up to 4 ms, at either end of about a second.
_ACCOUNT_ERROR = 0.004


@dataclass(frozen=True, slots=True)
class Account:
    """Where the time of a thread went: shares of being blocked and of queueing for a core, and counts.

    `turns` are turns on a core a second, `sleeps` those of them that followed a sleep.
    """

    blocked: float
    queued: float
    turns: float
    sleeps: float


@dataclass(frozen=True, slots=True)
class Weighed:
    """A share of waiting: the error of chance evens out over many of them, the one of `doubt` does not."""

    ratio: float
    chance: float
    doubt: float


def proportion(count: int, of: int) -> tuple[float, float]:
    """Return the share and its standard error, which is never 0 (Jeffreys' interval: half a count)."""
    yes, no = count + 0.5, of - count + 0.5
    return count / of, math.sqrt(yes * no / ((of + 1) ** 2 * (of + 2)))


def account_of(main: ThreadStates) -> Account | None:
    """Return the account of a thread, None where the kernel gave none or the thread was stopped."""
    run, queued = main.cpu_busy_ratio, main.run_queue_wait_ratio
    if isinstance(run, Missing) or isinstance(queued, Missing) or main.stopped:
        return None
    queued = min(max(queued, 0.0), 1.0)
    turns, sleeps = main.turns_per_second, main.sleeps_per_second
    blocked = min(max(1.0 - run - queued, 0.0), 1.0)
    if isinstance(turns, Missing) or isinstance(sleeps, Missing) or turns <= 0:
        return Account(blocked, queued, 0.0, 0.0)
    return Account(blocked, queued, turns, min(max(sleeps, 0.0), turns))


def by_states(account: Account, blocked: int, waiting: int, handed_over: int) -> Weighed:
    """Return the share of waiting, of `blocked` looks of which `waiting` waited for a batch.

    `handed_over` of the waiting ones were in waits that are followed by a batch on a Unix socket.
    """
    # Nothing is known of what was never looked at: then it is a half, plus and minus all of it.
    share, chance = (waiting + 0.5) / (blocked + 1), math.sqrt(1 / 12)
    if blocked:
        share, chance = proportion(waiting, blocked)
    sleeps = account.sleeps * share
    delayed = _WOKEN_DELAY * account.queued * sleeps / account.turns if account.turns else 0.0
    handing = _HANDING_SECONDS * sleeps * (handed_over / waiting if waiting else 0.0)
    runnable = min(delayed + handing, 1.0 - account.blocked)
    doubts = (
        delayed * _WOKEN_DELAY_ERROR / _WOKEN_DELAY,
        handing * _HANDING_ERROR,
        _PREEMPTED_ERROR * account.queued,
        _WORK_ERROR,
        _ACCOUNT_ERROR * share,
    )
    return Weighed(account.blocked * share + runnable, account.blocked * chance, math.hypot(*doubts))


def by_frames(
    blocked_ratio: float, blocked: tuple[int, int], running: tuple[int, int]
) -> tuple[float, float]:
    """Return the share of waiting and its standard error; each pair is looks, and those that waited.

    Frames tell a running thread's wait as well: the share among looks at it counts by the rest of the time.
    """
    off, off_error = _share(*blocked)
    on, on_error = _share(*running)
    ratio = blocked_ratio * off + (1 - blocked_ratio) * on
    errors = (blocked_ratio * off_error, (1 - blocked_ratio) * on_error, _ACCOUNT_ERROR * (off - on))
    return ratio, math.hypot(*errors)


def _share(looks: int, waiting: int) -> tuple[float, float]:
    """Return a share and its error; nothing is known of what was never looked at."""
    return proportion(waiting, looks) if looks else (0.5, math.sqrt(1 / 12))
