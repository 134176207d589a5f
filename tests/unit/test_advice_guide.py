"""The three regimes and the balance condition of the tuning guide come out of the throughput model."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpumon.advice.throughput import needed_workers
from tests.lab.guide_table import (
    BATCH,
    GPU_RATE,
    GUIDE,
    WORKER_RATE,
    balanced_workers,
    few_workers,
    lines,
    rows,
)

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"


def test_all_three_rates_are_reproduced() -> None:
    """Too few, right and too many workers: each rate within 1 %, and within its interval."""
    assert [row.told for row in rows()] == list(GUIDE)
    for row in rows():
        assert abs(row.error) < 0.01
        assert row.rate.low <= row.told.rate <= row.rate.high


def test_the_third_regime_is_slower_than_the_second_and_faster_than_the_first() -> None:
    """Starved, fed, crowded: the order of the guide."""
    few, right, many = (row.rate.predicted for row in rows())
    assert few < many < right


def test_the_utilisation_fits_where_the_gpu_is_fed_and_not_where_it_starves() -> None:
    """What the page admits: 60 % at 2 workers is 11 points less than the rate says."""
    few, right, many = rows()
    assert right.utilisation == pytest.approx(right.told.utilisation)
    assert abs(many.utilisation - many.told.utilisation) < 0.05
    assert few.utilisation - few.told.utilisation == pytest.approx(0.11, abs=0.01)


def test_workers_times_their_rate_balance_the_batch_over_its_step() -> None:
    """The guide's condition holds for the number found, and not for one fewer."""
    workers, step_seconds = balanced_workers(), BATCH / GPU_RATE
    assert workers * WORKER_RATE >= BATCH / step_seconds > (workers - 1) * WORKER_RATE
    assert workers <= needed_workers(few_workers()) <= 6


def test_the_page_shows_what_the_command_prints() -> None:
    """docs/models.md holds every line of it."""
    page = _PAGE.read_text(encoding="utf-8").splitlines()
    assert [] == [line for line in lines() if line not in page]
