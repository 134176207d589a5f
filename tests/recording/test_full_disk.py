"""A disk that takes no more."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

from gpumon.recording.reader import open_recording
from gpumon.recording.writer import Recorder
from tests.recording.scene import ABOUT, PATIENCE_SECONDS, report_at
from tests.recording.until_full import FIRST

ROOT = Path(__file__).resolve().parents[2]


def test_a_recording_stops_with_a_word_when_nothing_more_fits(tmp_path: Path) -> None:
    """The recorder says that it stopped and why; the process goes on, and what was written can be read."""
    path = tmp_path / "a.gpumon"
    finished = subprocess.run(
        [sys.executable, "-m", "tests.recording.until_full", str(path), "150000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )

    assert finished.stdout.startswith("the recording stopped: the disk ")
    with open_recording(path) as recording:
        sequences = [sample.sequence for sample in recording.samples()]
    assert len(sequences) >= FIRST
    assert f"; {len(sequences)} samples are in {path}\n" in finished.stdout
    assert sequences == list(range(len(sequences)))


def test_a_disk_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """The recorder says that the end may be missing; when the disk goes on after all, nothing is."""
    path = tmp_path / "a.gpumon"
    over = threading.Event()
    recorder = Recorder(path, ABOUT)
    recorder.when_over(over.set)
    # Another program that holds the file: it is waited for as a disk would be.
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=60.0)) as other:
        other.execute("BEGIN IMMEDIATE")
        recorder.write(report_at(0))
        recorder.close(timeout_seconds=0.0)
        hanging = recorder.state
        other.execute("ROLLBACK")
    assert over.wait(120.0)

    assert (False, True, True) == (hanging.is_recording, hanging.is_ending, hanging.has_failed)
    assert hanging.text == f"the disk hangs: {path} may lack what came last"
    assert (False, False, 1) == (recorder.state.is_ending, recorder.state.has_failed, recorder.state.samples)


def test_the_end_is_told_to_those_who_ask_late(tmp_path: Path) -> None:
    """Whoever listens after the file is closed hears of it at once."""
    recorder = Recorder(tmp_path / "a.gpumon", ABOUT)
    recorder.close(PATIENCE_SECONDS)
    told: list[bool] = []
    recorder.when_over(lambda: told.append(True))

    assert told == [True]
