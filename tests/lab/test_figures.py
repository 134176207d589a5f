"""The true figures of a laboratory training, from stamps."""

from __future__ import annotations

import pytest

from tests.lab.figures import figures_of, stretch
from tests.real.truth import LoaderWait


def stamps(*rows: tuple[float, float | None, int]) -> list[LoaderWait]:
    """Waits as (start, end, loader)."""
    return [LoaderWait(start, end, loader, 8, 2) for start, end, loader in rows]


# Every second a batch: waited for 0.4 s, computed for 0.6 s.
STEADY = stamps(*((float(second), second + 0.4, 0) for second in range(11)))


def test_the_wait_is_the_share_of_the_time_in_next() -> None:
    """Of each second 0.4 are waited."""
    found = figures_of(STEADY, 0.0, 10.0, 8)
    assert found["data_wait_ratio"] == pytest.approx(0.4)
    assert found["waits"] == pytest.approx([0.4] * 10)


def test_an_infinitely_fast_loader_leaves_the_work_alone() -> None:
    """8 images a second with waits are 8 images in 0.6 s without."""
    found = figures_of(STEADY, 0.0, 10.0, 8)
    assert found["images_per_second"] == pytest.approx(8.0)
    assert found["fed_images_per_second"] == pytest.approx(8.0 / 0.6, abs=0.01)


def test_a_validation_is_no_training() -> None:
    """Neither its waits nor its work count, nor what comes after it."""
    waits = stamps((0.0, 0.5, 0), (1.0, 1.9, 1), (2.0, 2.9, 1), (5.0, 5.5, 0), (6.0, 6.5, 0))
    found = stretch(waits, 0.0, 7.0)
    assert (found.trained, found.waited) == pytest.approx((3.0, 1.5))


def test_a_batch_that_never_comes_is_waited_for_to_the_end() -> None:
    """The record of a wait without an end: a hang in the loader."""
    found = figures_of(stamps((0.0, 0.1, 0), (1.0, None, 0)), 0.0, 10.0, 8)
    assert found["data_wait_ratio"] == pytest.approx(0.91)


def test_a_loop_that_hangs_does_not_wait_for_data() -> None:
    """The last batch is worked on for ever."""
    found = figures_of(stamps((0.0, 0.1, 0)), 0.0, 10.0, 8)
    assert found["data_wait_ratio"] == pytest.approx(0.01)


def test_seconds_without_training_repeat_the_wait_before_them() -> None:
    """A validation in between says nothing of the wait."""
    waits = stamps((0.0, 0.5, 0), (1.0, 2.9, 1), (3.0, 3.2, 0))
    assert figures_of(waits, 0.0, 4.0, 8)["waits"] == pytest.approx([0.5, 0.5, 0.5, 0.2])


def test_no_stamps_tell_nothing() -> None:
    """A training that has not begun has no figures."""
    assert figures_of([], 0.0, 10.0, 8) == {}
