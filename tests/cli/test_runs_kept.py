"""Front ends keep the runs they see, and say in one sentence why they could not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gpumon.cli.runs_kept import kept_runs
from gpumon.history.window import Window
from gpumon.model.report import Report
from gpumon.model.source import Listener
from gpumon.monitor.priors import Load
from gpumon.settings import Settings
from tests.recording.runs_scene import report
from tests.sources.other_user import as_nobody


class _Feed:
    """Shows made-up reports to whoever subscribed."""

    def __init__(self) -> None:
        self._newest: Report | None = None
        self.load: Load | None = None
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def report(self) -> Report | None:
        return self._newest

    def window(self) -> Window | None:
        return None

    def prior(self) -> str:
        return ""

    def learn_from(self, load: Load) -> None:
        self.load = load

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

    assert feed.load is not None
    assert (home / "gpumon" / "runs.sqlite").stat().st_size > 0
    assert ("", "") == capsys.readouterr()


def test_readonly_writes_nothing(home: Path) -> None:
    """`--readonly` holds for the database too, which is not even read."""
    feed = _Feed()
    with kept_runs(feed, Settings(readonly=True)):
        feed.show(12)

    assert feed.load is None
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


def test_a_feed_learns_from_the_runs_that_were_kept(home: Path) -> None:
    """What one front end has kept the next one is told: the same database."""
    with kept_runs(first := _Feed(), Settings()):
        first.show(40)
    with kept_runs(second := _Feed(), Settings()):
        assert second.load is not None
        newest = report(50)
        reading = newest.sample.trainings[0]
        again = replace(reading.training, id=replace(reading.training.id, start_ticks=2))
        prior = second.load(newest.sample, replace(reading, training=again))

    assert [4] == [rate.workers for rate in prior.rates]
    assert home.exists()


def test_root_makes_no_database_in_the_home_of_who_called_sudo(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their own gpumon could never open it; why nothing was kept is said."""
    caller = {"SUDO_UID": str(os.geteuid())}
    with kept_runs(_Feed(), Settings(), caller, user_id=os.geteuid() + 1):
        pass

    assert not home.exists()
    assert capsys.readouterr().err.startswith("gpumon: this run was not kept: sudo left HOME as it was")


def test_a_closed_folder_is_one_sentence_at_the_end(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether there are earlier runs cannot be told: the front end goes on, and nothing is raised."""
    (home / "gpumon").mkdir(parents=True)
    home.chmod(0o700)
    feed = _Feed()
    with as_nobody(), kept_runs(feed, Settings()):
        feed.show(7)

    assert "this run was not kept: the database of runs" in capsys.readouterr().err
    monkeypatch.undo()
