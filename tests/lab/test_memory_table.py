"""The virtual GPU's memory beside that of real ones."""

from __future__ import annotations

import pytest

from gpumon.advice.model_memory import USABLE_DEVIATION, USABLE_RATIO, base_deviation
from tests.contract.test_house import ROOT
from tests.lab.gpu_cost import GpuCost
from tests.lab.memory_table import (
    PUBLIC,
    batches_table,
    guide_table,
    public_error_gigabytes,
    row,
    smaller_batches_table,
    usable_table,
    virtual_row,
)


def test_memory_that_is_proportional_is_told_without_error() -> None:
    """Of a model that takes nothing itself, all three ways are right."""
    found = row("straight", 0, lambda batch: batch * 1_000_000_000)
    assert (found.slope_gigabytes, found.one_point, found.base_known) == pytest.approx((1.0, 0.0, 0.0))
    assert found.two_points == pytest.approx(0.0)


def test_one_point_tells_more_than_with_the_model_known() -> None:
    """On real GPUs and on the virtual one alike: what the model takes itself is counted twice."""
    rows = (*PUBLIC, virtual_row("AMP", GpuCost()), virtual_row("full", GpuCost(amp=False)))
    assert all(line.base_known < line.one_point < line.base_known + 0.15 for line in rows)


def test_gpumons_doubt_is_that_of_the_public_logs() -> None:
    """Their root mean square error, and by Student's t what so few of them may hide."""
    told = base_deviation("yolov5s.pt") / 1e9
    assert told == pytest.approx(public_error_gigabytes() * 1.943 / 1.645, abs=0.005)
    assert base_deviation("mine.pt") / 1e9 > told


def test_the_share_that_can_be_used_is_below_the_median_of_the_messages() -> None:
    """And one in twenty fails below 0.95 of the limit."""
    median = float(usable_table().splitlines()[-1].split("|")[-2])
    assert USABLE_RATIO < median
    assert USABLE_RATIO - 1.645 * USABLE_DEVIATION == pytest.approx(0.95, abs=0.005)


def test_the_virtual_gpu_is_not_a_straight_line() -> None:
    """Segments and fragments: two points do not tell the third exactly, and by no more than on real ones."""
    error = virtual_row("AMP", GpuCost()).two_points
    assert 0.0 < abs(error) <= 2 * max(abs(line.two_points) for line in PUBLIC)


def test_the_guides_table_is_printed_with_its_differences() -> None:
    """Rows of s and m within 15 %; that of l is not, which the page explains."""
    lines = guide_table().splitlines()[2:]
    differences = [line.split("|")[-2].strip() for line in lines]
    assert [abs(int(text.rstrip("%"))) <= 15 for text in differences if text != "-"] == [True] * 4 + [False]


def test_largest_batches_hold_the_published_ones() -> None:
    """Each lies between the safe batch less 15 % and the most."""
    for line in batches_table().splitlines()[2:]:
        there, told = line.split("|")[2:4]
        safe, _, most = (int(part.strip(" (),")) for part in told.replace("(", ",").split(",")[:3])
        assert 0.85 * safe <= int(there) <= most


def test_the_page_has_these_tables() -> None:
    """Word for word, in docs/accuracy-memory.md."""
    page = (ROOT / "docs" / "accuracy-memory.md").read_text(encoding="utf-8")
    tables = (guide_table(), batches_table(), smaller_batches_table(), usable_table())
    assert all(table in page for table in tables)
