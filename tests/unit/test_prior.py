"""How far predictions are off, by the proofs of this machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.prior import NOTHING_KNOWN, Prior, SeenProof, model_error

_factors = st.floats(1e-6, 1e6)
_proofs = st.lists(st.builds(SeenProof, st.just("workers"), _factors, _factors), max_size=50).map(tuple)


def _error(*proofs: tuple[float, float]) -> float:
    return model_error(Prior(proofs=tuple(SeenProof("workers", *proof) for proof in proofs)), "workers")


def test_without_proofs_it_is_the_published_figure() -> None:
    """10 % where the rate doubles."""
    assert 0.10 == model_error(NOTHING_KNOWN, "workers")


def test_predictions_that_came_true_make_it_smaller() -> None:
    """Four exact ones beside a prior worth four: the square halves."""
    assert _error(*[(1.6, 1.6)] * 4) == pytest.approx(0.10 / 2**0.5)
    assert _error(*[(1.6, 1.6)] * 50) == pytest.approx(0.027, abs=0.001)


def test_errors_as_large_as_expected_leave_it() -> None:
    """One standard deviation off each time is what 10 % means."""
    deviation = 2.718281828459045 ** (0.10 / 1.6448536269514722)

    assert _error(*[(2.0, 2.0 * deviation), (2.0, 2.0 / deviation)] * 5) == pytest.approx(0.10)


def test_predictions_that_failed_make_it_larger() -> None:
    """Promised 1.6 times, got nothing: intervals get wider, though one such proof does not spoil all."""
    assert _error((1.6, 1.0)) == pytest.approx(0.283, abs=0.001)
    assert 0.4 < _error(*[(1.6, 1.0)] * 6) < 0.6


def test_small_gains_say_little() -> None:
    """Four percent missed of a predicted gain of five are mostly noise."""
    assert _error((1.05, 1.01)) < _error((1.05, 0.80))
    assert _error((1.05, 1.01)) < 0.16


def test_only_proofs_of_the_setting_count() -> None:
    """How well batches are predicted says nothing of workers."""
    assert 0.10 == model_error(Prior(proofs=(SeenProof("batch_size", 1.6, 1.0),)), "workers")


@given(_proofs)
def test_it_stays_within_bounds(proofs: tuple[SeenProof, ...]) -> None:
    """Whatever stands in a recording, an interval of that width can be worked with."""
    assert 0.02 < model_error(Prior(proofs=proofs), "workers") <= 0.6


@given(_proofs)
def test_the_order_of_proofs_does_not_matter(proofs: tuple[SeenProof, ...]) -> None:
    """It is a sum."""
    backwards = model_error(Prior(proofs=proofs[::-1]), "workers")

    assert model_error(Prior(proofs=proofs), "workers") == pytest.approx(backwards)
