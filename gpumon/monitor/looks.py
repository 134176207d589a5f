"""Looks at what trainings do, many times a second with jitter."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable
from typing import Protocol

from gpumon.monitor.pace import Pace
from gpumon.sources.threads import jittered_delay

_SHORT_SECONDS = 0.1
# How often the thread asks what it has used: about once a second.
_TURNS_PER_ACCOUNT = 32
# A look takes less than a millisecond.
_HANGS_SECONDS = 0.5


class Looked(Protocol):
    """What is looked at: the threads of a training."""

    def look(self) -> None:
        """Look once; never raises, and does not wait."""
        ...


class LookedInto(Protocol):
    """What is looked into: the interpreter of a training."""

    def look(self, late_seconds: float) -> None:
        """Look once, so much later than was meant; never raises, and does not wait."""
        ...


class Looks:
    """Calls `look` of everything watched at jittered moments, so that no loop of the training aliases.

    States of threads and frames are looked at in the same wake-ups of one thread: half of what a look costs
    is waking up and filling the caches. Both are slowed down alike where they use more CPU than they may (see
    Pace): with many workers, or where other programs empty the caches. A look at frames reads the memory of
    another process, which may hang where a page has to come from a dead disk. A second thread, which else
    sleeps, looks at the states then.
    """

    def __init__(self, state_hertz: float, frame_hertz: float, seed: int) -> None:
        """Prepare; a rate of 0 for states means that nothing is looked at. Frames are not looked at less."""
        self._state_hertz = state_hertz
        self._frame_hertz = max(state_hertz, frame_hertz)
        self._random = random.Random(seed)  # noqa: S311 - jitter
        self._states: tuple[Looked, ...] = ()
        self._frames: tuple[LookedInto, ...] = ()
        self._turns = 0
        self._stop = threading.Event()
        self._threads: tuple[threading.Thread, ...] = ()

    def watch(self, states: Iterable[Looked], frames: Iterable[LookedInto]) -> None:
        """Look at these from now on; the threads start with the first one."""
        self._states, self._frames = tuple(states), tuple(frames)
        if (self._states or self._frames) and not self._threads and self._state_hertz > 0:
            self._threads = (
                threading.Thread(target=self._run, name="gpumon looks", daemon=True),
                threading.Thread(target=self._stand_in, name="gpumon looks if others hang", daemon=True),
            )
            for thread in self._threads:
                thread.start()

    def stop(self) -> None:
        """End the threads."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=1.0)

    def _run(self) -> None:
        owed, pace = 1.0, Pace()
        cpu, wall = time.thread_time(), time.monotonic()
        while not self._stop.is_set():
            hertz = self._frame_hertz if self._frames else self._state_hertz
            delay = jittered_delay(hertz * pace.share, self._random)
            due = time.monotonic() + delay
            # A third less CPU than waiting for the event, which is only worth it where that takes long.
            if delay < _SHORT_SECONDS:
                time.sleep(delay)
            elif self._stop.wait(delay):
                return
            owed += self._state_hertz / hertz
            if owed >= 1.0:
                owed -= 1.0
                for watched in self._states:
                    watched.look()
            late = time.monotonic() - due
            for looked_into in self._frames:
                looked_into.look(late)
            self._turns += 1
            if not self._turns % _TURNS_PER_ACCOUNT:
                cpu_before, wall_before = cpu, wall
                cpu, wall = time.thread_time(), time.monotonic()
                pace.take(cpu - cpu_before, wall - wall_before)

    def _stand_in(self) -> None:
        """Look at the states of threads as long as the other thread does not come back from a look."""
        patience = max(_HANGS_SECONDS, 3.0 / self._state_hertz)
        chance = random.Random(self._random.random())  # noqa: S311 - jitter
        turns, hangs = -1, False
        while not self._stop.wait(jittered_delay(self._state_hertz, chance) if hangs else patience):
            hangs, turns = turns == self._turns, self._turns
            if hangs:
                for watched in self._states:
                    watched.look()
