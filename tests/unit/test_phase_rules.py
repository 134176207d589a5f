"""Validation and checkpoints are told when they take a large share of whole epochs, and not before."""

from __future__ import annotations

import pytest

from gpumon.diagnosis.rule import NotJudged, Silent
from gpumon.diagnosis.rules import checkpoint_stall, validation_share
from gpumon.model.finding import Severity
from gpumon.model.training import Phase
from tests.unit.run_scene import finding, judged, phased, with_processes

TRAIN, VALIDATE, CHECKPOINT = Phase.TRAIN, Phase.VALIDATE, Phase.CHECKPOINT
_HEAVY = ((TRAIN, 10), (VALIDATE, 6))
_LIGHT = ((TRAIN, 18), (VALIDATE, 2))
_WRITING = ((TRAIN, 10), (CHECKPOINT, 4))


def test_a_heavy_validation_is_told_with_its_share() -> None:
    """Six of sixteen seconds; information, as it may be meant so."""
    found = finding(validation_share.RULE, phased(*_HEAVY * 3, (TRAIN, 1)))
    assert found.severity is Severity.INFO
    assert found.lost_ratio == pytest.approx(6 / 16)
    assert found.text.startswith("validation takes 38 % of the time, 6.0 s of each epoch of 16 s")


def test_the_wait_between_validations_is_told_beside_it() -> None:
    """It is what would be the other cause of an idle GPU."""
    found = finding(validation_share.RULE, phased(*_HEAVY * 3, (TRAIN, 9)))
    assert "between validations the loop waits 0 % for data" in found.text


def test_an_ordinary_validation_is_silent() -> None:
    """A tenth of the time is what it takes to know how good a model is."""
    assert isinstance(judged(validation_share.RULE, phased(*_LIGHT * 3, (TRAIN, 1))), Silent)


@pytest.mark.parametrize("rule", [validation_share.RULE, checkpoint_stall.RULE], ids=lambda rule: rule.id)
def test_half_an_epoch_is_not_judged(rule: object) -> None:
    """While the first validation runs its share is not known."""
    judgement = judged(rule, phased((TRAIN, 5), (VALIDATE, 15)))  # type: ignore[arg-type]
    assert isinstance(judgement, NotJudged)
    assert "whole epoch" in judgement.reason


def test_slow_checkpoints_are_told_with_their_share() -> None:
    """Four of fourteen seconds stand still."""
    found = finding(checkpoint_stall.RULE, phased(*_WRITING * 3, (TRAIN, 1)))
    assert found.severity is Severity.WARNING
    assert found.lost_ratio == pytest.approx(4 / 14)
    assert "29 % of the time, 4.0 s of each epoch of 14 s" in found.text


def test_the_state_of_the_main_process_names_the_disk() -> None:
    """State D while it writes is waiting for the disk."""
    samples = [
        with_processes(sample, main={"state": "D"}, workers={})
        if sample.trainings[0].phase is CHECKPOINT
        else sample
        for sample in phased(*_WRITING * 3, (TRAIN, 1))
    ]
    assert "waits for the disk in 100 % of that time" in finding(checkpoint_stall.RULE, samples).text


def test_quick_checkpoints_are_silent() -> None:
    """One of twenty-one seconds is ordinary."""
    samples = phased(*((TRAIN, 20), (CHECKPOINT, 1)) * 3, (TRAIN, 1))
    assert isinstance(judged(checkpoint_stall.RULE, samples), Silent)


def test_a_checkpoint_that_does_not_end_is_told_while_it_lasts() -> None:
    """Half a minute is enough, even before any whole epoch was seen."""
    found = finding(checkpoint_stall.RULE, phased((TRAIN, 10), (CHECKPOINT, 31)))
    assert "has stood still for 31 s" in found.text
    assert found.since_unix_seconds == pytest.approx(1.7e9 + 10)
