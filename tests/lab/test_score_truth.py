"""The truth of a trace: what is read of it, and the rates of its grid."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.score_scene import STARVED_TRUTH
from tests.lab.score_truth import TruthError, truth_of


def test_a_truth_is_read_whole() -> None:
    """Labels, figures, settings and grid come out as they were written."""
    truth = truth_of(json.dumps({**STARVED_TRUTH, "set": "test", "waits": [0.5, 0.25], "onset_seconds": 3}))

    assert ("starved-too-few-workers",) == truth.labels
    assert ("test", "few", False) == (truth.set_name, truth.group, truth.control)
    assert (3.0, 0.41, (0.5, 0.25)) == (truth.onset_seconds, truth.data_wait_ratio, truth.waits)
    assert 152.5 / 90.0 == truth.fed_speedup
    assert 152.0 == truth.best


def test_a_healthy_run_is_a_control_unless_it_says_otherwise() -> None:
    """A warning on it is a false alarm."""
    assert truth_of('{"labels": ["compute-bound"]}').control
    assert not truth_of('{"labels": ["compute-bound"], "control": false}').control
    assert truth_of('{"labels": ["host-overhead"], "control": true}').control


def test_what_is_not_known_stays_unknown() -> None:
    """No figure is made up for a truth that has none."""
    truth = truth_of('{"labels": ["hung"], "images_per_second": null}')

    assert (None, None, None) == (truth.data_wait_ratio, truth.fed_speedup, truth.best)
    assert truth.rate_with({"workers": 4}) is None


def test_rates_are_read_off_the_grid() -> None:
    """Between two numbers of workers they are interpolated, beyond the last they are not known."""
    truth = truth_of(json.dumps(STARVED_TRUTH))

    assert 90.0 == truth.rate_with({})
    assert 150.0 == truth.rate_with({"workers": 4})
    assert 120.0 == truth.rate_with({"workers": 3})
    assert truth.rate_with({"workers": 9}) is None


def test_another_setting_of_the_grid_has_to_match() -> None:
    """A rate with another batch says nothing."""
    grid = [{"settings": {"workers": 2, "batch_size": 16}, "images_per_second": 90.0}]
    settings = {"workers": 2, "batch_size": 16}
    truth = truth_of(json.dumps({**STARVED_TRUTH, "settings": settings, "grid": grid}))

    assert 90.0 == truth.rate_with({})
    assert truth.rate_with({"batch_size": 32}) is None


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        "{}",
        '{"labels": []}',
        '{"labels": [1]}',
        '{"labels": ["hung"], "set": "other"}',
        '{"labels": ["hung"], "images_per_second": 0}',
        '{"labels": ["hung"], "data_wait_ratio": "much"}',
        '{"labels": ["hung"], "data_wait_ratio": NaN}',
        '{"labels": ["hung"], "waits": 3}',
        '{"labels": ["hung"], "grid": [{"settings": {"workers": 2}}]}',
        '{"labels": ["hung"], "grid": [3]}',
    ],
)
def test_a_bad_truth_is_told(text: str) -> None:
    """A truth that is not one ends the score with a sentence."""
    with pytest.raises(TruthError, match=r"truth|set of a trace|grid"):
        truth_of(text)


@given(st.integers(1, 8))
def test_more_workers_of_a_rising_grid_are_never_slower(workers: int) -> None:
    """Interpolation stays between its neighbours."""
    truth = truth_of(json.dumps(STARVED_TRUTH))
    rates = [truth.rate_with({"workers": count}) for count in (max(1, workers - 1), workers)]

    assert rates[0] is not None
    assert rates[1] is not None
    assert rates[0] <= rates[1]
