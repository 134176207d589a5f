"""What other programs took while a trace was recorded."""

from __future__ import annotations

import pytest

from tests.lab.others import other_cores
from tests.unit.synthetic_training import Scene


def test_others_are_what_the_training_did_not_use() -> None:
    """Of 8 cores 3 are busy with other programs."""
    scene = Scene(cores=8, others_cpu=3.0)
    assert other_cores(scene.samples()) == pytest.approx(3.0)


def test_a_training_alone_has_no_others() -> None:
    """What it uses itself is not counted."""
    assert other_cores(Scene(cores=8, others_cpu=0.0).samples()) == pytest.approx(0.0, abs=0.01)


def test_no_sample_tells_nothing() -> None:
    """Not an error: a trace without samples fails elsewhere."""
    assert other_cores([]) == 0.0
