"""Pictures of the screen as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpumon.tui.picture import save_picture
from tests.tui.fake_feed import FakeClock


def test_two_pictures_of_one_second_are_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is lost, and where too many are asked for it says so."""
    monkeypatch.chdir(tmp_path)
    said = [save_picture(f"<svg>{number}</svg>", FakeClock()) for number in range(10)]

    written = sorted(path.read_text() for path in tmp_path.iterdir())
    assert written == [f"<svg>{number}</svg>" for number in range(9)]
    assert all(text.startswith("saved ") for text in said[:9])
    assert said[9].startswith("no picture: there are 9")


def test_a_directory_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dashboard goes on, as after any picture that cannot be written."""
    started = tmp_path / "started-here"
    started.mkdir()
    monkeypatch.chdir(started)
    started.rmdir()

    assert (
        save_picture("<svg/>", FakeClock()) == "no picture: the directory that gpumon was started in is gone"
    )
