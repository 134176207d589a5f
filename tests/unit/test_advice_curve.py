"""The curve over the number of workers: it rises to its bound, and never beyond the GPU."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.curve import MOST_POINTS, worker_curve
from gpumon.advice.throughput import (
    Pipeline,
    ceiling,
    cpu_factor,
    excess,
    predict_fewer,
    predict_lighter,
    predict_more,
    speed,
    wait_after,
    workers_for_cores,
)
from gpumon.history.stats import Interval
from gpumon.model.suggestion import Effect

STARVED = Pipeline(workers=2, wait=0.41, busy=0.98, cpu=0.96, main_cpu=0.59, cores=8.0)
ratios = st.floats(0.0, 1.0)
pipelines = st.builds(
    Pipeline,
    workers=st.integers(1, 64),
    wait=ratios,
    busy=st.floats(0.01, 1.0),
    cpu=ratios,
    main_cpu=st.floats(0.0, 2.0),
    cores=st.none() | st.floats(0.1, 128.0),
    physical_cores=st.none() | st.floats(0.1, 64.0),
    queue=ratios,
    error=st.floats(0.02, 0.5),
)


def factors(pipeline: Pipeline, most: int) -> dict[int, Effect]:
    """Return the curve by the number of workers."""
    return dict(worker_curve(pipeline, most, {}))


def test_two_starved_workers_reach_the_gpu_at_four() -> None:
    """Two make the present rate, three half more, four what the GPU takes, and more no more than that."""
    curve = factors(STARVED, 8)
    assert curve[2] == Effect(1.0, 1.0, 1.0, 1.0)
    assert curve[1].predicted == pytest.approx(1 / 1.96)
    assert curve[3].predicted == pytest.approx(3 / 1.96)
    assert curve[4].predicted == pytest.approx(1 / 0.59)
    assert curve[8].predicted == pytest.approx(1 / 0.59)


def test_workers_beyond_the_cores_cost() -> None:
    """Twelve workers on eight cores make less than eight."""
    curve = factors(STARVED, 12)
    assert curve[12].predicted == pytest.approx(curve[8].predicted / 1.1)
    assert curve[12].low < curve[12].predicted < curve[8].predicted


def test_workers_that_wait_outside_the_cpu_do_not_crowd_the_cores() -> None:
    """Ten workers that sleep nine tenths of their time need one core."""
    asleep = replace(STARVED, cpu=0.1, busy=1.0, cores=2.0)
    assert excess(asleep, 10) == 0.0
    assert excess(replace(asleep, cpu=1.0), 10) == pytest.approx(4.0)


def test_fewer_of_crowded_workers_are_faster_on_the_curve_as_in_the_advice() -> None:
    """The curve and the prediction for fewer workers are one model."""
    crowded = Pipeline(workers=4, wait=0.68, busy=0.96, cpu=0.31, queue=0.64, main_cpu=0.32, cores=2.0)
    curve = factors(crowded, 4)
    assert curve[2].predicted == pytest.approx(predict_fewer(crowded, 2).value)
    assert curve[2].predicted > 1.1 > curve[1].predicted


def test_half_the_workers_are_known_as_well_as_twice_as_many() -> None:
    """The model errs by 10 % where the rate doubles, and where it halves; two runs differ by 2.5 %."""
    half = factors(STARVED, 2)[1]
    error = hypot(0.1 * 0.96, 0.025)
    assert half.low == pytest.approx(half.predicted * (1 - error))
    assert half.high == pytest.approx(half.predicted * (1 + error))


def test_fewer_workers_may_not_queue_for_a_core_any_more() -> None:
    """A fifth of the time of each is such a wait: the upper end of half of them has none of it."""
    queueing = replace(STARVED, busy=1.0, cpu=0.5, queue=0.2)
    half = factors(queueing, 2)[1]
    assert half.predicted == pytest.approx(0.5)
    assert half.high == pytest.approx(0.5 / 0.8 * (1 + hypot(0.1, 0.025)))


def test_where_more_workers_fill_the_cores_the_curve_is_as_uncertain_as_the_advice() -> None:
    """What an image costs a core changes with the load: more than twice the error."""
    alone = Pipeline(workers=1, wait=0.62, busy=1.0, cpu=0.95, main_cpu=0.2, cores=2.0)
    two = factors(alone, 2)[2]
    assert two.predicted == pytest.approx(2 / 1.15)
    error = hypot(2.3 * 0.1 * (two.predicted - 1), 0.025)
    assert two.low == pytest.approx(two.predicted * (1 - error))
    assert two.high == pytest.approx(two.predicted * (1 + error))


def test_what_is_known_better_replaces_the_model() -> None:
    """A rate that was seen stands on the curve as it was seen."""
    curve = dict(worker_curve(STARVED, 8, {4: Interval(1.4, 1.3, 1.5)}))
    assert curve[4] == Effect(1.0, 1.4, 1.3, 1.5)


def test_a_long_curve_has_few_points_and_the_present_number() -> None:
    """Of 500 numbers at most 32 are told, the present and the advised one among them."""
    curve = dict(worker_curve(STARVED, 500, {333: Interval(1.6, 1.5, 1.7)}))
    assert len(curve) <= MOST_POINTS
    assert {1, 2, 333} <= set(curve)


def test_less_work_for_an_image_helps_full_cores_and_no_full_gpu() -> None:
    """Half of the CPU time makes nearly twice the rate on full cores, and nothing where nobody waits."""
    half, nothing = Interval(0.5, 0.3, 0.7), Interval(0.0, 0.0, 0.0)
    full = Pipeline(workers=2, wait=0.6, busy=1.0, cpu=0.5, queue=0.5, main_cpu=0.1, cores=1.0)
    assert predict_lighter(full, half, nothing, cores_bind=True).value == pytest.approx(1.1 / 0.6)
    fed = replace(full, wait=0.0, wait_error=0.0)
    assert predict_lighter(fed, half, nothing, cores_bind=True) == Interval(1.0, 1.0, 1.0)


def test_the_wait_that_is_left_follows_from_the_rate() -> None:
    """At a wait of 0.4 the rate times 1.5 leaves 0.1; a GPU twice as fast would wait 0.55."""
    gain = Interval(1.5, 1.4, 1.6)
    left = wait_after(0.4, gain)
    assert left.predicted == pytest.approx(0.1)
    assert left.low == pytest.approx(0.04)
    assert left.high == pytest.approx(0.16)
    assert wait_after(0.4, gain, faster=2.0).predicted == pytest.approx(0.55)


@given(pipeline=pipelines, most=st.integers(1, 300))
def test_every_point_is_in_order_and_never_beyond_the_gpu(pipeline: Pipeline, most: int) -> None:
    """Intervals hold their point, no factor exceeds what the GPU takes, and the curve is bounded."""
    curve = worker_curve(pipeline, most, {})
    assert curve == worker_curve(pipeline, most, {})
    assert 1 <= len(curve) <= MOST_POINTS
    assert [workers for workers, _ in curve] == sorted({workers for workers, _ in curve})
    highest = ceiling(pipeline.wait_bounds[1])
    for _, effect in curve:
        assert 0 <= effect.low <= effect.predicted <= effect.high
        assert effect.predicted <= ceiling(pipeline.wait) + 1e-9
        assert effect.high <= highest + 1e-9


@given(pipeline=pipelines)
def test_the_rate_rises_with_the_workers_up_to_the_cores(pipeline: Pipeline) -> None:
    """More workers are never predicted to be slower while they fit the cores."""
    curve = worker_curve(pipeline, 2 * pipeline.workers, {})
    fitting = [
        (workers, effect.predicted)
        for workers, effect in curve
        if workers >= pipeline.workers and excess(pipeline, workers) == 0.0
    ]
    assert all(after >= before - 1e-9 for (_, before), (_, after) in pairwise(fitting))


@given(pipeline=pipelines, more=st.integers(0, 64))
def test_more_workers_are_never_promised_to_be_slower_or_faster_than_the_gpu(
    pipeline: Pipeline, more: int
) -> None:
    """The factor lies between 1 and the GPU's, with its interval around it."""
    gain = predict_more(pipeline, pipeline.workers + more)
    assert 1.0 <= gain.value <= ceiling(pipeline.wait) + 1e-9
    assert gain.low <= gain.value <= gain.high
    assert gain == predict_more(pipeline, pipeline.workers + more)


@given(pipeline=pipelines, few=st.integers(1, 64), more=st.integers(0, 64))
def test_the_model_is_monotone_in_the_workers(pipeline: Pipeline, few: int, more: int) -> None:
    """From the present number on, another worker never costs in the model without crowding."""
    allowed = cpu_factor(pipeline)
    low, high = (
        speed(pipeline, pipeline.workers + count, pipeline.wait, pipeline.busy, allowed)
        for count in (few, few + more)
    )
    assert low <= high


@given(pipeline=pipelines, cpu=ratios, outside=ratios)
def test_less_work_never_makes_slower(pipeline: Pipeline, cpu: float, outside: float) -> None:
    """Saved work gives a factor from 1 to the GPU's."""
    saved = [Interval(value, value / 2, min(1.0, value * 1.2)) for value in (cpu, outside)]
    for bind in (False, True):
        gain = predict_lighter(pipeline, saved[0], saved[1], cores_bind=bind)
        assert 1.0 <= gain.low <= gain.value <= gain.high + 1e-9
        assert gain.value <= ceiling(pipeline.wait) + 1e-9


@given(pipeline=pipelines)
def test_the_number_that_fills_the_cores_is_at_least_one(pipeline: Pipeline) -> None:
    """Whatever is read: a whole number from 1 on, or not known."""
    count = workers_for_cores(pipeline)
    assert count is None or count >= 1
