"""A start says what it does and for how long; only a very long one is worth a look."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.diagnosis.rule import Silent
from gpumon.diagnosis.rules.starting import RULE
from gpumon.model.finding import Severity
from gpumon.model.process import ProcessId, Role
from gpumon.model.sample import Sample
from gpumon.model.training import Member, Phase
from tests.unit.run_scene import changed, finding, judged, phased, slower, with_processes
from tests.unit.synthetic_training import HEALTHY, PID


def _starting(source: str = "processes, without a log: no DataLoader workers yet") -> list[Sample]:
    return [changed(sample, phase_source=source) for sample in phased((Phase.START, 20))]


def _begun_at(samples: list[Sample], seconds: float) -> list[Sample]:
    """Return the samples of a training whose main process started at that monotonic second."""
    found = []
    for sample in samples:
        training = sample.trainings[0].training
        found.append(changed(sample, training=replace(training, id=ProcessId(PID, int(seconds * 100)))))
    return found


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("log: label scan", "it scans the labels"),
        ("log: caching images", "it caches images"),
        ("frames: the first batch is not done", "its first batch is being made"),
        ("processes, without a log: no batch was consumed yet", "its workers prepare the first batches"),
        ("processes, without a log: no DataLoader workers yet", "it imports its libraries"),
    ],
)
def test_it_says_what_is_done(source: str, words: str) -> None:
    """The source of the phase tells the step."""
    assert words in finding(RULE, _starting(source)).text


def test_a_pool_of_processes_scans_labels() -> None:
    """Also where only the processes can be seen."""
    samples = []
    for sample in _starting():
        training = sample.trainings[0].training
        pool = Member(ProcessId(PID + 50, 3), PID, Role.POOL)
        samples.append(changed(sample, training=replace(training, members=(*training.members, pool))))
    assert "it scans the labels" in finding(RULE, samples).text


def test_it_counts_from_the_start_of_the_process() -> None:
    """Also of the time before gpumon looked."""
    found = finding(RULE, _begun_at(_starting(), 880.0))
    assert found.since_unix_seconds == pytest.approx(1.7e9 - 120)
    assert "has been starting for 2 min" in found.text
    assert "low utilisation is normal now" in found.text


def test_a_program_that_is_not_only_a_training_counts_from_what_was_seen() -> None:
    """A notebook may be days old when its training begins."""
    samples = []
    for sample in _starting():
        training = replace(sample.trainings[0].training, framework="torch")
        samples.append(changed(sample, training=training))
    assert finding(RULE, samples).since_unix_seconds == pytest.approx(1.7e9)


def test_twenty_minutes_are_worth_a_look() -> None:
    """Information still, with what the main process does."""
    idle = [with_processes(sample, main={"cpu_busy_ratio": 0.0}, workers={}) for sample in _starting()]
    found = finding(RULE, _begun_at(list(slower(idle, 90.0)), 1000.0))
    assert found.severity is Severity.INFO
    assert "more than 20 min are worth a look: its main process rests" in found.text


def test_a_training_that_trains_is_silent() -> None:
    """The phase tells."""
    assert isinstance(judged(RULE, HEALTHY.samples()), Silent)
