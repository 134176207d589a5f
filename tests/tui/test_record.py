"""The key that records what the dashboard shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpumon.recording.reader import open_recording
from tests.tui.screen import dashboard


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
        (file,) = _files(tmp_path)
        with open_recording(file) as found:
            sequences = [sample.sequence for sample in found.samples()]

        assert "REC" in recording
        assert "REC" not in shown.lines()[0]
        assert "recorded 63 samples" in shown.text().replace("\n", " ")
        assert file.stat().st_mode & 0o777 == 0o600
        assert list(range(1, 64)) == sequences


async def test_what_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file is there already the dashboard goes on, and says why nothing is recorded."""
    monkeypatch.chdir(tmp_path)
    async with dashboard() as shown:
        await shown.press("r", "r", "r")

        assert len(_files(tmp_path)) == 1
        assert "no recording: " in shown.text()
        assert "REC" not in shown.lines()[0]


async def test_readonly_records_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --readonly the key only says why not."""
    monkeypatch.chdir(tmp_path)
    async with dashboard(readonly=True) as shown:
        await shown.press("r")

        assert [] == _files(tmp_path)
        assert "--readonly" in shown.text()
