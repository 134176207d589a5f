"""The recording of the soak, one file a day, and whether every sample is in it."""

from __future__ import annotations

import resource
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from gpumon.history.window import Window
from gpumon.model.report import Report
from gpumon.model.source import Listener
from gpumon.monitor.feed import Feed
from gpumon.recording.begin import begin_recording
from gpumon.recording.reader import open_recording
from gpumon.recording.writer import Recorder
from gpumon.settings import Settings
from tests.soak.world import World

# No file of this process may grow past it while the disk is full.
_FULL_BYTES = 64 * 1024
_CLOSE_SECONDS = 120.0
# How many samples a recorder may be behind: it holds 300, and writes once a second of real time.
# Each that waits holds all that was told with it: with many the memory of the night would be that of chance.
MOST_BEHIND = 60


class Recordings:
    """Records a feed into one file after the other; `tell` hears of every sample that is lost.

    `samples` are those that are safe in files.
    """

    def __init__(self, folder: Path, feed: Feed, world: World, tell: Callable[[str], None]) -> None:
        """Begin the first file."""
        self.samples = 0
        self.files = 0
        self.stopped_by_full_disk = 0
        self._folder = folder
        self._feed = feed
        self._world = world
        self._tell = tell
        self._soft_bytes, self._hard_bytes = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._is_full = False
        self._was_full = False
        self._ear = _Ear(feed)
        self._is_open = False
        self._recorder = self._begin()

    @property
    def is_behind(self) -> bool:
        """Whether the recorder needs time to write what it holds."""
        state = self._recorder.state
        return state.is_recording and self._ear.heard - state.samples > MOST_BEHIND

    @property
    def is_full(self) -> bool:
        """Whether the disk is full now."""
        return self._is_full

    def set_full(self, *, is_full: bool) -> None:
        """Let the disk be full, or have room again: then a recording that stopped is begun anew."""
        if is_full != self._is_full:
            self._is_full = is_full
            soft = _FULL_BYTES if is_full else self._soft_bytes
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, self._hard_bytes))
        self._was_full |= is_full
        if not is_full and self._recorder.state.has_failed:
            self.turn_over()

    def turn_over(self) -> None:
        """Close the file, look whether every sample is in it, delete it, and begin the next one."""
        self.close()
        self.begin()

    def begin(self) -> None:
        """Begin the next file."""
        self._recorder = self._begin()

    def close(self) -> None:
        """Close the file, look whether every sample is in it, and delete it; closing twice is harmless."""
        if not self._is_open:
            return
        self._is_open = False
        recorder, heard = self._recorder, self._ear.heard
        self._ear.recorder = None
        recorder.close(_CLOSE_SECONDS)
        state = recorder.state
        self.samples += state.samples
        self.files += 1
        if state.has_failed and self._was_full:
            self.stopped_by_full_disk += 1
        elif state.has_failed or state.samples != heard:
            self._tell(f"{heard} samples came, {state.samples} are recorded: {state.text}")
        self._look_into(recorder.path, self._ear.first_sequence, state.samples)
        for path in self._folder.glob(f"{recorder.path.name}*"):
            path.unlink()
        self._was_full = self._is_full

    def _begin(self) -> Recorder:
        path = self._folder / f"day{self._world.day}-{self.files}.gpumon"
        # What the feed has seen before is in the file before.
        self._ear.begin()
        self._is_open = True
        return begin_recording(path, self._ear, Settings(), self._world.now())

    def _look_into(self, path: Path, first_sequence: int, samples: int) -> None:
        if not samples:
            return
        with open_recording(path) as recording:
            numbers = [sample.sequence for sample in recording.samples(recording.full_from_seconds)]
            gaps = [mark.text for mark in recording.marks() if "not written" in mark.text]
        if any(after != before + 1 for before, after in pairwise(numbers)) or gaps:
            self._tell(f"{path.name} has gaps: {numbers[:3]} to {numbers[-3:]}, {gaps}")
        if not numbers or numbers[-1] < first_sequence + samples - 1:
            self._tell(f"{path.name} lacks its end: {numbers[-3:]}, {samples} from {first_sequence} on")


class _Ear:
    """The feed as one recorder after the other has it: only what comes while it listens.

    It hears of the feed once for all of them, for nobody can stop to listen to a feed.
    """

    def __init__(self, feed: Feed) -> None:
        self.recorder: Listener | None = None
        self.heard = 0
        self.first_sequence = 0
        self._feed = feed
        feed.subscribe(self._hear)

    def begin(self) -> None:
        """Count from 0 on."""
        self.recorder, self.heard = None, 0

    def subscribe(self, listener: Listener) -> None:
        """Listen from now on, instead of the one before."""
        self.recorder = listener

    def report(self) -> Report | None:
        """Return the newest report, or None where none came since the beginning."""
        return self._feed.report() if self.heard else None

    def window(self) -> Window | None:
        """Return nothing: what was before is in the file before."""
        return None

    def prior(self) -> str:
        """Return what earlier runs taught."""
        return self._feed.prior()

    def _hear(self) -> None:
        report = self._feed.report()
        if self.recorder is None or report is None:
            return
        if not self.heard:
            self.first_sequence = report.sample.sequence
        self.heard += 1
        self.recorder()
