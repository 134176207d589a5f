"""What earlier runs taught, in a live monitor and in the replay of its recording."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gpumon.advice.prior import NOTHING_KNOWN, Prior
from gpumon.model.process import ProcessId
from gpumon.model.reading import TrainingReading
from gpumon.model.report import Report
from gpumon.model.sample import Sample, SourceError
from gpumon.model.training import Phase
from gpumon.monitor.priors import Load
from gpumon.monitor.replay import ReplayFeed
from gpumon.recording.begin import about_of
from gpumon.recording.learned import Learned, learned_text, read_learned
from gpumon.recording.reader import open_recording
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_prior import load_prior
from gpumon.recording.runs_run import RunsError
from gpumon.recording.writer import Recorder
from gpumon.settings import Settings
from tests.recording.prior_scene import EARLIER, PRIOR
from tests.unit.monitor_parts import HANG_SECONDS, FakeClock, Stage
from tests.unit.recorded import Recorded
from tests.unit.recorded_monitor import SceneStage
from tests.unit.replay_player import Player
from tests.unit.synthetic_training import HEALTHY, PID, STARVED
from tests.unit.trainings import training

# A restart of a run that had one worker, on a scene that has two and starves.
SCENES = (replace(STARVED, seconds=75), replace(STARVED, seconds=15, phases=(Phase.VALIDATE,) * 15))
BEFORE = replace(EARLIER, settings=(("workers", 1), ("world_size", 1)))
KNOWN = replace(PRIOR, earlier=BEFORE)


class Loader:
    """Gives a prior, and lets the test wait until it was asked for."""

    def __init__(self, prior: Prior = KNOWN, failure: Exception | None = None) -> None:
        self.asked: list[tuple[ProcessId, int]] = []
        self.free = threading.Event()
        self.free.set()
        self._prior = prior
        self._failure = failure

    def __call__(self, sample: Sample, reading: TrainingReading) -> Prior:
        """Return the prior as soon as it is free to."""
        self.asked.append((reading.training.id, sample.sequence))
        self.free.wait(HANG_SECONDS)
        if self._failure is not None:
            raise self._failure
        return self._prior


def _tick_until(stage: Stage, is_over: Callable[[Report], bool], most: int = 20_000) -> Report:
    """Tick until something is so; the clock stands still meanwhile, so that only the thread is waited for."""
    for _ in range(most):
        report = stage.monitor.tick()
        if is_over(report):
            return report
        threading.Event().wait(0.005)
    raise AssertionError("it did not come")


def _record(path: Path, load: Load) -> list[Report]:
    stage = SceneStage(SCENES)
    stage.monitor.learn_from(load)
    recorder = Recorder(path, about_of(Settings(), "box", stage.clock.now()))
    try:
        recorder.follow(stage.monitor)
        return stage.run()
    finally:
        recorder.close(HANG_SECONDS)
        stage.close()


def _replayed(path: Path) -> list[Report]:
    with open_recording(path) as recording:
        feed = ReplayFeed(recording, FakeClock())
        told = [feed.report()]
        while not feed.state().is_at_end:
            feed.step(1)
            feed.turn()
            told.append(feed.report())
    return [report for report in told if report is not None]


def test_a_replay_knows_what_was_known_live(tmp_path: Path) -> None:
    """With a prior that came while it was recorded, every second is told again bit for bit."""
    path = tmp_path / "a.gpumon"
    live = _record(path, Loader())
    told = _replayed(path)

    assert repr(live) == repr(told)
    assert live == told
    with open_recording(path) as recording:
        learned = read_learned(recording.prior)
    assert [KNOWN] == [each.prior for each in learned.of_training.values()]
    proofs = [report.trainings[0].proof for report in live]
    assert proofs[0] is None
    assert proofs[-1] is not None
    assert (True, 3, 4) == (proofs[-1].settled, proofs[-1].earlier_run, proofs[-1].run)


def test_without_a_prior_a_recording_says_nothing_of_one(tmp_path: Path) -> None:
    """Nothing learnt is nothing written, and is replayed as such."""
    path = tmp_path / "a.gpumon"
    live = _record(path, Loader(NOTHING_KNOWN))

    with open_recording(path) as recording:
        assert "" == recording.prior
    assert live == _replayed(path)


def test_a_training_is_asked_for_when_it_trains() -> None:
    """While it starts, neither settings nor GPUs are known."""
    starting = replace(STARVED, seconds=5, phases=(Phase.START,) * 5)
    stage = SceneStage((starting, replace(STARVED, seconds=5)))
    loader = Loader()
    stage.monitor.learn_from(loader)
    try:
        stage.run()
        _tick_until(stage, lambda _: bool(stage.monitor.prior()))
    finally:
        stage.close()

    assert [5] == [sequence for _, sequence in loader.asked]


def test_a_training_whose_phase_cannot_be_told_is_asked_for_after_a_while() -> None:
    """Half a minute after it was found."""
    blind = replace(STARVED, seconds=40, phases=(Phase.UNKNOWN,) * 40)
    stage = SceneStage((blind,))
    loader = Loader()
    stage.monitor.learn_from(loader)
    try:
        stage.run()
        _tick_until(stage, lambda _: bool(stage.monitor.prior()))
    finally:
        stage.close()

    assert [30] == [sequence for _, sequence in loader.asked]


def test_a_training_is_asked_for_once() -> None:
    """One question to who was named first, whatever the answer; it holds for good."""
    stage = Stage(training(4000))
    loader = Loader()
    stage.monitor.learn_from(loader)
    stage.monitor.learn_from(Loader(NOTHING_KNOWN))
    try:
        # Its GPU is never told: it is not waited for any longer.
        stage.tick(10)
        assert [] == loader.asked
        stage.tick(1)
        _tick_until(stage, lambda _: bool(stage.monitor.prior()))
        stage.tick(5)
        assert [training(4000).id] == [asked[0] for asked in loader.asked]
        assert KNOWN == read_learned(stage.monitor.prior()).of_training[training(4000).id].prior
    finally:
        stage.close()


def test_a_slow_database_delays_no_sample_and_is_told() -> None:
    """The monitor goes on without it; after ten seconds it says so, and takes it when it comes."""
    stage = Stage(training(4000))
    loader = Loader()
    loader.free.clear()
    stage.monitor.learn_from(loader)
    try:
        early = stage.tick(21)
        late = stage.tick(1)
        assert () == early.sample.errors
        slow = "the database of runs does not answer: nothing is known of earlier runs"
        assert (SourceError("runs", slow),) == late.sample.errors
        loader.free.set()
        _tick_until(stage, lambda report: bool(stage.monitor.prior()) and not report.sample.errors)
    finally:
        loader.free.set()
        stage.close()


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (RunsError("the database of runs is damaged"), "the database of runs is damaged"),
        (ZeroDivisionError("a defect"), "ZeroDivisionError: a defect"),
    ],
)
def test_what_goes_wrong_is_a_note(failure: Exception, reason: str) -> None:
    """Nothing is known then, and the training is diagnosed all the same."""
    stage = SceneStage()
    stage.monitor.learn_from(Loader(failure=failure))
    try:
        report = _tick_until(stage, lambda report: bool(report.sample.errors))
        assert (SourceError("runs", f"nothing is known of earlier runs: {reason}"),) == report.sample.errors
        assert "" == stage.monitor.prior()
        assert [PID] == [each.pid for each in report.trainings]
    finally:
        stage.close()


def test_a_prior_that_cannot_be_recorded_is_not_used() -> None:
    """It would not be the same in a replay."""
    endless = replace(KNOWN, rates=(replace(KNOWN.rates[0], images_per_second=float("inf")),))
    stage = SceneStage()
    stage.monitor.learn_from(Loader(endless))
    try:
        report = _tick_until(stage, lambda report: bool(report.sample.errors))
        assert "not finite" in report.sample.errors[0].text
        assert "" == stage.monitor.prior()
    finally:
        stage.close()


def test_a_locked_database_is_a_note(tmp_path: Path) -> None:
    """Another program holds the real file: nothing is known, and one sentence says why."""
    path = tmp_path / "runs.sqlite"
    RunsDatabase(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
        raw.execute("BEGIN EXCLUSIVE")
        stage = SceneStage()
        stage.monitor.learn_from(partial(load_prior, path, "boot-1", patience_seconds=0.05))
        try:
            report = _tick_until(stage, lambda report: bool(report.sample.errors))
            assert "is held by another program" in report.sample.errors[0].text
        finally:
            stage.close()


def test_each_of_several_trainings_has_its_own() -> None:
    """In one recording they are told apart by process; of one that is not in there nothing is known."""
    sample = replace(HEALTHY, seconds=70).samples()
    first = sample[0].trainings[0].training.id
    other = ProcessId(77, 1)
    two = tuple(
        replace(
            each,
            trainings=(
                each.trainings[0],
                replace(each.trainings[0], training=replace(each.trainings[0].training, id=other)),
            ),
        )
        for each in sample
    )
    text = learned_text({other: Learned(0.0, KNOWN)})
    report = Player(Recorded(two, prior=text), 1069.0).feed.report()

    assert report is not None
    proofs = {each.pid: each.proof for each in report.trainings}
    assert proofs[first.pid] is None
    assert proofs[77] is not None


def test_a_broken_prior_is_a_sentence_and_the_rest_is_replayed() -> None:
    """The diagnosis is that without a prior, and the sample says what is wrong."""
    samples = replace(STARVED, seconds=70).samples()
    broken = json.dumps({f"{PID}:1": {"from_seconds": 0, "fields": {}, "value": []}})
    report = Player(Recorded(samples, prior=broken), 1069.0).feed.report()
    plain = Player(Recorded(samples), 1069.0).feed.report()

    assert report is not None
    assert plain is not None
    (error,) = report.sample.errors
    assert error.source == "runs"
    assert error.text.startswith("what earlier runs taught is broken in this recording: ")
    assert plain.trainings == report.trainings
