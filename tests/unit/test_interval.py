"""Intervals of a watch: sums over all their samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isclose, sqrt

from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.report import Report
from gpumon.model.training import Ended, Ending, Phase
from gpumon.sinks.interval import Interval, Intervals, TrainingInterval
from tests.tui.fakes import MAIN_PID, START_MONOTONIC_SECONDS, fake_report

_ENDED = Ended(Ending.FINISHED, "100 of 100 epochs are in results.csv", 1_795_000_030.0)


def _report(
    second: int,
    *,
    busy: float = 0.5,
    used: int = 4 << 30,
    phase: Phase = Phase.TRAIN,
    wait: Maybe[Measure] | None = None,
    looks: int = 0,
    ended: Ended | None = None,
) -> Report:
    """Return the report of a made-up second, with what a test is about set."""
    report = fake_report("starved", second=second)
    (gpu,) = report.sample.gpus
    (reading,) = report.sample.trainings
    loader = replace(reading.loader, main_samples=looks)
    if wait is not None:
        loader = replace(loader, data_wait_ratio=wait)
    sample = replace(
        report.sample,
        gpus=(replace(gpu, gpu_busy_ratio=busy, gpu_memory_used_bytes=used),),
        trainings=(replace(reading, phase=phase, loader=loader, ended=ended),),
    )
    return replace(report, sample=sample)


def _sampled(value: float, error: float = 0.03) -> Measure:
    return Measure(value, Certainty.SAMPLED, "interpreter (CPython 3.11)", error)


def _closed(intervals: Intervals, reports: Sequence[Report]) -> list[Interval]:
    return [interval for report in reports if (interval := intervals.read(report)) is not None]


def _only(intervals: Intervals) -> TrainingInterval:
    """Return the training of the interval that is not over yet."""
    interval = intervals.open()
    assert interval is not None
    (training,) = interval.trainings
    return training


def test_an_interval_is_the_mean_of_its_samples_and_the_peak_of_its_memory() -> None:
    """Not what its last second showed."""
    intervals = Intervals(10.0)
    reports = [_report(second, busy=second / 20, used=second << 30) for second in range(10, 20)]
    _closed(intervals, [*reports, _report(18, used=1)])
    training = _only(intervals)

    assert isclose(training.gpu_busy_ratio, (sum(range(10, 20)) / 20 + 0.5) / 11)  # type: ignore[arg-type]
    assert (19 << 30, 12 << 30) == (training.gpu_memory_peak_bytes, training.gpu_memory_total_bytes)


def test_intervals_lie_on_multiples_of_monotonic_time() -> None:
    """The first is shorter; each is handed out with the first sample after it."""
    closed = _closed(Intervals(10.0), [_report(second) for second in range(7, 32)])
    began = [interval.began.monotonic_seconds - START_MONOTONIC_SECONDS for interval in closed]

    assert [(7.0, 3, 3.0), (10.0, 10, 10.0), (20.0, 10, 10.0)] == [
        (start, interval.samples, interval.seconds) for start, interval in zip(began, closed, strict=True)
    ]
    assert [9, 19, 29] == [interval.report.sample.sequence for interval in closed]


def test_the_wait_is_over_all_samples_with_a_smaller_error() -> None:
    """Ten readings that are apart know the wait better than one, by the root of ten."""
    intervals = Intervals(10.0)
    _closed(intervals, [_report(second, wait=_sampled(second / 100)) for second in range(10, 20)])
    wait = _only(intervals).data_wait_ratio

    assert isinstance(wait, Measure)
    assert isclose(wait.value, 0.145)
    assert isclose(wait.standard_error or 0.0, 0.03 / sqrt(10))
    assert (Certainty.SAMPLED, "interpreter (CPython 3.11)") == (wait.certainty, wait.source)


def test_no_wait_in_some_looks_is_not_no_wait() -> None:
    """The error is that of Wilson's interval where the readings' own is smaller."""
    intervals = Intervals(10.0)
    _closed(intervals, [_report(second, wait=_sampled(0.0, 0.0), looks=8) for second in range(10, 20)])
    wait = _only(intervals).data_wait_ratio

    assert isinstance(wait, Measure)
    assert 0.005 < (wait.standard_error or 0.0) < 0.02


def test_what_is_told_exactly_has_no_error() -> None:
    """A reporter counts: there is nothing to add to it."""
    intervals = Intervals(10.0)
    told = Measure(0.2, Certainty.EXACT, "reporter")
    _closed(intervals, [_report(second, wait=told) for second in range(10, 20)])
    wait = _only(intervals).data_wait_ratio

    assert isinstance(wait, Measure)
    assert (None, Certainty.EXACT) == (wait.standard_error, wait.certainty)
    assert isclose(wait.value, 0.2)


def test_the_phase_is_the_longest_and_speed_is_of_steady_training() -> None:
    """Six seconds of validation in ten: the burst afterwards counts neither as wait nor as speed."""
    intervals = Intervals(10.0)
    phases = [Phase.TRAIN] * 2 + [Phase.VALIDATE] * 6 + [Phase.TRAIN] * 2
    _closed(intervals, [_report(second, phase=phase) for second, phase in enumerate(phases, 10)])
    training = _only(intervals)

    assert training.phase is Phase.VALIDATE
    assert {Phase.TRAIN: 4.0, Phase.VALIDATE: 6.0} == dict(training.phases)
    assert 2.0 <= training.steady_seconds < training.seen_seconds == 10.0
    assert isinstance(training.images_per_second, Measure)


def test_an_interval_of_validation_says_why_it_has_no_speed() -> None:
    """A value that cannot be had is no zero."""
    intervals = Intervals(10.0)
    _closed(intervals, [_report(second, phase=Phase.VALIDATE) for second in range(10, 20)])
    training = _only(intervals)

    expected = Missing("no steady training in this interval")
    assert (expected, expected) == (training.images_per_second, training.data_wait_ratio)


def test_what_cannot_be_read_keeps_its_reason() -> None:
    """In steady training the reading's own reason is told."""
    intervals = Intervals(10.0)
    reason = Missing("ptrace is not allowed")
    _closed(intervals, [_report(second, wait=reason) for second in range(10, 20)])

    assert reason == _only(intervals).data_wait_ratio


def test_a_training_that_ended_is_in_its_last_interval_only() -> None:
    """What is still listed afterwards has no more figures."""
    intervals = Intervals(10.0)
    reports = [_report(second, ended=None if second < 15 else _ENDED) for second in range(10, 32)]
    closed = _closed(intervals, reports)

    assert [[5.0], []] == [[each.seen_seconds for each in interval.trainings] for interval in closed]


def test_before_the_first_sample_there_is_none() -> None:
    """An interval has samples."""
    assert Intervals(10.0).open() is None


@given(
    every=st.sampled_from([1.0, 2.5, 10.0, 60.0]),
    ratios=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40),
)
def test_no_sample_is_lost_and_means_lie_between_their_numbers(every: float, ratios: list[float]) -> None:
    """Whatever the length of an interval is."""
    intervals = Intervals(every)
    reports = [_report(second, busy=ratio) for second, ratio in enumerate(ratios)]
    found = _closed(intervals, reports)
    last = intervals.open()
    assert last is not None
    found.append(last)

    assert len(ratios) == sum(interval.samples for interval in found)
    for interval in found:
        (gpu,) = interval.gpus
        assert isinstance(gpu.gpu_busy_ratio, float)
        assert min(ratios) - 1e-9 <= gpu.gpu_busy_ratio <= max(ratios) + 1e-9
        assert [MAIN_PID] == [each.reading.training.id.pid for each in interval.trainings]
