"""Other programs on the machine: advice on cores is right only as long as they stay what they are."""

from __future__ import annotations

import time

import psutil

_QUIET_CORES = 0.5
_LOOK_SECONDS = 1.0


def until_quiet(timeout_seconds: float = 15.0) -> None:
    """Wait until the machine uses less than half a core, at most so long: call it before a training starts.

    It returns after a second where nothing else runs, as on a machine for tests.
    """
    deadline = time.monotonic() + timeout_seconds
    cores = psutil.cpu_count() or 1
    while psutil.cpu_percent(_LOOK_SECONDS) / 100 * cores > _QUIET_CORES and time.monotonic() < deadline:
        pass
