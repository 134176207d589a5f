"""gpumon without a screen, attached for good: `python -m tests.bench.accuracy_attached PID`."""

from __future__ import annotations

import sys
import time

from gpumon.monitor.attaching import Wish
from gpumon.monitor.build import build_monitor
from gpumon.settings import Settings


def main() -> None:
    """Sample as the dashboard does until killed."""
    monitor = build_monitor(Settings(), Wish(int(sys.argv[1])))
    monitor.start()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
