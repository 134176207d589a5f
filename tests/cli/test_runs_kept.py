"""Front ends keep the runs they see, and say in one sentence why they could not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpumon.cli.runs_kept import kept_runs
from gpumon.history.window import Window
from gpumon.model.report import Report
from gpumon.model.source import Listener
from gpumon.settings import Settings
from tests.recording.runs_scene import report


class _Feed:
    """Shows made-up reports to whoever subscribed."""

    def __init__(self) -> None:
        self._newest: Report | None = None
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def report(self) -> Report | None:
        return self._newest

    def window(self) -> Window | None:
        return None

    def choose(self, pid: int) -> None:
        del pid

    def close(self) -> None:
        self._listeners.clear()

    def show(self, seconds: int) -> None:
        for second in range(seconds):
            self._newest = report(second)
            for listener in self._listeners:
                listener()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data directory that is used for the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def test_what_a_front_end_shows_is_kept(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After a while on a training the database is there, and nothing is said."""
    feed = _Feed()
    with kept_runs(feed, Settings()):
        feed.show(12)

    assert (home / "gpumon" / "runs.sqlite").stat().st_size > 0
    assert ("", "") == capsys.readouterr()


def test_readonly_writes_nothing(home: Path) -> None:
    """`--readonly` holds for the database too."""
    feed = _Feed()
    with kept_runs(feed, Settings(readonly=True)):
        feed.show(12)

    assert not home.exists()


def test_what_could_not_be_kept_is_said_afterwards(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence on stderr when the front end is over."""
    home.write_text("a file where the folder should be")
    feed = _Feed()
    with kept_runs(feed, Settings()):
        feed.show(12)
        during = capsys.readouterr()
    after = capsys.readouterr()

    assert ("", "") == during
    assert ("", 1) == (after.out, after.err.count("\n"))
    assert after.err.startswith("gpumon: this run was not kept: the database of runs ")
