"""The dashboard on made-up reports, to look at: `python -m tests.tui.live [VARIANT] [--ascii] ...`."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from itertools import count

from gpumon.model.clock import Clock
from gpumon.settings import resolve
from gpumon.tui.run import run_dashboard
from tests.tui.fake_feed import FakeClock, FakeFeed
from tests.tui.fakes import VARIANTS


def main() -> int:
    """Run the dashboard; a thread makes a second of history go by each second."""
    parser = argparse.ArgumentParser()
    parser.add_argument("variant", nargs="?", default="starved", choices=VARIANTS)
    parser.add_argument("--ascii", action="store_true")
    parser.add_argument("--no-color", action="store_true")
    parser.add_argument("--theme", default="")
    parser.add_argument("--low-bandwidth", action="store_true")
    parser.add_argument("--key", action="append", default=[], help="as in the config file: findings.mute=M")
    parser.add_argument("--period", type=float, default=1.0, help="seconds between reports; 0 for one report")
    asked = parser.parse_args()
    settings = resolve(
        {
            "ascii": asked.ascii,
            "color": False if asked.no_color else None,
            "theme": asked.theme,
            "low_bandwidth": asked.low_bandwidth,
        },
        os.environ,
        {"keys": dict(key.split("=", 1) for key in asked.key)},
    )
    feed = FakeFeed(asked.variant)
    clock: Clock = FakeClock()
    over = threading.Event()

    def advance() -> None:
        for _ in count():
            if over.wait(asked.period):
                return
            feed.advance()

    if asked.period:
        threading.Thread(target=advance, daemon=True).start()
    try:
        return run_dashboard(feed, settings, clock)
    finally:
        over.set()


if __name__ == "__main__":
    sys.exit(main())
