"""Sampled numbers over the last seconds, and the span that grows by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.history.history import window_of
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.report import Report
from gpumon.model.sample import Sample
from gpumon.tui.span import grown_span
from gpumon.tui.widgets.frame import Frame, View
from gpumon.tui.widgets.recent import recent_busy, recent_wait
from tests.tui.fakes import START_MONOTONIC_SECONDS, fake_frame, fake_report, fake_sample


def _sample(second: int, wait: float, looks: int, idle: float, around: float | None = None) -> Sample:
    low, high = (None, None) if around is None else (wait - around, wait + around)
    sample = fake_sample(second=second)
    reading = sample.trainings[0]
    loader = replace(
        reading.loader,
        data_wait_ratio=Measure(wait, Certainty.SAMPLED, "thread states", 0.1, low, high),
        main_samples=looks,
        worker_idle_ratio=idle,
    )
    return replace(sample, trainings=(replace(reading, loader=loader),))


def _frame(*samples: Sample) -> Frame:
    return Frame(replace(fake_report(), sample=samples[-1]), window_of(samples), View())


def test_a_wait_is_the_mean_over_ten_seconds_weighed_by_looks() -> None:
    """Seconds with more looks count more, those before the last ten not at all."""
    old = _sample(1, 1.0, 1000, 0.0)
    recent = [_sample(20 + number, 0.2, 30, 0.0) for number in range(5)]
    newest = _sample(25, 0.8, 10, 0.0)

    wait = recent_wait(_frame(old, *recent, newest))

    assert isinstance(wait, Measure)
    assert pytest.approx((5 * 30 * 0.2 + 10 * 0.8) / 160) == wait.value
    assert pytest.approx(0.1 * (5 * 30**2 + 10**2) ** 0.5 / 160) == wait.standard_error


def test_what_an_interval_leaves_in_doubt_does_not_even_out() -> None:
    """Four seconds halve the part of the error that is chance: here 0.08 beside a doubt of 0.06."""
    wait = recent_wait(_frame(*(_sample(20 + number, 0.4, 20, 0.0, 1.645 * 0.06) for number in range(4))))

    assert isinstance(wait, Measure)
    assert pytest.approx((0.04**2 + 0.06**2) ** 0.5) == wait.standard_error


def test_a_missing_wait_stays_missing() -> None:
    """What cannot be read now is not filled from before."""
    sample = _sample(5, 0.4, 20, 0.1)
    reading = sample.trainings[0]
    reason = Missing("the looks at threads are switched off")
    gone = replace(reading, loader=replace(reading.loader, data_wait_ratio=reason))
    frame = _frame(_sample(4, 0.4, 20, 0.1), replace(sample, trainings=(gone,)))

    assert reason == recent_wait(frame)


def test_busy_is_what_is_not_idle() -> None:
    """Workers are busy for the share of time in which they do not wait for an index."""
    frame = _frame(_sample(8, 0.4, 20, 0.3), _sample(9, 0.4, 20, 0.1))

    assert pytest.approx(0.8) == recent_busy(frame)


def test_busy_is_unknown_without_looks() -> None:
    """Where nobody looks at the workers, nothing is said of them."""
    assert None is recent_busy(fake_frame("searching"))


def _report_at(elapsed_seconds: float, variant: str = "starved", second: int = 300) -> tuple[Report, float]:
    report = fake_report(variant, second=second)
    return report, START_MONOTONIC_SECONDS + second - elapsed_seconds


@pytest.mark.parametrize(
    ("elapsed", "span"), [(0, 60), (60, 60), (61, 120), (121, 300), (300, 300), (90_000, 300)]
)
def test_the_span_grows_with_what_there_is(elapsed: float, span: float) -> None:
    """A new dashboard shows a minute, later two, from then on five."""
    assert span == grown_span(*_report_at(elapsed))


@pytest.mark.parametrize(("second", "span"), [(300, 300), (590, 600), (1000, 1800), (90_000, 3600)])
def test_an_ended_training_stays_in_sight(second: int, span: float) -> None:
    """After the end (at second 290) the span goes on growing, so that at least half of it is the training."""
    assert span == grown_span(*_report_at(second, "ended", second))
