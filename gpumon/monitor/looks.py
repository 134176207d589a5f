"""Looks at what trainings do, many times a second with jitter."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from gpumon.monitor.pace import Pace, Spent, Wanted

_SHORT_SECONDS = 0.1
# A glance that ends where a turn begins is that turn.
_GLANCE_FITS = 1.5
# How often the thread asks what it has used: about once a second.
_TURNS_PER_ACCOUNT = 32
# A look takes less than a millisecond.
_HANGS_SECONDS = 0.5


class Looked(Protocol):
    """What is looked at: the threads of a training."""

    @property
    def drain_cpu_seconds(self) -> float:
        """The CPU time that its drains have used so far, in whatever thread."""
        ...

    def look(self) -> None:
        """Look once; never raises, and does not wait."""
        ...


class LookedInto(Protocol):
    """What is looked into: the interpreter of a training."""

    @property
    def drain_cpu_seconds(self) -> float:
        """The CPU time that its drains have used so far, in whatever thread."""
        ...

    @property
    def is_looking(self) -> bool:
        """Whether its looks find anything."""
        ...

    @property
    def glance_seconds(self) -> float | None:
        """How soon to glance at it, between two looks; None mostly: not at all."""
        ...

    def look(self, late_seconds: float) -> None:
        """Look once, so much later than was meant; never raises, and does not wait."""
        ...

    def glance(self) -> None:
        """Look for what happens but once an epoch alone; never raises, and does not wait."""
        ...


class Looks:
    """Calls `look` of everything watched at jittered moments, so that no loop of the training aliases.

    States of threads and frames are looked at in the same wake-ups of one thread: half of what a look costs
    is waking up and filling the caches. They are slowed down where they use more CPU than they may: with many
    workers, or where other programs empty the caches (see Pace). A look at frames reads the memory of
    another process, which may hang where a page has to come from a dead disk. A second thread, which else
    sleeps, looks at the states then.
    """

    def __init__(
        self,
        state_hertz: float,
        frame_hertz: float,
        seed: int,
        cpu_seconds: Callable[[], float] = time.thread_time,
    ) -> None:
        """Prepare; a rate of 0 for states means that nothing is looked at. Frames are not looked at less.

        `cpu_seconds` is the CPU time of the thread that calls it.
        """
        self._state_hertz = state_hertz
        frame_hertz = max(state_hertz, frame_hertz)
        # Without frames, with frames that show nothing, and with frames that do: asked for at each look.
        self._wishes = (
            Wanted(state_hertz, state_hertz, spares_states=False),
            Wanted(frame_hertz, state_hertz, spares_states=False),
            Wanted(frame_hertz, state_hertz, spares_states=True),
        )
        self._random = random.Random(seed)  # noqa: S311 - jitter
        self._states: tuple[Looked, ...] = ()
        self._frames: tuple[LookedInto, ...] = ()
        self._cpu_seconds = cpu_seconds
        self.pace = Pace()
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
        # Loaded with the first training, and not before the first frame of a machine.
        from gpumon.sources.threads import jittered_delay

        owed, pace, ledger = 1.0, self.pace, _Ledger(self._cpu_seconds)
        while not self._stop.is_set():
            wanted = self._wanted
            hertz = wanted.turn_hertz * pace.turn_share
            delay = jittered_delay(hertz, self._random)
            due = time.monotonic() + delay
            # A third less CPU than waiting for the event, which is only worth it where that takes long.
            if delay < _SHORT_SECONDS:
                self._glance_until(due)
                time.sleep(max(0.0, due - time.monotonic()))
            elif self._stop.wait(delay):
                return
            owed += wanted.state_hertz * pace.state_share / hertz
            if owed >= 1.0:
                # States are not looked at more often than there are turns.
                owed = min(owed - 1.0, 1.0)
                ledger.begin_states()
                for watched in self._states:
                    watched.look()
                ledger.end_states()
            late = time.monotonic() - due
            for looked_into in self._frames:
                looked_into.look(late)
            self._turns += 1
            if not self._turns % _TURNS_PER_ACCOUNT:
                drained: tuple[Looked | LookedInto, ...] = (*self._states, *self._frames)
                pace.take(ledger.close(_TURNS_PER_ACCOUNT, drained), self._wanted)

    def _glance_until(self, due: float) -> None:
        """Glance at what wants it, as long as there is time for that before the next turn.

        Turns come when they would come anyway: their moments stay random ones.
        """
        while True:
            eager = [(each.glance_seconds, each) for each in self._frames]
            wanted = [seconds for seconds, _ in eager if seconds is not None]
            if not wanted or due - time.monotonic() < _GLANCE_FITS * min(wanted):
                return
            time.sleep(min(wanted))
            for seconds, looked_into in eager:
                if seconds is not None:
                    looked_into.glance()

    @property
    def _wanted(self) -> Wanted:
        """The rates that are wanted for what is watched now."""
        frames = self._frames
        # Of a training whose frames cannot be read the states tell the wait.
        spares_states = bool(frames) and all(looked_into.is_looking for looked_into in frames)
        return self._wishes[bool(frames) + spares_states]

    def _stand_in(self) -> None:
        """Look at the states of threads as long as the other thread does not come back from a look."""
        from gpumon.sources.threads import jittered_delay

        patience = max(_HANGS_SECONDS, 3.0 / self._state_hertz)
        chance = random.Random(self._random.random())  # noqa: S311 - jitter
        turns, hangs = -1, False
        while not self._stop.wait(jittered_delay(self._state_hertz, chance) if hangs else patience):
            hangs, turns = turns == self._turns, self._turns
            if hangs:
                for watched in self._states:
                    watched.look()


class _Ledger:
    """What the looks of one thread, and the drains of what is looked into, have used since the last close."""

    def __init__(self, cpu_seconds: Callable[[], float]) -> None:
        """Begin now, in the thread that looks."""
        self._cpu_seconds = cpu_seconds
        self._cpu, self._wall = cpu_seconds(), time.monotonic()
        self._state_looks = 0
        self._state_cpu = self._begun = self._drained = 0.0

    def begin_states(self) -> None:
        """Look at states from now on."""
        self._begun = self._cpu_seconds()

    def end_states(self) -> None:
        """All states were looked at once."""
        self._state_looks += 1
        self._state_cpu += self._cpu_seconds() - self._begun

    def close(self, turns: int, watched: Iterable[Looked | LookedInto]) -> Spent:
        """Return what was spent since the last close, and begin anew."""
        cpu, wall = self._cpu_seconds(), time.monotonic()
        drained = sum(each.drain_cpu_seconds for each in watched)
        spent = Spent(
            wall_seconds=wall - self._wall,
            turns=turns,
            cpu_seconds=cpu - self._cpu,
            state_looks=self._state_looks,
            state_cpu_seconds=self._state_cpu,
            # What is no longer watched takes its sum away.
            drain_cpu_seconds=max(drained - self._drained, 0.0),
        )
        self._cpu, self._wall, self._drained = cpu, wall, drained
        self._state_looks, self._state_cpu = 0, 0.0
        return spent
