"""Takes the pictures of docs/images from the running app: `python docs/make_pictures.py`.

A demo training runs, the real monitor is attached to it, and the real dashboard is drawn at each size. Takes
about seven minutes: the charts need something to show.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from gpumon.cli.runs_kept import kept_runs
from gpumon.demo.launch import start
from gpumon.demo.scenario import scenarios
from gpumon.monitor.attaching import Wish
from gpumon.monitor.build import build_monitor
from gpumon.monitor.feed import Feed
from gpumon.monitor.replay import ReplayFeed
from gpumon.recording.begin import begin_recording
from gpumon.recording.reader import open_recording
from gpumon.settings import Settings
from gpumon.sources.clock import SystemClock
from gpumon.tui.app import GpumonApp
from gpumon.tui.appearance import appearance

IMAGES = Path(__file__).resolve().parent / "images"
_FILL_SECONDS = 100.0


@dataclass(frozen=True)
class Picture:
    """One picture: its file, the terminal's size, the keys pressed before, and the settings."""

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)


PICTURES = (
    Picture("overview-120x36", (120, 36)),
    Picture("overview-80x24", (80, 24)),
    Picture("overview-200x50", (200, 50)),
    Picture("findings-120x36", (120, 36), ("2",)),
    Picture("processes-120x36", (120, 36), ("3",)),
    Picture("memory-120x36", (120, 36), ("4",)),
    Picture("history-120x36", (120, 36), ("5",)),
    Picture("sources-120x36", (120, 36), ("i",)),
    Picture("light-120x36", (120, 36), (), Settings(theme="gpumon-light")),
    Picture("ascii-80x24", (80, 24), (), Settings(ascii=True)),
)

_REPLAYED = Picture("replay-120x36", (120, 36))
_RUNS = (
    Picture("runs-80x24", (80, 24), ("u",)),
    Picture("comparison-80x24", (80, 24), ("u", "enter", "down", "enter")),
)


async def take(feed: Feed, picture: Picture, replay: ReplayFeed | None = None) -> str:
    """Return the picture as SVG."""
    look = appearance(picture.settings, {"COLORTERM": "truecolor"})
    app = GpumonApp(feed, picture.settings, SystemClock(), look, replay=replay)
    async with app.run_test(size=picture.size) as pilot:
        await pilot.pause()
        for key in picture.keys:
            await pilot.press(key)
            # The list of runs is read in a thread of its own.
            await asyncio.sleep(0.3)
        # Two more frames, so that what the keys opened has been drawn from fresh samples.
        await asyncio.sleep(2.2)
        await pilot.pause()
        return app.export_screenshot(title="gpumon")


def save(picture: Picture, svg: str) -> None:
    """Write a picture, and say so."""
    (IMAGES / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
    sys.stdout.write(f"{picture.name}.svg\n")


def take_replay(path: Path) -> None:
    """Take the picture of a recording, half a minute before its end."""
    with open_recording(path) as recording:
        feed = ReplayFeed(recording, SystemClock(), recording.last_seconds - 30.0)
        feed.start()
        save(_REPLAYED, asyncio.run(take(feed, _REPLAYED, feed)))
        feed.close()


def take_runs() -> None:
    """Take the pictures of the list of runs: one that is over, and another one that runs."""
    table = scenarios(len(os.sched_getaffinity(0)))
    with TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder
        for name in ("starved", "healthy"):
            with start(table[name]) as demo:
                monitor = build_monitor(Settings(), Wish(pid=demo.process.pid))
                with kept_runs(monitor, Settings()):
                    monitor.start()
                    time.sleep(_FILL_SECONDS)
                    for picture in _RUNS if name == "healthy" else ():
                        save(picture, asyncio.run(take(monitor, picture)))
                monitor.close()


def main() -> None:
    """Run the demo and take all pictures."""
    IMAGES.mkdir(exist_ok=True)
    take_runs()
    scenario = scenarios(len(os.sched_getaffinity(0)))["starved"]
    with start(scenario) as demo, TemporaryDirectory() as folder:
        monitor = build_monitor(Settings(), Wish(pid=demo.process.pid))
        recorder = begin_recording(Path(folder) / "demo.gpumon", monitor, Settings(), SystemClock().now())
        monitor.start()
        time.sleep(_FILL_SECONDS)
        for picture in PICTURES:
            save(picture, asyncio.run(take(monitor, picture)))
        monitor.close()
        recorder.close()
        take_replay(recorder.path)


if __name__ == "__main__":
    main()
