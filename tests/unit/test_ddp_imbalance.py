"""One rank that all others wait for is told; ranks that wait alike are not."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from gpumon.diagnosis.rule import NotJudged, Silent
from gpumon.diagnosis.rules.ddp_imbalance import RULE
from gpumon.model.measure import Certainty, Measure
from gpumon.model.sample import Sample
from tests.unit.run_scene import finding, judged, with_loader
from tests.unit.synthetic_training import Scene

_LOOKS = 20


def _samples(waits: Callable[[int], tuple[float, ...]], ranks: int = 2) -> list[Sample]:
    """Return a training whose ranks wait so in each second."""
    samples = Scene(seconds=20, ranks=ranks).samples()
    found = []
    for second, sample in enumerate(samples):
        each = waits(second)
        slowest = max(range(ranks), key=lambda rank: each[rank])
        wait = Measure(each[slowest], Certainty.SAMPLED, "made up")
        spread = max(each) - min(each)
        found.append(
            with_loader(
                sample,
                slowest_rank=slowest,
                slowest_rank_data_wait_ratio=wait,
                rank_data_wait_spread_ratio=spread,
            )
        )
    return found


def _looked(random: Random, share: float) -> float:
    """Return the share that so many looks find."""
    return sum(random.random() < share for _ in range(_LOOKS)) / _LOOKS


def test_the_slow_rank_is_named_with_both_waits() -> None:
    """Rank 1 waits 40 % and rank 0 hardly: that is what is lost."""
    found = finding(RULE, _samples(lambda _: (0.02, 0.42)))
    assert found.text.startswith("rank 1 waits 42 % of each step for data and the other one only 2.0 %")
    assert found.lost_ratio == pytest.approx(0.40)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_ranks_that_wait_alike_are_silent(share: float) -> None:
    """By chance one of four ranks is always the slowest, but not always the same."""
    random = Random(5)  # noqa: S311 - noise, not a secret
    waits = _samples(lambda _: tuple(_looked(random, share) for _ in range(4)), ranks=4)
    assert isinstance(judged(RULE, waits), Silent)


def test_a_slow_rank_is_told_through_the_noise() -> None:
    """Looks find 30 % and 10 %, give or take ten points in each second."""
    random = Random(5)  # noqa: S311 - noise, not a secret
    found = finding(RULE, _samples(lambda _: (_looked(random, 0.30), _looked(random, 0.10))))
    assert "rank 0" in found.text


def test_one_rank_is_silent() -> None:
    """Nobody waits for another."""
    assert isinstance(judged(RULE, Scene().samples()), Silent)


def test_waits_that_are_not_known_are_not_judged() -> None:
    """Ranks whose loaders cannot be seen may wait or not."""
    assert isinstance(judged(RULE, Scene(ranks=2).samples()), NotJudged)
