"""What a change brought, in the dashboard's list of runs and in the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gpumon.paint.row import Row, row_text, row_width
from gpumon.recording.runs_compare import compare
from gpumon.recording.runs_proof import proof_between
from gpumon.recording.runs_run import Run
from gpumon.recording.runs_words import memory_words, speed_words, wait_words
from gpumon.tui.comparison_rows import comparison_rows
from gpumon.tui.run_rows import SeenRun, run_details
from tests.recording.prior_scene import MORE_WORKERS
from tests.recording.runs_scene import about, run_of

SLOW = replace(run_of([90.0, 91.0] * 4, [0.4] * 8), predictions=(MORE_WORKERS,))


def _fast(rate: float) -> Run:
    run = run_of([rate, rate + 1] * 4, [0.02] * 8, number=2, about=about(workers=6))
    return replace(run, proof=proof_between(SLOW, run))


def _text(rows: Sequence[Row]) -> str:
    return "\n".join(row_text(row).rstrip() for row in rows)


def _details(run: Run, *, is_ascii: bool = False) -> list[Row]:
    seen = SeenRun(run, speed_words(run), wait_words(run), memory_words(run), run.end, run.end_text)
    return run_details(seen, 78, is_ascii=is_ascii)


@pytest.mark.parametrize(
    ("rate", "words"), [(147.0, ": as predicted"), (100.0, ": less than predicted"), (170.0, ": more than")]
)
def test_the_run_under_the_cursor_says_what_its_settings_brought(rate: float, words: str) -> None:
    """Predicted and achieved, and whether the two agree."""
    text = " ".join(_text(_details(_fast(rate))).split())

    assert "brought workers 2 -> 6: predicted 144 (126-153), achieved" in text
    assert words in text


def test_a_run_that_is_no_change_says_nothing_of_it() -> None:
    """The first of its kind brought nothing."""
    assert "brought" not in _text(_details(SLOW))


@pytest.mark.parametrize("width", [60, 78, 120, 200])
def test_the_comparison_has_predictions_below_what_was_measured(width: int) -> None:
    """Speed and wait as they were predicted, in the column of the second run; it fits."""
    rows = comparison_rows(compare(SLOW, _fast(147.0)), "boot-1", width, is_ascii=False)
    lines = _text(rows).splitlines()

    assert 2 == sum(line.startswith("  predicted") for line in lines)
    place = next(number for number, line in enumerate(lines) if line.startswith("images/s"))
    assert any("144" in line for line in lines[place : place + 4] if line.startswith("  predicted"))
    assert ": as predicted" in " ".join(" ".join(lines).split())
    assert max(row_width(row) for row in rows) <= width


def test_ascii_is_ascii() -> None:
    """Where the terminal has nothing else."""
    rows = comparison_rows(compare(SLOW, _fast(147.0)), "boot-1", 78, is_ascii=True)

    assert _text(rows).isascii()
    assert _text(_details(_fast(147.0), is_ascii=True)).isascii()
