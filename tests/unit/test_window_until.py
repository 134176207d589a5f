"""A part of the past that is looked at again shows what it showed then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.history.columns import Bucket
from gpumon.history.history import History
from gpumon.history.window import Window
from gpumon.model.clock import Instant
from tests.unit.synthetic_training import HEALTHY

GPU = "GPU-0"
SAMPLE = HEALTHY.sample(0)


def grown(history: History, first: int, last: int) -> Window:
    """Return the window after the seconds first..last-1, the GPU busy (second % 10) / 10."""
    for second in range(first, last):
        gpus = (replace(SAMPLE.gpus[0], gpu_busy_ratio=second % 10 / 10),)
        history.append(replace(SAMPLE, instant=Instant(1.7e9 + second, float(second)), gpus=gpus))
    return history.window()


def series(
    window: Window, columns: int, span: float, until: float | None = None
) -> tuple[Bucket | None, ...]:
    """Return the busy share of the GPU."""
    return window.series("gpu_busy_ratio", GPU, columns=columns, span_seconds=span, until_seconds=until)


@settings(deadline=None, max_examples=15)
@given(columns=st.integers(1, 60), span=st.sampled_from([20.0, 60.0, 90.0]), later=st.integers(0, 300))
def test_a_past_span_is_what_was_shown_then(columns: int, span: float, later: int) -> None:
    """But for its newest column, which was not over yet, whatever happened since."""
    history = History()
    then = series(grown(history, 1000, 1100), columns, span)
    now = grown(history, 1100, 1100 + later)

    assert then[:-1] == series(now, columns, span, until=1099.0)[:-1]
    assert series(now, columns, span) == series(now, columns, span, until=1e9)


def test_a_glance_at_the_past_leaves_the_present_as_it_is() -> None:
    """Columns that are kept for one part of the past are not shown in another."""
    history = History()
    window = grown(history, 1000, 1300)
    before = series(window, 30, 60.0)

    assert before != series(window, 30, 60.0, until=1100.0)
    assert before == series(window, 30, 60.0)


def test_beyond_an_hour_the_past_is_drawn_from_stretches() -> None:
    """What is left of a minute an hour ago is low, mean and high of 10 s."""
    history = History()
    window = grown(history, 0, 3800)
    found = series(window, 60, 60.0, until=100.0)

    assert len(found) == 60
    assert {(0.0, 0.9)} == {(round(one.low, 3), round(one.high, 3)) for one in found if one is not None}
    assert all(one is not None for one in found)
    assert window.oldest_seconds == pytest.approx(0.0, abs=10.0)


def test_before_the_oldest_number_nothing_is_known() -> None:
    """A span that ends before the history began is empty."""
    window = grown(History(), 1000, 1100)

    assert 999.0 == window.oldest_seconds
    assert (None,) * 10 == series(window, 10, 20.0, until=900.0)
