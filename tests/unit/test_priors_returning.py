"""Trainings that leave, come back, or are many: what is known of them stays what a recording holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gpumon.advice.prior import NOTHING_KNOWN, Prior
from gpumon.model.clock import Instant
from gpumon.model.process import ProcessId
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from gpumon.monitor.priors import Priors
from gpumon.recording.learned import MOST_TRAININGS, Learned, read_learned
from gpumon.recording.runs_run import RunsError
from tests.recording.prior_scene import PRIOR
from tests.unit.monitor_parts import HANG_SECONDS
from tests.unit.synthetic_training import HEALTHY

# PIDs of trainings of which nothing can be read, and the first of those that are only waited for.
BROKEN = frozenset({3, 4})
MARKER = 9000


class Visits:
    """Priors, shown samples in which trainings come and go; moments are the test's, answers wait for it."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.turns = threading.Semaphore(0)
        self._sample = HEALTHY.sample(0)
        self._markers = 0
        self.priors = Priors(self._load)

    def show(self, second: float, *pids: int) -> None:
        """Take in what was read, and ask for those that are there, as a monitor does in one tick."""
        now = Instant(0.0, second)
        self.priors.take(now)
        reading = self._sample.trainings[0]
        readings = (replace(reading, training=replace(reading.training, id=_process(pid))) for pid in pids)
        self.priors.ask(replace(self._sample, instant=now, trainings=tuple(readings)))

    def take_until_known(self, second: float, pid: int) -> None:
        """Take in what was read until there is the prior of a training; at one moment."""
        for _ in range(20_000):
            self.priors.take(Instant(0.0, second))
            if self.priors.prior(_process(pid)) != NOTHING_KNOWN:
                return
            threading.Event().wait(0.005)
        raise AssertionError("it did not come")

    def answer(self, second: float, *pids: int) -> None:
        """Show these, and take in all answers to what was asked so far; at one moment."""
        # One more that is asked for: when its answer is there, those before it were.
        self._markers += 1
        marker = MARKER + self._markers
        self.show(second, *pids, marker)
        self.turns.release(1000)
        self.take_until_known(second, marker)
        self.show(second, *pids)

    def _load(self, sample: Sample, reading: TrainingReading) -> Prior:
        self.turns.acquire(timeout=HANG_SECONDS)
        pid = reading.training.id.pid
        self.asked.append(pid)
        if pid in BROKEN:
            raise RunsError(f"the database of runs is damaged at {sample.hostname}")
        return PRIOR


def _process(pid: int) -> ProcessId:
    return ProcessId(pid, 1)


@pytest.fixture
def visits() -> Iterator[Visits]:
    """Return priors that were asked for nobody yet."""
    found = Visits()
    yield found
    found.turns.release(1000)
    found.priors.stop()


def test_of_a_training_that_is_gone_no_trouble_is_told(visits: Visits) -> None:
    """Its answer came too late for anybody; that of one that is there is told until this one is gone."""
    visits.show(0, 3, 4)
    visits.show(1, 4)
    visits.answer(2, 4)
    assert [3, 4] == visits.asked[:2]
    assert 1 == len(visits.priors.errors(Instant(0.0, 2)))

    visits.show(3, 1)
    assert () == visits.priors.errors(Instant(0.0, 3))


def test_what_was_learnt_of_a_training_that_comes_back_holds_since_then(visits: Visits) -> None:
    """It is not asked for again: what lies between would be replayed without what was known live."""
    visits.answer(10, 1)
    visits.answer(20, 2)
    visits.answer(30, 1)

    assert 1 == visits.asked.count(1)
    assert Learned(10.0, PRIOR) == read_learned(visits.priors.text).of_training[_process(1)]


def test_the_first_of_two_answers_holds(visits: Visits) -> None:
    """A training that left and came back before there was one was asked for twice."""
    visits.show(0, 1)
    visits.show(1)
    visits.show(2, 1)
    visits.turns.release()
    visits.take_until_known(3, 1)
    visits.answer(4, 1)

    assert 2 == visits.asked.count(1)
    assert Learned(3.0, PRIOR) == read_learned(visits.priors.text).of_training[_process(1)]


def test_those_that_are_gone_are_forgotten_first(visits: Visits) -> None:
    """Of more trainings than a recording keeps, the one that is still there is not the one that goes."""
    others = range(100, 100 + MOST_TRAININGS)
    visits.show(0, 1, *others)
    visits.answer(1, 1)

    known = read_learned(visits.priors.text).of_training
    assert (MOST_TRAININGS, True, False) == (len(known), _process(1) in known, _process(100) in known)
    assert (PRIOR, NOTHING_KNOWN) == (visits.priors.prior(_process(1)), visits.priors.prior(_process(100)))
