"""The key that records what the dashboard shows."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gpumon.recording.reader import open_recording
from tests.tui.screen import Dashboard, dashboard


async def _closed(shown: Dashboard) -> None:
    """Wait until the recording is closed and that is shown."""
    for _ in range(1000):
        if not shown.app.is_ending:
            break
        await shown.pilot.pause(0.01)
    await shown.settle()


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_r_records_until_it_is_pressed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is seen between two presses is in one file, which only its owner may read."""
    monkeypatch.chdir(tmp_path)
    async with dashboard() as shown:
        await shown.press("r")
        recording = shown.lines()[0]
        for _ in range(3):
            await shown.advance()
        await shown.press("r")
        await _closed(shown)
        (file,) = _files(tmp_path)
        with open_recording(file) as found:
            sequences = [sample.sequence for sample in found.samples()]

        assert "REC" in recording
        assert "REC" not in shown.lines()[0]
        assert "recorded 63 samples" in shown.text().replace("\n", " ")
        assert file.stat().st_mode & 0o777 == 0o600
        assert list(range(1, 64)) == sequences


async def test_what_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the directory is gone the dashboard goes on, and says why nothing is recorded."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    async with dashboard() as shown:
        gone.rmdir()
        await shown.press("r")

        assert [] == _files(tmp_path)
        assert "no recording: " in shown.text()
        assert "REC" not in shown.lines()[0]


async def test_readonly_records_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --readonly the key only says why not."""
    monkeypatch.chdir(tmp_path)
    async with dashboard(readonly=True) as shown:
        await shown.press("r")

        assert [] == _files(tmp_path)
        assert "--readonly" in shown.text()


async def test_a_disk_that_hangs_does_not_stop_the_dashboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the file cannot be closed the keys go on working; what became of it is said when it is known."""
    monkeypatch.chdir(tmp_path)
    async with dashboard() as shown:
        await shown.press("r")
        (file,) = [path for path in _files(tmp_path) if path.suffix == ".gpumon"]
        # Another program that holds the file: the recorder waits for it as it would for a disk.
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await shown.advance()
            await shown.press("r")
            ending, first_line = shown.app.is_ending, shown.lines()[0]
            await shown.press("r")
            refused = shown.text()
            other.execute("ROLLBACK")
        await _closed(shown)

        assert ending
        assert "REC" not in first_line
        assert "being closed" in refused.replace("\n", " ")
        assert "recorded 61 samples" in shown.text().replace("\n", " ")


def test_a_full_disk_ends_the_recording_and_not_the_dashboard(tmp_path: Path) -> None:
    """The mark goes, the sentence comes, and the next second is shown; also while the picture is held."""
    finished = subprocess.run(
        [sys.executable, "-m", "tests.tui.until_full", str(tmp_path / "a.gpumon"), "200000"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert finished.stdout.splitlines() == ["before: REC", "after: the recording stopped", "the next second"]
