"""The dashboard on a real monitor that counts its samples: `python -m tests.tui.sampled COUNTS RECORDING`.

Twenty samples a second of a made-up training. For each a byte is written to COUNTS; RECORDING is recorded.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gpumon.cli.recorded import recorded
from gpumon.model.clock import Instant
from gpumon.model.gpu import DriverReading, DriverState, GpusReading
from gpumon.model.reading import TrainingReading
from gpumon.monitor.attaching import Found, Wish
from gpumon.monitor.monitor import Monitor, Parts
from gpumon.settings import Settings
from gpumon.sources.clock import SystemClock
from gpumon.sources.virtual_gpu import VirtualGpuSource
from gpumon.tui.run import run_dashboard
from tests.unit.monitor_parts import FakeFollowing, FakeHost, FakeOwn, FakeSource
from tests.unit.synthetic_training import STARVED

INTERVAL_SECONDS = 0.05
# How long the dashboard may wait for its terminal after a signal.
_LAST_SECONDS = 0.5


class Starving(FakeFollowing):
    """A training that starves, another look each time."""

    def read(self, now: Instant, gpus: GpusReading) -> TrainingReading:
        """Return its next reading."""
        self.seen.append(gpus)
        return STARVED.reading(int(now.monotonic_seconds / INTERVAL_SECONDS))


def main() -> int:
    """Run the dashboard as `gpumon --record` does; return its exit code."""
    counts, recording = map(Path, sys.argv[1:])
    settings = Settings(interval_seconds=INTERVAL_SECONDS)
    parts = Parts(
        clock=SystemClock(),
        gpus=FakeSource(GpusReading(DriverReading(DriverState.OK), (STARVED.gpu_reading(),))),
        host=FakeHost(),
        own=FakeOwn(),
        find=lambda _pids: Found((STARVED.training(),)),
        follow=Starving,
        virtual=VirtualGpuSource,
        hostname="box",
    )
    monitor = Monitor(parts, Wish(), settings.interval_seconds)
    with counts.open("ab", buffering=0) as file:

        def count() -> None:
            file.write(b".")

        monitor.subscribe(count)
        monitor.start()
        try:
            with recorded(recording, monitor, settings) as recorder:
                return run_dashboard(
                    monitor, settings, SystemClock(), recorder=recorder, last_seconds=_LAST_SECONDS
                )
        finally:
            monitor.close()


if __name__ == "__main__":
    sys.exit(main())
