"""A dashboard that records until no more can be written: `python -m tests.tui.until_full PATH BYTES`.

No file of this process may grow past BYTES. Prints what is on the screen before and after.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from gpumon.recording.begin import begin_recording
from gpumon.settings import Settings
from gpumon.tui.app import GpumonApp
from gpumon.tui.appearance import appearance
from tests.tui.fake_feed import FakeClock, FakeFeed
from tests.tui.pilot import piloted
from tests.tui.screen import TERMINAL, Dashboard

_MOST_SECONDS = 600


async def _run(path: Path) -> None:
    feed = FakeFeed(seconds=60)
    recorder = begin_recording(path, feed, Settings(), FakeClock().now())
    app = GpumonApp(feed, Settings(), FakeClock(), appearance(Settings(), TERMINAL), recorder=recorder)
    async with piloted(app, (120, 36), notifications=True) as pilot:
        shown = Dashboard(app, feed, pilot)
        await shown.settle()
        print("before:", "REC" if "REC" in shown.lines()[0] else "nothing")
        # The picture is held: nothing but the end of the recording changes it.
        await shown.press("space")
        for _ in range(_MOST_SECONDS):
            await shown.advance()
            if not recorder.state.is_recording:
                break
            await pilot.pause(0.01)
        held = app.frame is not None and app.frame.report != feed.report()
        while app.is_ending:
            await pilot.pause(0.01)
        await shown.settle()
        words = "the recording stopped" if "the recording stopped: the disk " in shown.text() else "nothing"
        print("after:", "REC" if "REC" in shown.lines()[0] else words)
        await shown.press("space")
        is_next = app.frame is not None and app.frame.report == feed.report()
        print("the next second" if held and is_next else "an old one")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
    asyncio.run(_run(Path(sys.argv[1])))
