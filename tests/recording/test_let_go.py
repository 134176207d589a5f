"""What is over is let go: gpumon stays open for weeks."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

from gpumon.model.training import Ended, Ending
from gpumon.recording.backlog import BacklogKeeper
from gpumon.recording.marking import Marking
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_keeper import RunKeeper
from gpumon.recording.runs_run import RunEnd
from gpumon.recording.writer import Recorder
from tests.recording.runs_scene import report
from tests.recording.scene import ABOUT, PATIENCE_SECONDS, ReportFeed, report_at


def test_a_recorder_that_is_over_is_let_go_by_its_feed(tmp_path: Path) -> None:
    """Nobody can stop to listen to a feed; what listens for a recorder forgets it with its end."""
    feed, recorder = ReportFeed(), Recorder(tmp_path / "a.gpumon", ABOUT)
    recorder.follow(feed)
    feed.show(report_at(0))
    recorder.close(PATIENCE_SECONDS)
    kept = weakref.ref(recorder)
    del recorder
    gc.collect()

    assert kept() is None
    # What comes later does no harm.
    feed.show(report_at(1))


def test_a_run_that_has_ended_is_let_go(tmp_path: Path) -> None:
    """Its samples are in the file; only who it was is remembered, so that it is not begun again."""
    keeper = RunKeeper(tmp_path / "runs.sqlite", "boot-1")
    for second in range(8):
        keeper.take(report(second))
    ended = Ended(Ending.FINISHED, "done", 1.7e9 + 8)
    for second in (8, 9):
        keeper.take(report(second, ended=ended))

    assert {} == keeper._kept
    keeper.take(report(10))
    assert {} == keeper._kept


def test_a_run_that_is_followed_no_longer_is_written_and_let_go(tmp_path: Path) -> None:
    """Where another training is chosen nobody reads the first to its end: what was seen is in the file."""
    path = tmp_path / "runs.sqlite"
    keeper = RunKeeper(path, "boot-1")
    for second in range(8):
        keeper.take(report(second))
    other = report(8)
    keeper.take(replace(other, sample=replace(other.sample, trainings=()), trainings=()))

    assert {} == keeper._kept
    for second in range(20, 26):
        keeper.take(report(second))
    keeper.flush()
    database = RunsDatabase(path, readonly=True)
    try:
        (run,) = database.runs()
    finally:
        database.close()
    assert (14.0, RunEnd.OPEN) == (run.seen_seconds, run.end)


def test_the_ends_of_only_the_newest_runs_are_remembered(tmp_path: Path) -> None:
    """Trainings come and go for weeks, each with another process."""
    keeper = RunKeeper(tmp_path / "runs.sqlite", "boot-1")
    for number in range(300):
        there = report(number)
        ended = report(number, ended=Ended(Ending.FINISHED, "done", 1.7e9))
        for each in (there, ended):
            reading = each.sample.trainings[0]
            identity = replace(reading.training.id, start_ticks=number)
            again = replace(reading, training=replace(reading.training, id=identity))
            keeper.take(replace(each, sample=replace(each.sample, trainings=(again,))))

    assert 256 == len(keeper._over)


def test_marks_that_no_recording_would_begin_with_are_let_go() -> None:
    """A recording holds the hour before it; what was marked before that is dropped."""
    feed = ReportFeed()
    feed.show(report_at(0))
    keeper = BacklogKeeper(feed)
    first = len(keeper._marks)
    for hour in range(1, 50):
        feed.show(report_at(hour * 3601))

    assert 0 < first
    assert len(keeper._marks) <= first + 2


def test_marking_forgets_trainings_that_are_gone() -> None:
    """Each training has another PID, and none of them is kept for weeks."""
    marking = Marking()
    there = report_at(0)
    marking.read(there)
    marking.read(replace(there, sample=replace(there.sample, trainings=()), trainings=()))

    assert ({}, {}, set()) == (marking._phases, marking._epochs, marking._ended)
