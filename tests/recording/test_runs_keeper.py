"""Runs kept from a feed: in a thread of its own, and without harm to the monitor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gpumon.model.report import Report
from gpumon.model.training import Ended, Ending, Setting
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_keeper import RunKeeper
from gpumon.recording.runs_run import Run, RunEnd, RunsError
from tests.recording.runs_scene import report
from tests.unit.synthetic_training import HEALTHY, STARVED

WAIT_SECONDS = 60.0


class _Feed:
    """A feed of made-up reports; `show` is called as the monitor's thread would."""

    def __init__(self) -> None:
        self._newest: Report | None = None
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def report(self) -> Report | None:
        return self._newest

    def show(self, newest: Report) -> None:
        self._newest = newest
        for listener in self._listeners:
            listener()


def _runs(path: Path) -> tuple[Run, ...]:
    database = RunsDatabase(path, readonly=True)
    try:
        return tuple(database.runs())
    finally:
        database.close()


def test_what_a_feed_shows_is_kept(tmp_path: Path) -> None:
    """Attached for some seconds, closed, and the run is in the file with its settings and numbers."""
    path = tmp_path / "runs.sqlite"
    feed, keeper = _Feed(), RunKeeper(path, "boot-1")
    keeper.follow(feed)
    for second in range(25):
        feed.show(report(second, STARVED))
    keeper.close(WAIT_SECONDS)

    (run,) = _runs(path)
    workers = run.about.setting("workers")
    assert ("", 25.0, 2) == (keeper.trouble, run.seen_seconds, workers.value if workers else None)
    assert (90.0 * 25, "made up") == (sum(each.images for each in run.blocks), run.about.rate_source)


def test_a_second_attachment_continues_the_run(tmp_path: Path) -> None:
    """Opened again on the same process, gpumon adds to the same run."""
    path = tmp_path / "runs.sqlite"
    for seconds in (range(20), range(100, 120)):
        keeper = RunKeeper(path, "boot-1")
        for second in seconds:
            keeper.take(report(second))
        keeper.flush()

    (run,) = _runs(path)
    assert (40.0, [100, 101, 110, 111]) == (run.seen_seconds, [each.number for each in run.blocks])


def test_a_glance_is_not_a_run(tmp_path: Path) -> None:
    """A few seconds leave no run, and make no file."""
    keeper = RunKeeper(tmp_path / "runs.sqlite", "boot-1")
    for second in range(3):
        keeper.take(report(second))
    keeper.flush()

    assert not (tmp_path / "runs.sqlite").exists()


def test_how_it_ended_is_kept(tmp_path: Path) -> None:
    """The end is written at once, with running out of memory told apart."""
    path = tmp_path / "runs.sqlite"
    keeper = RunKeeper(path, "boot-1")
    keeper.take(report(0))
    ended = Ended(Ending.CRASHED, "it crashed: the GPU ran out of memory (log)", 1.7e9 + 1)
    for second in (1, 2):
        keeper.take(report(second, ended=ended))

    (run,) = _runs(path)
    assert (RunEnd.OUT_OF_MEMORY, ended.text) == (run.end, run.end_text)
    assert run.last_seen_unix_seconds == 1.7e9 + 1


def test_a_pid_used_again_is_another_run(tmp_path: Path) -> None:
    """A restart with the same PID has another start time, and a run of its own."""
    path = tmp_path / "runs.sqlite"
    keeper = RunKeeper(path, "boot-1")
    for second in range(10):
        keeper.take(report(second))
    for second in range(10, 20):
        later = report(second)
        training = later.sample.trainings[0].training
        again = replace(training, id=replace(training.id, start_ticks=99))
        reading = replace(later.sample.trainings[0], training=again)
        keeper.take(replace(later, sample=replace(later.sample, trainings=(reading,))))
    keeper.flush()

    assert [99, 1] == [run.process.start_ticks for run in _runs(path)]


def test_hostile_names_are_kept_harmless(tmp_path: Path) -> None:
    """Whatever a training calls itself, no escape sequence reaches the file, and it has an end."""
    hostile = "\x1b]0;owned\x07" + "a\u202eb" * 5000
    path = tmp_path / "runs.sqlite"
    keeper = RunKeeper(path, "boot-1")
    for second in range(12):
        seen = report(second)
        reading = seen.sample.trainings[0]
        training = replace(
            reading.training,
            name=hostile,
            command=(hostile,) * 500,
            run_dir=hostile,
            environment=((hostile, hostile),) * 500,
            settings=replace(reading.training.settings, data=Setting(hostile, hostile)),
        )
        sample = replace(seen.sample, trainings=(replace(reading, training=training),), hostname=hostile)
        keeper.take(replace(seen, sample=sample))
    keeper.flush()

    content = path.read_bytes()
    assert not any(harm in content for harm in (b"\x1b", b"u001b", b"u202e", "\u202e".encode()))
    assert ("", True) == (keeper.trouble, len(content) < 200_000)
    assert _runs(path)[0].about.name == "ab" * 150


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """The monitor goes on, the reason is kept in words, and nothing is raised."""
    (tmp_path / "data").write_text("a file where the folder should be")
    feed, keeper = _Feed(), RunKeeper(tmp_path / "data" / "runs.sqlite", "boot-1")
    keeper.follow(feed)
    for second in range(12):
        feed.show(report(second))
    keeper.close(WAIT_SECONDS)

    assert keeper.trouble.startswith("the database of runs ")
    assert "cannot be opened" in keeper.trouble


def test_what_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    """A disk that was full for a while loses nothing, and the trouble is over."""
    path = tmp_path / "runs.sqlite"
    full = [True, True]

    def open_database(place: Path) -> RunsDatabase:
        if full and full.pop():
            raise RunsError("the disk is full")
        return RunsDatabase(place)

    keeper = RunKeeper(path, "boot-1", open_database)
    troubles = []
    for second in range(41):
        keeper.take(report(second))
        troubles.append(keeper.trouble)
    keeper.flush()

    assert ("the disk is full", "") == (troubles[15], troubles[-1])
    assert 41.0 == _runs(path)[0].seen_seconds


def test_a_slow_disk_does_not_hold_up_the_monitor(tmp_path: Path) -> None:
    """While the file hangs the feed's listeners return, and what cannot wait is dropped."""
    free, hanging = threading.Event(), threading.Event()

    def open_database(place: Path) -> RunsDatabase:
        hanging.set()
        free.wait(WAIT_SECONDS)
        return RunsDatabase(place)

    feed, keeper = _Feed(), RunKeeper(tmp_path / "runs.sqlite", "boot-1", open_database)
    keeper.follow(feed)
    for second in range(11):
        feed.show(report(second))
    assert hanging.wait(WAIT_SECONDS)
    for second in range(11, 400):
        feed.show(report(second, HEALTHY))
    free.set()
    keeper.close(WAIT_SECONDS)

    assert 11.0 <= _runs(tmp_path / "runs.sqlite")[0].seen_seconds < 200.0


def test_what_was_not_waited_for_is_told(tmp_path: Path) -> None:
    """Closed before the disk has answered, it says that something may be missing, until nothing is."""
    free, hanging = threading.Event(), threading.Event()

    def open_database(place: Path) -> RunsDatabase:
        hanging.set()
        free.wait(WAIT_SECONDS)
        return RunsDatabase(place)

    feed, keeper = _Feed(), RunKeeper(tmp_path / "runs.sqlite", "boot-1", open_database)
    keeper.follow(feed)
    for second in range(11):
        feed.show(report(second))
    assert hanging.wait(WAIT_SECONDS)
    before = keeper.trouble
    keeper.close(0.0)
    assert ("", True) == (before, keeper.trouble.endswith("is too slow: it may lack what came last"))
    free.set()
    keeper.close(WAIT_SECONDS)
    assert ("", 11.0) == (keeper.trouble, _runs(tmp_path / "runs.sqlite")[0].seen_seconds)


def test_a_defect_of_the_keeper_is_told_and_ends_there(tmp_path: Path) -> None:
    """Whatever goes wrong in its thread is a sentence; the feed is not disturbed."""

    def open_database(place: Path) -> RunsDatabase:
        raise ZeroDivisionError(str(place))

    feed, keeper = _Feed(), RunKeeper(tmp_path / "runs.sqlite", "boot-1", open_database)
    keeper.follow(feed)
    for second in range(30):
        feed.show(report(second))
    keeper.close(WAIT_SECONDS)

    assert keeper.trouble.startswith("runs are no longer kept: ZeroDivisionError")
