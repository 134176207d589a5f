"""The history keeps every number for an hour, stretches for a day, and bounded memory."""

from __future__ import annotations

from array import array
from dataclasses import replace

import pytest

from gpumon.history.history import FULL_SECONDS, History, window_of
from gpumon.model.clock import Instant
from gpumon.model.measure import Missing
from gpumon.model.sample import Sample
from tests.unit.synthetic_training import HEALTHY, PID

GPU = "GPU-0"


def at(sample: Sample, seconds: float, busy: float | None = None) -> Sample:
    """Return `sample` at another monotonic time, with another busy ratio of its GPU."""
    gpus = sample.gpus
    if busy is not None:
        gpus = (replace(gpus[0], gpu_busy_ratio=busy),)
    return replace(sample, instant=Instant(1.7e9 + seconds, seconds), gpus=gpus)


def filled(seconds: int, start: int = 1000) -> History:
    """Return a history of one sample a second whose GPU is busy (second % 10) / 10."""
    history, sample = History(), HEALTHY.sample(0)
    for second in range(start, start + seconds):
        history.append(at(sample, float(second), (second % 10) / 10))
    return history


def stored_numbers(history: History) -> int:
    """Return how many numbers a history holds in all its columns."""
    chunks = [*history._full, *(chunk for tier in history._tiers for chunk in tier.chunks)]
    columns: list[array[float]] = [
        column for chunk in chunks for labels in chunk.columns.values() for column in labels.values()
    ]
    return sum(len(column) for column in columns)


def test_before_the_first_sample_there_is_no_window() -> None:
    """Asking an empty history for its window raises LookupError."""
    with pytest.raises(LookupError):
        History().window()


def test_recent_samples_are_kept_whole_and_limited() -> None:
    """The window holds the newest full samples, oldest first."""
    window = filled(200).window()
    assert len(window.samples) == 180
    assert window.newest.instant.monotonic_seconds == 1199.0
    assert window.samples[0].instant.monotonic_seconds == 1020.0


def test_a_window_does_not_change_when_its_history_goes_on() -> None:
    """A window that was handed out shows the same series after further samples."""
    history = filled(60)
    window = history.window()
    before = window.series("gpu_busy_ratio", GPU, columns=60, span_seconds=60.0)
    history.append(at(HEALTHY.sample(0), 1060.0, 1.0))
    assert window.series("gpu_busy_ratio", GPU, columns=60, span_seconds=60.0) == before
    assert len(window.samples) == 60


def test_numbers_older_than_an_hour_are_thinned_with_their_extremes() -> None:
    """A spike of one second two hours ago is still the high of its column."""
    history, sample = History(), HEALTHY.sample(0)
    for second in range(9000):
        history.append(at(sample, float(second), 1.0 if second == 500 else 0.2))
    columns = history.window().series("gpu_busy_ratio", GPU, columns=100, span_seconds=10_000.0)
    spike = max((column for column in columns if column), key=lambda column: column.high)
    assert spike.high == 1.0
    assert spike.low == pytest.approx(0.2)
    assert spike.mean < 0.3


def test_the_number_of_stored_numbers_is_bounded() -> None:
    """After 30 hours at one sample in 20 s no more is held than after 26."""
    history, sample = History(), replace(HEALTHY.sample(0), interval_seconds=20.0)
    sizes: list[int] = []
    for index in range(30 * 180):
        history.append(at(sample, index * 20.0))
        if index in {26 * 180, 30 * 180 - 1}:
            sizes.append(stored_numbers(history))
    assert sizes[1] <= sizes[0] * 1.01


def test_a_gap_is_shown_as_unknown() -> None:
    """Columns in which gpumon was suspended hold nothing."""
    history, sample = History(), HEALTHY.sample(0)
    for second in [*range(100, 110), *range(150, 160)]:
        history.append(at(sample, float(second), 0.5))
    columns = history.window().series("gpu_busy_ratio", GPU, columns=60, span_seconds=60.0)
    # The first sample after the gap stands for 2.5 s at most: one column more than its own.
    assert [column is None for column in columns].count(True) == 60 - 10 - 10 - 1


def test_a_stepped_clock_moves_nothing() -> None:
    """Unix time that steps by an hour leaves the columns where monotonic time puts them."""
    history, sample = History(), HEALTHY.sample(0)
    for second in range(20):
        step = 3600.0 if second >= 10 else 0.0
        history.append(replace(sample, instant=Instant(1.7e9 + second + step, 100.0 + second)))
    columns = history.window().series("gpu_busy_ratio", GPU, columns=20, span_seconds=20.0)
    assert all(columns)


def test_time_that_runs_backwards_is_held() -> None:
    """A monotonic time before the last one does not break the order of the rows."""
    history, sample = History(), HEALTHY.sample(0)
    for second in (100.0, 101.0, 50.0, 102.0):
        history.append(at(sample, second, 0.5))
    assert history.window().series("gpu_busy_ratio", GPU, columns=3, span_seconds=3.0)[-1] is not None


def test_a_label_that_comes_later_has_no_past() -> None:
    """A GPU that appears in the middle of a chunk is unknown before."""
    history, sample = History(), HEALTHY.sample(0)
    for second in range(10):
        gpus = sample.gpus if second >= 5 else ()
        history.append(replace(sample, instant=Instant(1.7e9, 100.0 + second), gpus=gpus))
    columns = history.window().series("gpu_busy_ratio", GPU, columns=10, span_seconds=10.0)
    assert [column is None for column in columns] == [True] * 5 + [False] * 5


def test_a_missing_number_is_unknown_not_zero() -> None:
    """A reading that is missing leaves its column empty."""
    sample = HEALTHY.sample(0)
    gone = replace(sample, gpus=(replace(sample.gpus[0], gpu_busy_ratio=Missing("not supported")),))
    window = window_of([at(sample, 100.0, 0.5), replace(gone, instant=Instant(1.7e9, 101.0))])
    assert window.series("gpu_busy_ratio", GPU, columns=2, span_seconds=2.0)[-1] is None


def test_labels_are_those_of_the_span_kept() -> None:
    """Labels of a metric are found among old and new numbers."""
    window = filled(int(FULL_SECONDS) * 2).window()
    assert window.labels("gpu_busy_ratio") == (GPU,)
    assert window.labels("cpu_busy_ratio") == tuple(str(core) for core in range(8))
    assert window.labels("no_such_metric") == ()


def test_of_training_stops_at_another_process_with_the_same_pid() -> None:
    """Samples of an earlier process with the same PID are not those of the training."""
    old, new = HEALTHY.sample(0), HEALTHY.sample(1)
    reading = old.trainings[0]
    other = replace(
        reading, training=replace(reading.training, id=replace(reading.training.id, start_ticks=7))
    )
    window = window_of([replace(old, trainings=(other,)), new])
    assert [sample.sequence for sample, _ in window.of_training(PID)] == [1]


def test_numbers_lie_between_two_moments_by_stretches() -> None:
    """Both moments are left out, a stretch is (start, end], and later samples change nothing."""
    history = filled(50)
    window = history.window()
    history.append(at(HEALTHY.sample(0), 1050.0, 0.5))
    found = [
        (part.end_seconds, [round(10 * number) for number in part.values["gpu_busy_ratio", GPU]])
        for part in window.numbers(1005.0, 1023.0, 10.0)
    ]

    assert found == [
        (1010.0, [6, 7, 8, 9, 0]),
        (1020.0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]),
        (1022.0, [1, 2]),
    ]
    assert [] == list(window.numbers(1023.0, 1024.0, 10.0))
    assert [1049.0] == [part.end_seconds for part in window.numbers(1040.5, 2000.0, 10.0)]
