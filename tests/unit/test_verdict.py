"""The verdict follows what lasts, and is the same whichever window is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from gpumon.diagnosis.diagnose import diagnose
from gpumon.diagnosis.verdict import FOLDED_SAMPLES, JUDGED_SAMPLES
from gpumon.history.history import RECENT_SAMPLES, History, window_of
from gpumon.history.window import Window
from gpumon.model.finding import Finding
from gpumon.model.sample import Sample
from gpumon.model.training import Phase
from tests.unit.synthetic_training import HEALTHY, PID, STARVED, Scene

FEW = replace(STARVED, workers=4)
SMALL_GAP = Scene(wait=0.04)


def course(*parts: tuple[Scene, int]) -> tuple[Sample, ...]:
    """Return the samples of scenes that follow each other, a second each."""
    scenes = [scene for scene, seconds in parts for _ in range(seconds)]
    return tuple(scene.sample(index) for index, scene in enumerate(scenes))


def live(samples: Iterable[Sample]) -> Iterator[tuple[Sample, tuple[Finding, ...], Window]]:
    """Yield each sample with what is told then, as a live monitor does, and its window."""
    history = History()
    for sample in samples:
        history.append(sample)
        window = history.window()
        yield sample, diagnose(window, PID), window


def verdicts(samples: Iterable[Sample]) -> list[str]:
    """Return the verdict of each second."""
    return [findings[0].id if findings else "" for _, findings, _ in live(samples)]


def test_a_window_holds_what_the_verdict_needs() -> None:
    """Each second that is folded has the samples by which it is judged."""
    assert FOLDED_SAMPLES + JUDGED_SAMPLES <= RECENT_SAMPLES


def test_a_short_stall_is_no_alarm() -> None:
    """Two seconds of waiting in a healthy training leave its verdict."""
    told = verdicts(course((HEALTHY, 40), (replace(HEALTHY, wait=0.9), 2), (HEALTHY, 40)))
    assert {"compute-bound", ""} == set(told)


@pytest.mark.parametrize("wait", [0.2, 0.4, 0.8])
def test_a_wait_that_begins_is_told_soon(wait: float) -> None:
    """From its beginning to the right verdict it takes 20 s at most."""
    told = verdicts(course((HEALTHY, 200), (replace(FEW, wait=wait), 40)))[200:]
    assert "starved-too-few-workers" == told[20]
    assert "starved-too-few-workers" == told[-1]


def test_a_wait_that_is_over_is_held_for_a_minute() -> None:
    """Its finding keeps the numbers of when it was last seen."""
    found = list(live(course((HEALTHY, 30), (FEW, 40), (HEALTHY, 100))))
    told = [findings[0] for _, findings, _ in found[90:]]
    assert "starved-too-few-workers" == told[0].id
    assert "compute-bound" == told[-1].id
    ids = [finding.id for finding in told]
    assert 1 == sum(1 for before, after in pairwise(ids) if before != after)


def test_a_wait_between_the_thresholds_stays_what_it_was() -> None:
    """4 % is too little to begin and too much to end."""
    samples = course((HEALTHY, 30), (FEW, 70), (replace(SMALL_GAP, workers=4), 60))
    assert "starved-too-few-workers" == verdicts(samples)[-1]


def test_a_validation_leaves_the_verdict() -> None:
    """Minutes in which nothing is judged change nothing."""
    validating = replace(HEALTHY, phases=(Phase.VALIDATE,) * 400)
    told = verdicts(course((FEW, 40), (validating, 150)))
    assert {"starved-too-few-workers"} == set(told[40:])


def test_a_hang_takes_effect_at_once() -> None:
    """Whether it is training at all is no matter of chance."""
    starting = replace(HEALTHY, phases=(Phase.START,) * 400)
    told = verdicts(course((HEALTHY, 30), (starting, 3), (HEALTHY, 30)))
    assert ["starting"] * 3 == told[30:33]


@pytest.mark.parametrize("place", [185, 230, 290, 299])
def test_the_verdict_is_that_of_its_window_alone(place: int) -> None:
    """Who has seen nothing but the samples of a window comes to the same findings."""
    samples = course(
        (HEALTHY, 60), (FEW, 35), (SMALL_GAP, 25), (HEALTHY, 60), (replace(FEW, lock=0.7, cpu=0.2), 120)
    )
    told = list(live(samples))[place][1]
    anew = diagnose(window_of(samples[place + 1 - RECENT_SAMPLES : place + 1]), PID)
    assert [(found.id, found.text, found.evidence) for found in told] == [
        (found.id, found.text, found.evidence) for found in anew
    ]


def test_each_second_is_judged_once() -> None:
    """What was found out about a moment is kept with its sample."""
    window = list(live(course((HEALTHY, 30))))[-1][2]
    identity = window.samples[0].trainings[0].training.id
    seconds = window.moments.answers(("verdict", identity), window.samples, lambda _: pytest.fail("again"))
    assert 30 == len(seconds)
