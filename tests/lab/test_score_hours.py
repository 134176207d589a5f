"""Healthy hours on a simulated clock: what their samples say is what the simulated run did."""

from __future__ import annotations

import pytest

from gpumon.model.measure import number
from gpumon.model.training import Phase
from tests.lab.score_gpumon import Gpumon
from tests.lab.score_hours import LongRun
from tests.lab.score_outcome import judge
from tests.lab.score_truth import truth_of


@pytest.mark.parametrize("seed", range(6))
def test_a_healthy_run_hardly_waits(seed: int) -> None:
    """Below 5 % of the time, or it would be no control."""
    truth = truth_of(LongRun(seed, 1200).about.truth)

    assert truth.control
    assert truth.data_wait_ratio is not None
    assert truth.data_wait_ratio < 0.05


def test_samples_say_what_happened() -> None:
    """Over a run the looks find the share of waiting that there was, and all phases come by."""
    run = LongRun(3, 700)
    seen = [sample.trainings[0] for sample in run.samples()]
    training = [reading for reading in seen if reading.phase is Phase.TRAIN]
    waits = [number(reading.loader.data_wait_ratio) or 0.0 for reading in training]

    assert truth_of(run.about.truth).data_wait_ratio == pytest.approx(sum(waits) / len(waits), abs=0.01)
    assert {Phase.START, Phase.TRAIN, Phase.VALIDATE, Phase.CHECKPOINT} == {reading.phase for reading in seen}


@pytest.mark.parametrize("seed", range(3))
def test_a_wait_that_begins_is_told_within_20_s(seed: int) -> None:
    """Before its onset the run is healthy; from then on it waits 20 to 60 %, and that is soon told."""
    outcome = judge(LongRun(seed, 150, 90), Gpumon)
    waits = [
        number(sample.trainings[0].loader.data_wait_ratio) or 0.0
        for sample in LongRun(seed, 150, 90).samples()
    ]
    assert sum(waits[:85]) / 85 < 0.05
    assert 0.15 < sum(waits[-50:]) / 50 < 0.65
    assert outcome.delay_seconds is not None
    assert outcome.delay_seconds <= 20.0


def test_the_same_seed_is_the_same_run() -> None:
    """Nothing is drawn anew."""
    assert list(LongRun(1, 40).samples()) == list(LongRun(1, 40).samples())


def test_gpumon_says_healthy_after_a_minute() -> None:
    """A run that is never short of batches for long has that verdict."""
    assert "compute-bound" == judge(LongRun(2, 75), Gpumon).told
