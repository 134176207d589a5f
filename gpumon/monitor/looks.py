"""The thread that looks at the training's threads, 20 times a second with jitter."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable

from gpumon.sources.threads import ThreadSampler, jittered_delays


class LookThread:
    """Calls `look` of every sampler at jittered moments, so that no loop of the training aliases."""

    def __init__(self, rate_hertz: float, seed: int) -> None:
        """Prepare the thread; a rate of 0 means that it never looks."""
        self._rate_hertz = rate_hertz
        self._random = random.Random(seed)  # noqa: S311 - jitter
        self._samplers: tuple[ThreadSampler, ...] = ()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, samplers: Iterable[ThreadSampler]) -> None:
        """Look at these samplers from now on; the thread starts with the first one."""
        self._samplers = tuple(samplers)
        if self._samplers and self._thread is None and self._rate_hertz > 0:
            self._thread = threading.Thread(target=self._run, name="gpumon looks", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        for delay in jittered_delays(self._rate_hertz, self._random):
            if self._stop.wait(delay):
                return
            for sampler in self._samplers:
                sampler.look()
