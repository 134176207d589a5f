"""A disk that takes no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gpumon.recording.reader import open_recording
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
        timeout=120,
        check=True,
    )

    assert finished.stdout.startswith("the recording stopped: the disk ")
    with open_recording(path) as recording:
        sequences = [sample.sequence for sample in recording.samples()]
    assert len(sequences) >= FIRST
    assert f"; {len(sequences)} samples are in {path}\n" in finished.stdout
    assert sequences == list(range(len(sequences)))
