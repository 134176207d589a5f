"""The soak itself: the real monitor, recorder and dashboard on the simulated machine."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gpumon.monitor.attaching import Wish
from gpumon.monitor.finding_watch import FindingWatch
from gpumon.monitor.heap import keep_heap_small
from gpumon.monitor.monitor import Monitor
from gpumon.recording.runs_keeper import RunKeeper
from gpumon.recording.runs_prior import load_prior
from gpumon.settings import Settings
from gpumon.tui.appearance import appearance
from tests.soak.defects import Defects
from tests.soak.ledger import DayEnd, Ledger
from tests.soak.recordings import Recordings
from tests.soak.runs import Runs
from tests.soak.screen import HangError, SoakApp, is_alive, keys_of, press, resize, settle
from tests.soak.week import Trouble, day_of
from tests.soak.world import World
from tests.tui.screen import TERMINAL

# Samples in one go; keys are pressed meanwhile.
_ROUND_SAMPLES = 30
_REST_SIZE = (120, 36)
# A minute of a night, in which nobody touches a key.
_REST_FRAMES = 60
_LOOK_SECONDS, _PATIENCE_SECONDS = 0.1, 120.0
_MOST_APPS = 20
_LATEST_FILES = 3


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a process of a soak ends: at a second of the soak, or after so much real time.

    With `save_at` the ledger is written there after each day; `tell` hears of the end of each.
    """

    until_seconds: float
    wall_seconds: float
    save_at: Path | None = None
    tell: Callable[[DayEnd], None] = lambda _: None


class Soak:
    """One process of a soak: it goes on where the ledger stands."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        """Prepare; files are made in `folder` only."""
        self.ledger = ledger
        self.defects = Defects()
        self._folder = folder
        self._world = World(ledger.seed, ledger.day_seconds, ledger.elapsed_seconds)
        self._monitor = Monitor(self._world.parts(), Wish(), ledger.interval_seconds)
        self._recordings = Recordings(
            folder, self._monitor, self._world, partial(self.defects.add, "lost sample")
        )
        self._keys_owed = 0.0
        self._samples = 0
        self._days = 0
        self._recorded_before = ledger.recorded
        self._files_before = ledger.recordings
        self._stopped_before = ledger.stopped_by_full_disk
        self._wall_before = ledger.wall_seconds
        self._cpu_before = ledger.cpu_seconds - time.process_time()
        self._began = time.monotonic()
        ledger.processes += 1

    async def run(self, goal: Goal) -> list[DayEnd]:
        """Go on until the goal is reached; return the days that ended."""
        ended: list[DayEnd] = []
        runs = self._folder / "runs.sqlite"
        kept = Runs(lambda: self._recordings.is_full, partial(self.defects.add, "runs"))
        keeper = RunKeeper(runs, "soak", kept.open)
        self._monitor.learn_from(partial(load_prior, runs, "soak"))
        watch = FindingWatch(self._monitor)
        # The monitor's own thread does it in the program.
        keep_heap_small()
        look = appearance(Settings(), TERMINAL)
        with self.defects.watched(asyncio.get_running_loop()), ThreadPoolExecutor(1, "soak") as pool:
            keeper.follow(self._monitor)
            for _ in range(_MOST_APPS):
                app = SoakApp(self._monitor, Settings(), self._world, look, watch=watch)
                try:
                    async with app.run_test(size=_REST_SIZE, notifications=True):
                        # As in the program: what is there at the first frame stays. A dashboard that
                        # ended with a defect does not.
                        gc.collect()
                        app.call_after_refresh(gc.freeze)
                        await self._show(app, pool, goal, ended)
                except Exception as error:  # noqa: BLE001 - a defect of the dashboard: another one is opened
                    self.defects.add_exception("dashboard", error)
                self._take_in(app)
                if self._is_over(goal):
                    break
            self._recordings.set_full(is_full=False)
            self._recordings.close()
            keeper.close()
            # That the disk was full is told until the next run is written, and there may be none.
            if keeper.trouble != kept.trouble:
                self.defects.add("runs", keeper.trouble or f"it does not say: {kept.trouble}")
            self._monitor.close()
        self._count()
        return ended

    async def _show(self, app: SoakApp, pool: ThreadPoolExecutor, goal: Goal, ended: list[DayEnd]) -> None:
        while is_alive(app) and not self._is_over(goal):
            day = self._world.day
            await self._round(app, pool)
            if self._world.day != day:
                await self._rest(app)
                # No recording is open when descriptors are counted: SQLite opens its files one by one.
                self._recordings.close()
                self._days += 1
                self._take_in(app)
                self._count()
                ended.append(self.ledger.end_day(day, self._days))
                goal.tell(ended[-1])
                self._recordings.begin()
                if goal.save_at is not None:
                    self.ledger.save(goal.save_at)

    async def _round(self, app: SoakApp, pool: ThreadPoolExecutor) -> None:
        """Let some samples come, in the thread of the monitor, and press keys meanwhile."""
        ledger, world = self.ledger, self._world
        before, day = world.elapsed_seconds, world.day
        ticking = asyncio.get_running_loop().run_in_executor(pool, self._tick)
        try:
            share = _ROUND_SAMPLES * ledger.interval_seconds / ledger.day_seconds
            self._keys_owed += share * ledger.keys_each_day
            keys = keys_of(ledger.seed, round(before / ledger.interval_seconds), int(self._keys_owed))
            self._keys_owed -= len(keys)
            await press(app, keys)
            ledger.keys += len(keys)
        finally:
            await ticking
        for change in day_of(ledger.seed, day, ledger.day_seconds).resizes:
            if before < change.at_seconds <= world.elapsed_seconds and is_alive(app):
                await resize(app, change.size)
                ledger.resizes += 1
        await settle(app)
        self._look()
        self._recordings.set_full(is_full=Trouble.DISK_FULL in world.troubles)
        await _until(lambda: not (self._recordings.is_behind or app.is_behind))
        self._tidy()

    def _tick(self) -> None:
        ledger, world, monitor = self.ledger, self._world, self._monitor
        for _ in range(_ROUND_SAMPLES):
            world.step(ledger.interval_seconds)
            try:
                report = monitor.tick()
            except Exception as error:  # noqa: BLE001 - what the monitor's own loop would tell of
                self.defects.add_exception("monitor", error)
                continue
            self._samples += 1
            ledger.samples += 1
            ledger.late += bool(report.sample.late_sources)

    def _look(self) -> None:
        """Look whether every sample is in the history."""
        window = self._monitor.window()
        if window is None or window.newest.sequence + 1 != self._samples:
            newest = None if window is None else window.newest.sequence
            self.defects.add("lost sample", f"{self._samples} came, the newest has number {newest}")
        else:
            numbers = [sample.sequence for sample in window.samples]
            if numbers != list(range(numbers[0], self._samples)):
                self.defects.add("lost sample", f"the history has {numbers[:3]} to {numbers[-3:]}")

    async def _rest(self, app: SoakApp) -> None:
        """Bring the dashboard to the same place each night, for a minute: so memory may be compared."""
        await resize(app, _REST_SIZE)
        await press(app, ["escape"] * 5)
        if is_alive(app):
            await app.action_place("overview")
        if is_alive(app) and app.is_recording:
            app.action_record()
        if is_alive(app) and app.paused:
            app.action_pause()
        await _until(lambda: not (is_alive(app) and app.is_ending))
        for _ in range(_REST_FRAMES):
            if is_alive(app):
                app.show_frame()
            await settle(app)
        if is_alive(app):
            # What the dashboard does each minute of real time: a day of the soak has no more than one or two.
            app._forget()

    def _tidy(self) -> None:
        """Delete what keys have made: pictures, and recordings but the newest."""
        for pattern, kept in (("*.svg", 0), ("gpumon-*.gpumon", _LATEST_FILES)):
            found = sorted(self._folder.glob(pattern))
            for path in found[: max(0, len(found) - kept)]:
                path.unlink(missing_ok=True)

    def _is_over(self, goal: Goal) -> bool:
        over = self._world.elapsed_seconds >= goal.until_seconds
        return over or time.monotonic() - self._began >= goal.wall_seconds

    def _take_in(self, app: SoakApp) -> None:
        self.ledger.draws += app.draws
        self.ledger.would_have_left += app.left
        app.draws = app.left = 0
        self.ledger.screens = sorted({*self.ledger.screens, *app.seen})

    def _count(self) -> None:
        ledger, world, recordings = self.ledger, self._world, self._recordings
        ledger.elapsed_seconds = world.elapsed_seconds
        ledger.wall_seconds = self._wall_before + time.monotonic() - self._began
        ledger.cpu_seconds = self._cpu_before + time.process_time()
        ledger.trainings = world.trainings_until_now()
        ledger.recorded = self._recorded_before + recordings.samples
        ledger.recordings = self._files_before + recordings.files
        ledger.stopped_by_full_disk = self._stopped_before + recordings.stopped_by_full_disk
        for kind, count in self.defects.counts.items():
            ledger.defects[kind] = ledger.defects.get(kind, 0) + count
        ledger.defect_texts += self.defects.texts
        self.defects.counts.clear()
        self.defects.texts.clear()


async def _until(is_true: Callable[[], bool]) -> None:
    """Wait in real time for what another thread does. Raises HangError where it takes too long."""
    for _ in range(int(_PATIENCE_SECONDS / _LOOK_SECONDS)):
        if is_true():
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise HangError(f"the disk was waited for {_PATIENCE_SECONDS:.0f} s")
