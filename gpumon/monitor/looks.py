"""A thread that looks at what a training does, many times a second with jitter."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable
from typing import Protocol

from gpumon.sources.threads import jittered_delays

_SHORT_SECONDS = 0.1


class Looked(Protocol):
    """What is looked at: the threads of a training, or its interpreter."""

    def look(self) -> None:
        """Look once; never raises, and does not wait."""
        ...


class LookThread:
    """Calls `look` of everything watched at jittered moments, so that no loop of the training aliases."""

    def __init__(self, rate_hertz: float, seed: int, name: str = "looks") -> None:
        """Prepare the thread; a rate of 0 means that it never looks."""
        self._name = f"gpumon {name}"
        self._rate_hertz = rate_hertz
        self._random = random.Random(seed)  # noqa: S311 - jitter
        self._watched: tuple[Looked, ...] = ()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, watched: Iterable[Looked]) -> None:
        """Look at these from now on; the thread starts with the first one."""
        self._watched = tuple(watched)
        if self._watched and self._thread is None and self._rate_hertz > 0:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        for delay in jittered_delays(self._rate_hertz, self._random):
            # A third less CPU than waiting for the event, which is only worth it where that takes long.
            if delay < _SHORT_SECONDS:
                time.sleep(delay)
            else:
                self._stop.wait(delay)
            if self._stop.is_set():
                return
            for watched in self._watched:
                watched.look()
