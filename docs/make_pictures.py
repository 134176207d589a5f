"""Takes the pictures of docs/images from the running app: `python docs/make_pictures.py [--only screens]`.

A demo training runs, the real monitor is attached to it, and the real dashboard is drawn: each screen at
three sizes, dark and light, and a moving picture of how a finding is found. Takes about ten minutes: the
charts need something to show. What else runs on the machine is in the pictures too: take them on a quiet one.
`--only screens` leaves recording and runs out, `--only moving` takes the moving one alone.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from terminal_svg import Colors, Frame, Lines, moving, still
from textual._compositor import LayoutUpdate

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
from gpumon.tui.appearance import OWN_THEMES, appearance

IMAGES = Path(__file__).resolve().parent / "images"
SIZES = ((80, 24), (120, 36), (200, 50))
_FILL_SECONDS = 100.0
# Two more frames on the overview, one elsewhere, so that all has been drawn from fresh samples.
_FRESH_SECONDS, _NEXT_SECONDS = 2.2, 1.2
# A training that ends is looked for once more before it is told to be over.
_ENDED_SECONDS = 10.0
# A screen that reads files does so in a thread of its own.
_KEY_SECONDS = 0.4
_ARROWS = frozenset({"left", "right", "up", "down"})


@dataclass(frozen=True)
class Stop:
    """A screen on the way: its name, and the keys that lead there from the overview."""

    name: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tour:
    """A dashboard of one look that goes from stop to stop."""

    size: tuple[int, int]
    settings: Settings = field(default_factory=Settings)
    suffix: str = ""


@dataclass(frozen=True)
class Beat:
    """A moment of the moving picture: keys, seconds until it is taken, how long it stays, and its words."""

    keys: tuple[str, ...]
    wait_seconds: float
    seconds: float
    key: str
    caption: str


STOPS = (
    Stop("overview"),
    Stop("findings", ("2",)),
    Stop("finding-page", ("2", "enter")),
    Stop("processes", ("3",)),
    Stop("process", ("3", "enter")),
    Stop("memory", ("4",)),
    Stop("history", ("5",)),
    Stop("cursor", ("5", *("left",) * 20)),
    Stop("plan", ("6",)),
    Stop("zoom", ("z",)),
    Stop("chart", ("m",)),
    Stop("sources", ("i",)),
    Stop("help", ("question_mark",)),
    Stop("chooser", ("c",)),
    # The last one: while a question is open the other keys answer it.
    Stop("signal", ("3", "down", "K", "down", "enter")),
)
# A tour of its own: where it is open, the key of the next stop would be looked for.
PALETTE_STOPS = (Stop("palette", ("ctrl+p",)),)
ENDED_STOPS = (Stop("ended"),)
RUN_STOPS = (Stop("runs", ("u",)), Stop("comparison", ("u", "enter", "down", "enter")))
REPLAY_STOPS = (Stop("replay"),)

TOURS = tuple(
    Tour(size, Settings(theme=theme.name), "" if theme.dark else "-light")
    for size in SIZES
    for theme in OWN_THEMES
    if theme.name in {"gpumon-dark", "gpumon-light"}
)
ASCII = Tour((80, 24), Settings(ascii=True))

MOVING_SIZE = (100, 30)
BEATS = (
    Beat((), 1.0, 1.6, "", "gpumon demo starved: a training runs, gpumon attaches to it"),
    Beat((), 2.6, 1.2, "", "no change in its code, no restart, no pause"),
    Beat((), 3.0, 1.2, "", "no change in its code, no restart, no pause"),
    Beat((), 5.0, 1.8, "", "after a few seconds of steady training the verdict stands"),
    Beat((), 40.0, 1.2, "", "what limits it, which setting to change, and what that brings"),
    Beat((), 1.0, 1.2, "", "what limits it, which setting to change, and what that brings"),
    Beat((), 1.0, 3.0, "", "what limits it, which setting to change, and what that brings"),
    Beat(("2",), 1.6, 5.0, "2", "all findings: what this one costs, and the numbers that prove it"),
    Beat(("enter",), 1.2, 4.0, "enter", "what it means, what it is confused with, what to do"),
    Beat(("1", "y"), 1.2, 4.0, "y", "the command is copied to your terminal's clipboard, over ssh too"),
)
_POSTER = 6


def seen(app: GpumonApp) -> Lines:
    """Return what is on the screen, with all that lies on top of each other."""
    stack = app._background_screens  # noqa: SLF001 - as App.export_screenshot does it
    update = app.screen._compositor.render_update(full=True, screen_stack=stack)  # noqa: SLF001
    if not isinstance(update, LayoutUpdate):
        raise TypeError("the screen was not drawn as a whole")
    return [[segment for strip in line for segment in strip] for line in update.strips]


def colors_of(app: GpumonApp) -> Colors:
    """Return what the theme of a dashboard draws with where it says nothing."""
    theme = app.current_theme
    return Colors(theme.foreground or "#d0d7de", theme.background or "#0d1117")


def open_app(feed: Feed, settings: Settings, replay: ReplayFeed | None = None) -> GpumonApp:
    """Return a dashboard on a feed, in a terminal of all colours."""
    look = appearance(settings, {"COLORTERM": "truecolor"})
    return GpumonApp(feed, settings, SystemClock(), look, replay=replay)


async def go(feed: Feed, tour: Tour, stops: Sequence[Stop], replay: ReplayFeed | None = None) -> None:
    """Take the picture of each stop."""
    app = open_app(feed, tour.settings, replay)
    width, height = tour.size
    async with app.run_test(size=tour.size) as pilot:
        await pilot.pause()
        for stop in stops:
            for key in ("1", *stop.keys):
                await pilot.press(key)
                await asyncio.sleep(_KEY_SECONDS if key not in _ARROWS else 0)
            await asyncio.sleep(_FRESH_SECONDS if not stop.keys else _NEXT_SECONDS)
            await pilot.pause()
            picture = still(seen(app), tour.size, colors_of(app))
            save(f"{stop.name}-{width}x{height}{tour.suffix}.svg", picture)


async def film(feed: Feed) -> str:
    """Return the moving picture."""
    frames = []
    app = open_app(feed, Settings(theme="gpumon-dark"))
    async with app.run_test(size=MOVING_SIZE, notifications=True) as pilot:
        for beat in BEATS:
            for key in beat.keys:
                await pilot.press(key)
                await asyncio.sleep(_KEY_SECONDS)
            await asyncio.sleep(beat.wait_seconds)
            await pilot.pause()
            frames.append(Frame(seen(app), beat.seconds, beat.key, beat.caption))
        return moving(frames, MOVING_SIZE, colors_of(app), poster=_POSTER)


def save(name: str, svg: str) -> None:
    """Write a picture, and say so with its size."""
    (IMAGES / name).write_text(svg, encoding="utf-8")
    sys.stdout.write(f"{name} {len(svg) / 1000:.0f} kB\n")
    sys.stdout.flush()


def tour_all(feed: Feed, stops: Sequence[Stop]) -> None:
    """Go to all stops at all sizes, dark and light."""
    for tour in TOURS:
        asyncio.run(go(feed, tour, stops))


def take_replay(path: Path) -> None:
    """Take the pictures of a recording, half a minute before its end."""
    with open_recording(path) as recording:
        for tour in TOURS:
            feed = ReplayFeed(recording, SystemClock(), recording.last_seconds - 30.0)
            feed.start()
            asyncio.run(go(feed, tour, REPLAY_STOPS, feed))
            feed.close()


def take_starved(folder: Path, only: str) -> None:
    """Take all pictures of a starved training, and then those of its recording."""
    with start(scenarios(len(os.sched_getaffinity(0)))["starved"]) as demo:
        monitor = build_monitor(Settings(), Wish(pid=demo.process.pid))
        recorder = begin_recording(folder / "demo.gpumon", monitor, Settings(), SystemClock().now())
        with kept_runs(monitor, Settings()):
            monitor.start()
            began = time.monotonic()
            save("starved.svg", asyncio.run(film(monitor)))
            if only != "moving":
                time.sleep(max(0.0, began + _FILL_SECONDS - time.monotonic()))
                tour_all(monitor, STOPS)
                tour_all(monitor, PALETTE_STOPS)
                asyncio.run(go(monitor, ASCII, (Stop("ascii"),)))
        monitor.close()
        recorder.close()
    if not only:
        take_replay(recorder.path)


def take_runs() -> None:
    """Take the pictures of the list of runs: the starved one is over, another one runs."""
    with start(scenarios(len(os.sched_getaffinity(0)))["healthy"]) as demo:
        monitor = build_monitor(Settings(), Wish(pid=demo.process.pid))
        with kept_runs(monitor, Settings()):
            monitor.start()
            time.sleep(_FILL_SECONDS)
            tour_all(monitor, RUN_STOPS)
            demo.process.terminate()
            demo.process.wait()
            time.sleep(_ENDED_SECONDS)
            tour_all(monitor, ENDED_STOPS)
        monitor.close()


def main() -> None:
    """Run the demo and take all pictures."""
    only = sys.argv[2] if sys.argv[1:2] == ["--only"] else ""
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder
        take_starved(Path(folder), only)
        if not only:
            take_runs()


if __name__ == "__main__":
    main()
