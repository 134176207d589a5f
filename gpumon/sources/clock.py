"""The clock of the machine."""

from __future__ import annotations

import time

from gpumon.model.clock import Instant


class SystemClock:
    """Tells the present moment. The one place where the time is asked for; all others are given it."""

    def now(self) -> Instant:
        """Return the present moment: Unix time and CLOCK_MONOTONIC, read one after the other."""
        return Instant(time.time(), time.monotonic())  # noqa: TID251 - this is the Clock that is passed in
