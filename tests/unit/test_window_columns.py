"""Columns of a chart never change once they are past, and never lose a spike."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.history.columns import Bucket, column_of
from gpumon.history.history import History
from gpumon.model.clock import Instant
from tests.unit.synthetic_training import HEALTHY

GPU = "GPU-0"
SAMPLE = HEALTHY.sample(0)

gaps = st.lists(st.floats(0.2, 30.0), min_size=2, max_size=40)
widths = st.sampled_from([0.3, 1.0, 2.5, 7.0])


@settings(deadline=None, max_examples=60)
@given(gaps=gaps, width=widths, values=st.lists(st.floats(0, 1, width=32), min_size=40, max_size=40))
def test_past_columns_never_change(gaps: list[float], width: float, values: list[float]) -> None:
    """Every column but the newest is the same in all later windows, with or without the cache."""
    history, fresh = History(), History()
    seconds = 1000.0
    seen: dict[int, Bucket | None] = {}
    columns = 50
    for gap, value in zip(gaps, values, strict=False):
        seconds += gap
        sample = replace(
            SAMPLE,
            instant=Instant(1.7e9, seconds),
            gpus=(replace(SAMPLE.gpus[0], gpu_busy_ratio=value),),
        )
        history.append(sample)
        fresh.append(sample)
        series = history.window().series("gpu_busy_ratio", GPU, columns=columns, span_seconds=width * columns)
        newest = column_of(seconds, width * columns / columns)
        for offset, column in enumerate(series[:-1]):
            index = newest - columns + 1 + offset
            assert seen.setdefault(index, column) == column
    whole = fresh.window().series("gpu_busy_ratio", GPU, columns=columns, span_seconds=width * columns)
    assert whole == history.window().series(
        "gpu_busy_ratio", GPU, columns=columns, span_seconds=width * columns
    )


@settings(deadline=None, max_examples=60)
@given(values=st.lists(st.floats(0, 1, width=32), min_size=5, max_size=80), columns=st.integers(1, 30))
def test_extremes_survive_any_zoom(values: list[float], columns: int) -> None:
    """The highest and the lowest number of the span are those of some column."""
    history = History()
    for second, value in enumerate(values):
        gpus = (replace(SAMPLE.gpus[0], gpu_busy_ratio=value),)
        history.append(replace(SAMPLE, instant=Instant(1.7e9, 1000.5 + second), gpus=gpus))
    # One column more than the values need: the oldest column may begin in the middle of them.
    width = (len(values) + 1) / columns
    series = history.window().series(
        "gpu_busy_ratio", GPU, columns=columns + 1, span_seconds=width * (columns + 1)
    )
    known = [column for column in series if column is not None]
    assert max(column.high for column in known) == pytest.approx(max(values))
    assert min(column.low for column in known) == pytest.approx(min(values))
    assert all(column.low <= column.mean <= column.high for column in known)


def test_narrow_columns_show_the_sample_that_covers_them() -> None:
    """At one sample a second columns of a quarter second have no holes."""
    history = History()
    for second in range(20):
        history.append(replace(SAMPLE, instant=Instant(1.7e9, 1000.0 + second)))
    assert all(history.window().series("gpu_busy_ratio", GPU, columns=60, span_seconds=15.0))


def test_no_columns_and_no_span_give_nothing() -> None:
    """A chart without width is an empty series."""
    history = History()
    history.append(SAMPLE)
    assert history.window().series("gpu_busy_ratio", GPU, columns=0, span_seconds=60.0) == ()
    assert history.window().series("gpu_busy_ratio", GPU, columns=10, span_seconds=0.0) == ()


def test_past_columns_of_a_long_span_never_change() -> None:
    """Beyond an hour columns are made of stretches of 10 s and keep their numbers all the same."""
    history = History()
    seen: dict[int, Bucket | None] = {}
    width, columns = 36.0, 200
    for second in range(1000, 1400):
        gpus = (replace(SAMPLE.gpus[0], gpu_busy_ratio=(second * 37 % 100) / 100),)
        history.append(replace(SAMPLE, instant=Instant(1.7e9, second + 0.25), gpus=gpus))
        series = history.window().series("gpu_busy_ratio", GPU, columns=columns, span_seconds=width * columns)
        stretch_end = (int(second + 0.25) // 10 + 1) * 10
        newest = -(-stretch_end // 36) - 1
        for offset, column in enumerate(series[:-1]):
            index = newest - columns + 1 + offset
            assert seen.setdefault(index, column) == column


def test_only_the_newest_series_are_kept() -> None:
    """Looked at in ever other widths, the columns of old ones go, those of the newest stay."""
    history = History()
    for second in range(3):
        history.append(replace(SAMPLE, instant=Instant(1.7e9, 1000.5 + second)))
    window = history.window()
    for number in range(500):
        window.series("gpu_busy_ratio", GPU, columns=200, span_seconds=600.0 + number)

    kept = window._columns._kept
    # The newest column may still change, and is not kept.
    assert 40_000 // 199 >= len(kept) > 100
    assert (600.0 + 499) / 200 in {width for _, _, width, _ in kept}


def test_a_wide_series_among_narrow_ones_counts_with_all_its_columns() -> None:
    """How many columns are kept in all does not depend on how many the one read last has."""
    history = History()
    for second in range(3):
        history.append(replace(SAMPLE, instant=Instant(1.7e9, 1000.5 + second)))
    window = history.window()
    for number in range(200):
        window.series("gpu_busy_ratio", GPU, columns=500, span_seconds=600.0 + number)
        window.series("gpu_busy_ratio", GPU, columns=10, span_seconds=60.0 + number)

    assert sum(len(each.columns) for each in window._columns._kept.values()) <= 40_000


def test_a_series_that_is_looked_at_no_more_goes() -> None:
    """As of a training that is gone: what the frames after it do not read is not kept for long."""
    history = History()
    for second in range(3):
        history.append(replace(SAMPLE, instant=Instant(1.7e9, 1000.5 + second)))
    window = history.window()
    window.series("gpu_busy_ratio", GPU, columns=50, span_seconds=600.0)
    for _ in range(20):
        window.series("gpu_busy_ratio", GPU, columns=50, span_seconds=60.0)
        window.series("cpu_busy_ratio", "", columns=50, span_seconds=60.0)

    assert [60.0 / 50] * 2 == [width for _, _, width, _ in window._columns._kept]


def test_a_series_that_each_frame_reads_is_computed_once() -> None:
    """However many series a frame has, none of them goes between two frames."""
    history = History()
    for second in range(60):
        history.append(replace(SAMPLE, instant=Instant(1.7e9, 1000.5 + second)))
    window = history.window()
    frames = [
        [window.series("gpu_busy_ratio", GPU, columns=100, span_seconds=600.0 + n) for n in range(100)]
        for _ in range(3)
    ]

    # The newest column may still change, and is not kept.
    assert all(any(series[:-1]) for series in frames[0])
    for first, last in zip(frames[0], frames[2], strict=True):
        assert all(one is other for one, other in zip(first[:-1], last[:-1], strict=True))
