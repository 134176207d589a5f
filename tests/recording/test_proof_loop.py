"""The whole way: starved, advised, started again with the advised settings, and proved, with real parts."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from gpumon.advice.prior import Prior
from gpumon.model.process import ProcessId
from gpumon.model.proof import Outcome, Proof
from gpumon.model.reading import TrainingReading
from gpumon.model.report import Report
from gpumon.model.sample import Sample
from gpumon.model.suggestion import Change, Effect, Suggestion
from gpumon.model.training import Training
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_compare import compare
from gpumon.recording.runs_keeper import RunKeeper
from gpumon.recording.runs_prior import load_prior
from gpumon.recording.runs_run import Run
from gpumon.recording.runs_words import brought_words, predicted_words, proof_text
from tests.unit.monitor_parts import HANG_SECONDS, FakeClock
from tests.unit.recorded_monitor import SceneStage
from tests.unit.synthetic_training import HEALTHY, PID, STARVED, Scene

BOOT = "boot-1"


@dataclass(frozen=True)
class Started(Scene):
    """A scene of a training that was started at some time."""

    start_ticks: int = 1

    def training(self) -> Training:
        """Return who it is."""
        return replace(super().training(), id=ProcessId(PID, self.start_ticks))


def _started(scene: Scene, start_ticks: int, **changes: float) -> Started:
    fields = {name: getattr(scene, name) for name in scene.__dataclass_fields__}
    return Started(**{**fields, **changes, "start_ticks": start_ticks})


def _clock(start_ticks: int) -> FakeClock:
    """Return the clock of this machine when the training of that start time begins."""
    return FakeClock(1000.0 + 1000.0 * start_ticks)


def _began(start_ticks: int) -> float:
    return _clock(start_ticks).now().unix_seconds


class Machine:
    """A monitor that keeps its runs in one database, and learns from it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._load = partial(load_prior, path, BOOT, started=_began)

    def watch(self, scene: Started) -> list[Report]:
        """Watch a training to the end of its scene; return what was told."""
        stage = SceneStage((scene,))
        stage.clock.seconds = _clock(scene.start_ticks).seconds
        keeper = RunKeeper(self.path, BOOT)
        is_loaded = threading.Event()

        def load(sample: Sample, reading: TrainingReading) -> Prior:
            try:
                return self._load(sample, reading)
            finally:
                is_loaded.set()

        def wait_for_prior() -> None:
            is_loaded.wait(HANG_SECONDS)

        stage.monitor.learn_from(load)
        # It is asked for at the first sample; on a busy machine the scene could be over before the answer.
        stage.monitor.subscribe(wait_for_prior)
        keeper.follow(stage.monitor)
        try:
            return stage.run()
        finally:
            stage.close()
            keeper.close(HANG_SECONDS)
            assert "" == keeper.trouble

    def runs(self) -> tuple[Run, ...]:
        """Return all runs, the newest first."""
        database = RunsDatabase(self.path, readonly=True)
        try:
            return tuple(database.runs())
        finally:
            database.close()

    def prior(self, scene: Started) -> Prior:
        """Return what is known when a training begins."""
        sample = scene.sample(0)
        return self._load(sample, sample.trainings[0])


def _advice(reports: list[Report]) -> Suggestion:
    return next(each for each in reports[-1].trainings[0].suggestions if each.setting == "workers")


def _settings(advice: Suggestion) -> dict[str, int]:
    """Return everything that is advised to change, by name."""
    changes = (Change(advice.setting, advice.from_value, advice.to_value), *advice.together)
    return {each.setting: each.to_value for each in changes if isinstance(each.to_value, int)}


def _proof(reports: list[Report]) -> Proof:
    found = reports[-1].trainings[0].proof
    assert found is not None
    return found


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine on which nothing was trained yet."""
    return Machine(tmp_path / "runs.sqlite")


def test_what_was_advised_is_proved_and_remembered(machine: Machine) -> None:
    """Predicted against achieved: live, in the list, in the comparison, and in the next prior."""
    before = machine.watch(_started(STARVED, 1, seconds=75))
    advice = _advice(before)
    assert isinstance(advice.images_per_second, Effect)
    rate = advice.images_per_second.predicted
    after = _started(HEALTHY, 2, seconds=75, rate=rate, wait=0.02, **_settings(advice))

    proof = _proof(machine.watch(after))
    outcome = proof.images_per_second
    assert isinstance(outcome, Outcome)
    assert (True, True) == (proof.settled, outcome.is_as_predicted)
    assert [90.0, rate] == pytest.approx([outcome.before, outcome.achieved])
    assert proof.text.startswith(f"workers 2 -> {advice.to_value}")
    assert f": predicted {rate:.0f} (" in proof.text
    newer, older = machine.runs()
    assert proof == newer.proof
    assert older.proof is None
    assert brought_words(newer.proof).endswith(f"of run 1, predicted ×{rate / 90.0:.2f}")
    comparison = compare(older, newer)
    assert comparison.proof is not None
    assert proof_text(comparison.proof).endswith(
        "images/s (" + proof.text.rsplit("(", 1)[1] + ": as predicted"
    )
    assert "images/s" in dict(predicted_words(comparison))
    known = machine.prior(replace(after, start_ticks=3))
    (taught,) = known.proofs
    assert ("workers", True) == (taught.setting, taught.predicted == pytest.approx(taught.achieved))
    assert {2, _settings(advice)["workers"]} == {seen.workers for seen in known.rates}


def test_a_change_that_brought_nothing_is_told_as_such(machine: Machine) -> None:
    """Promised more, got the same: the proof does not flatter."""
    advice = _advice(machine.watch(_started(STARVED, 1, seconds=75)))
    proof = _proof(machine.watch(_started(STARVED, 2, seconds=75, **_settings(advice))))

    assert proof_text(proof).endswith(": less than predicted")


def test_a_change_of_ones_own_is_before_and_after(machine: Machine) -> None:
    """Settings that nobody advised: measured, with nothing predicted."""
    machine.watch(_started(HEALTHY, 1, seconds=75))
    proof = _proof(machine.watch(_started(HEALTHY, 2, seconds=75, batch_size=24, rate=130.0)))

    assert "nothing was predicted for this" in proof.text
    assert isinstance(proof.images_per_second, Outcome)
    assert (100.0, 130.0, None) == (
        proof.images_per_second.before,
        proof.images_per_second.achieved,
        proof.images_per_second.predicted,
    )
    assert () == machine.prior(_started(HEALTHY, 3)).proofs


def test_started_again_as_it_was_is_no_experiment(machine: Machine) -> None:
    """Nothing changed, so nothing is proved."""
    machine.watch(_started(HEALTHY, 1, seconds=75))

    assert machine.watch(_started(HEALTHY, 2, seconds=30))[-1].trainings[0].proof is None
