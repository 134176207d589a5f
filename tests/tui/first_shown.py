"""The dashboard, and how often it tells that its first frame is shown: `python -m tests.tui.first_shown`."""

from __future__ import annotations

import sys

from gpumon.settings import Settings
from gpumon.tui.run import run_dashboard
from tests.tui.fake_feed import FakeClock, FakeFeed


def main() -> int:
    """Run the dashboard, and say it afterwards."""
    told: list[None] = []
    code = run_dashboard(FakeFeed("starved"), Settings(), FakeClock(), first_shown=lambda: told.append(None))
    print(f"told {len(told)} times")
    return code


if __name__ == "__main__":
    sys.exit(main())
