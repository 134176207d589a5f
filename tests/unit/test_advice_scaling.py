"""The Universal Scalability Law through rates of earlier runs, and what the advice does with it."""

from __future__ import annotations

from dataclasses import replace
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.advise import advise
from gpumon.advice.prior import Prior, SeenProof, SeenRate
from gpumon.advice.rates import cache_name, seen_gain
from gpumon.advice.scaling import Scaling, best_workers, fit, scaled
from gpumon.advice.terms import Terms
from gpumon.advice.throughput import Pipeline, ceiling
from gpumon.diagnosis.diagnose import diagnose
from gpumon.diagnosis.view import View, view_of
from gpumon.model.measure import Missing
from gpumon.model.suggestion import Effect, Suggestion
from tests.unit.synthetic_training import GIB, PID, Scene
from tests.unit.synthetic_training import STARVED as STARVED_WITH_ROOM

# A GPU without room for a larger batch: the workers alone are to be advised.
STARVED = replace(STARVED_WITH_ROOM, gpu_own=int(10.5 * GIB))
PIPELINE = Pipeline(workers=2, wait=0.41, busy=0.98, cpu=0.96, main_cpu=0.59, cores=8.0)


def law(workers: int, rate: float, contention: float, crosstalk: float) -> float:
    """Return the rate by the law, written down once more."""
    return rate * workers / (1 + contention * (workers - 1) + crosstalk * workers * (workers - 1))


def seen(workers: int, rate: float, batch: int = 16, wait: float | None = 0.3) -> SeenRate:
    """Return a rate of an earlier run, known to 2 %."""
    return SeenRate(workers, batch, None, rate, 0.98 * rate, 1.02 * rate, wait)


def suggestions(scene: Scene, *rates: SeenRate) -> tuple[Suggestion, ...]:
    """Return the suggestions on a scene after earlier runs."""
    window = scene.window()
    return advise(window, PID, diagnose(window, PID), Terms(Prior(rates=rates)))


def workers_advice(scene: Scene, *rates: SeenRate) -> Suggestion:
    """Return the only suggestion, which is about workers."""
    (found,) = suggestions(scene, *rates)
    assert found.setting == "workers"
    return found


def gain(suggestion: Suggestion) -> Effect:
    """Return the promised factor."""
    assert isinstance(suggestion.speedup, Effect)
    return suggestion.speedup


@given(
    rate=st.floats(0.01, 1e4),
    contention=st.floats(0.0, 0.5),
    crosstalk=st.floats(0.0, 0.05),
    counts=st.sets(st.integers(1, 32), min_size=3, max_size=8),
)
def test_rates_that_follow_the_law_give_it_back(
    rate: float, contention: float, crosstalk: float, counts: set[int]
) -> None:
    """Without noise the curve goes through every rate."""
    points = tuple((count, law(count, rate, contention, crosstalk)) for count in sorted(counts))
    found = fit(points)
    assert found is not None
    for count, value in points:
        assert found.at(count) == pytest.approx(value, rel=1e-3)


@given(
    points=st.lists(
        st.tuples(st.integers(1, 64), st.floats(0.1, 1e4)),
        min_size=3,
        max_size=6,
        unique_by=lambda point: point[0],
    )
)
def test_no_part_of_a_curve_is_negative_and_a_bad_fit_is_none(points: list[tuple[int, float]]) -> None:
    """Whatever the rates: parts of at least 0 that meet each rate within 10 %, or no curve."""
    found = fit(tuple(sorted(points)))
    if found is not None:
        assert found.rate > 0
        assert found.contention >= 0
        assert found.crosstalk >= 0
        assert all(abs(found.at(count) / rate - 1) <= 0.1 + 1e-9 for count, rate in points)


def test_the_fewest_workers_that_are_as_fast_as_any_are_chosen() -> None:
    """A curve with its top at 4 gives 4, or what feeds the GPU before."""
    top = Scaling(rate=50.0, contention=0.0, crosstalk=1 / 16, error=0.02, most=8)
    assert best_workers(top, replace(PIPELINE, wait=0.9), 16) in {3, 4}
    linear = Scaling(rate=50.0, contention=0.0, crosstalk=0.0, error=0.02, most=8)
    assert best_workers(linear, PIPELINE, 16) == 4
    assert best_workers(linear, PIPELINE, 3) == 3


def test_a_curve_through_absurd_numbers_of_workers_takes_no_time() -> None:
    """A hostile recording may say that 400 million workers were seen: a list of them is never made."""
    absurd = Scaling(rate=50.0, contention=0.0, crosstalk=0.0, error=0.02, most=400_000_000)
    started = process_time()
    assert best_workers(absurd, replace(PIPELINE, wait=0.999_999), 1 << 40) <= 4096
    assert process_time() - started < 1.0


def test_no_factor_of_a_curve_goes_beyond_the_gpu() -> None:
    """Eight times the workers make no more than the GPU takes."""
    linear = Scaling(rate=50.0, contention=0.0, crosstalk=0.0, error=0.05, most=16)
    factor = scaled(linear, PIPELINE, 16)
    assert factor.value == pytest.approx(ceiling(PIPELINE.wait))
    assert factor.low <= factor.value <= factor.high <= ceiling(PIPELINE.wait_bounds[1])


def test_three_numbers_of_workers_replace_the_model_of_one_point() -> None:
    """Earlier runs that gained little from more workers lower the promise of 1.69 to what they show."""
    rates = [seen(count, law(count, 60.0, 0.2, 0.0)) for count in (1, 2, 3)]
    found = workers_advice(STARVED, *rates)
    assert isinstance(found.to_value, int)
    assert found.to_value > 2
    expected = law(found.to_value, 60.0, 0.2, 0.0) / law(2, 60.0, 0.2, 0.0)
    assert gain(found).predicted == pytest.approx(min(1 / 0.59, expected), rel=0.01)
    assert "the curve through the rates of earlier runs" in found.rests_on
    assert dict(found.curve)[3].predicted < 1.5


def test_two_numbers_of_workers_are_no_curve() -> None:
    """Two points leave the law open: the model of one point stays, as for another batch or cache."""
    plain = workers_advice(STARVED)
    assert workers_advice(STARVED, seen(1, 50.0), seen(3, 80.0)).rests_on == plain.rests_on
    others = [seen(count, law(count, 60.0, 0.2, 0.0), batch=32) for count in (1, 2, 3)]
    assert workers_advice(STARVED, *others).rests_on == plain.rests_on


def test_a_curve_that_has_its_top_here_gives_no_more_workers() -> None:
    """Where earlier runs were fastest with as many workers, that is said and nothing is to be run."""
    rates = [seen(1, 80.0), seen(2, 90.0), seen(3, 88.0), seen(5, 75.0)]
    found = workers_advice(STARVED, *rates)
    assert (found.from_value, found.to_value) == (2, 2)
    assert isinstance(found.command, Missing)
    assert "by earlier runs of this training" in found.text


def test_a_curve_with_its_top_below_gives_fewer_workers() -> None:
    """Where fewer workers were clearly faster, they are advised whatever the model says."""
    scene = replace(STARVED, workers=6)
    found = workers_advice(scene, seen(1, 60.0), seen(2, 100.0), seen(3, 105.0), seen(4, 98.0), seen(6, 80.0))
    assert isinstance(found.to_value, int)
    assert found.to_value < 6
    assert 1.05 <= gain(found).low <= gain(found).predicted


def test_a_rate_that_was_seen_beats_every_model() -> None:
    """With exactly the advised settings an earlier run made 130 images/s: that is promised."""
    found = workers_advice(STARVED, seen(4, 130.0))
    assert found.to_value == 4
    assert gain(found).predicted == pytest.approx(130 / 90)
    assert isinstance(found.images_per_second, Effect)
    assert found.images_per_second.predicted == pytest.approx(130.0)
    assert 125 < found.images_per_second.low < 130 < found.images_per_second.high < 135
    assert "an earlier run of this training with 4 workers at this batch: 130 images/s seen" in found.rests_on
    assert dict(found.curve)[4] == gain(found)


def test_a_rate_that_was_seen_and_is_no_better_forbids_the_advice() -> None:
    """What an earlier run did not reach with these settings is not promised again."""
    found = workers_advice(STARVED, seen(4, 92.0))
    assert (found.from_value, found.to_value) == (2, 2)
    assert "an earlier run with them reached 92 images/s, against 90 now" in found.text


def test_the_same_settings_twice_are_as_wide_as_they_differ() -> None:
    """Two runs of one configuration give their mean, and an interval over both."""
    view = _view(STARVED)
    prior = Prior(rates=(seen(4, 120.0), seen(4, 140.0)))
    found = seen_gain(view, prior, 4, 16)
    assert found is not None
    assert found.factor.value == pytest.approx(130 / 90)
    assert found.factor.low < 0.98 * 120 / 90 < 1.02 * 140 / 90 < found.factor.high


def test_without_a_present_rate_nothing_seen_can_be_compared() -> None:
    """The factor needs both rates."""
    assert seen_gain(_view(replace(STARVED, rate=None)), Prior(rates=(seen(4, 120.0),)), 4, 16) is None


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, None),
        (False, None),
        ("", None),
        (True, "ram"),
        ("ram", "ram"),
        ("disk", "disk"),
        ("RAM", "ram"),
    ],
)
def test_a_cache_has_one_name(value: str | bool | None, name: str | None) -> None:
    """A flag of old versions and a word of new ones are the same cache."""
    assert cache_name(value) == name


def test_workers_that_were_tried_are_not_mixed_with_a_batch() -> None:
    """What earlier runs show of more workers comes before a larger batch with them."""
    assert workers_advice(STARVED_WITH_ROOM).together
    assert not workers_advice(STARVED_WITH_ROOM, seen(4, 130.0)).together


def test_proofs_of_this_machine_widen_the_promise() -> None:
    """Predictions that were far off before make the next interval wider, and never move its point."""
    window = STARVED.window()
    findings = diagnose(window, PID)
    wrong = Terms(Prior(proofs=(SeenProof("workers", 1.7, 1.1),) * 4))
    (before,), (after,) = advise(window, PID, findings), advise(window, PID, findings, wrong)
    assert gain(after).predicted == gain(before).predicted
    assert gain(after).low < gain(before).low


def _view(scene: Scene) -> View:
    view = view_of(scene.window(), PID)
    assert view is not None
    return view
