"""The way of the data in one line and in its pane: the queue, the wait, and several ranks."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from gpumon.model.measure import Missing
from gpumon.model.reading import LoaderReading
from gpumon.paint.row import row_text
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.gpu import GpuPane
from gpumon.tui.widgets.pipeline import PipelineLine, PipelinePane
from tests.tui.fakes import fake_frame
from tests.tui.pane_app import pane_app

ONE_RANK = Missing("it has one rank")


def _frame(*, ascii_only: bool = False, one_rank: bool = True, **fields: Any) -> Frame:
    frame = fake_frame("ranks", seconds=31)
    reading = frame.training
    assert reading is not None
    loader: LoaderReading = replace(reading.loader, **fields)
    if one_rank:
        loader = replace(
            loader,
            slowest_rank=ONE_RANK,
            slowest_rank_data_wait_ratio=ONE_RANK,
            rank_data_wait_spread_ratio=ONE_RANK,
        )
    sample = replace(frame.report.sample, trainings=(replace(reading, loader=loader),))
    view = replace(frame.view, ascii=ascii_only)
    return Frame(replace(frame.report, sample=sample), frame.window, view)


def _line(frame: Frame, width: int = 80) -> str:
    (row,) = PipelineLine().draw(frame, width, 1)
    return row_text(row)


async def _pane(frame: Frame, size: tuple[int, int] = (60, 12)) -> str:
    pane = PipelinePane()
    async with pane_app(pane, size=size) as (app, pilot):
        app.show(frame)
        await pilot.pause()
        return pane.text


def test_the_line_has_all_stages_at_80_columns() -> None:
    """Disk, workers, queue, wait and GPU fit into 80 columns, in the order of the data."""
    words = [stage.split()[0] for stage in _line(_frame(batches_ready=3)).split("→")]

    assert ["disk", "workers", "ready", "waits", "GPU"] == words
    assert "ready 3/4" in _line(_frame(batches_ready=3))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"batches_ready": 0}, "ready 0/4"),
        ({"batches_ready": 7, "workers": 8}, "ready  7/16"),
        ({"batches_ready": 1, "prefetch_factor": Missing("not told")}, "ready 1/4"),
        ({"batches_ready": 1, "workers": Missing("no"), "tasks_outstanding": Missing("no")}, "ready 1 "),
    ],
)
async def test_the_depth_of_the_queue_is_of_what_is_loaded_ahead(fields: dict[str, Any], words: str) -> None:
    """Of prefetch factor times workers; else of the tasks asked for; else the number alone."""
    assert words in _line(_frame(**fields), 120)
    assert words.strip() in await _pane(_frame(**fields))


async def test_a_queue_that_cannot_be_looked_into_is_left_out() -> None:
    """Without the interpreter there is no depth, and no dash in its place."""
    frame = _frame(batches_ready=Missing("its interpreter is not looked into"))

    assert "ready" not in _line(frame)
    assert "ready" not in await _pane(frame)
    assert "full" in await _pane(frame)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [30, 60, 80, 100, 160])
@pytest.mark.parametrize("one_rank", [False, True])
def test_the_line_fits(one_rank: bool, width: int, ascii_only: bool) -> None:
    """Stages go, the least telling first; what is left fits, and workers and GPU stay."""
    line = _line(_frame(ascii_only=ascii_only, one_rank=one_rank), width)

    assert len(line) <= max(width, len(" workers 2 busy  98 % -> GPU 58 %"))
    assert "workers" in line
    assert "GPU" in line


def test_one_rank_takes_no_room_for_ranks() -> None:
    """Nothing about ranks stands in the line of a training with one."""
    assert "rank" not in _line(_frame(), 160)


async def test_several_ranks_show_the_slowest_and_the_spread() -> None:
    """The rank that waits most, its wait, and how far the ranks are apart: in the line and in the pane."""
    frame = _frame(one_rank=False)

    assert re.search(r"waits +\d+ % ±\d \(rank 1 62 %, spread 21 %\)", _line(frame))
    assert re.search(r"ranks +rank 1 waits most 62 % ±11 +spread 21 %", await _pane(frame))
    assert "ranks" not in await _pane(_frame())


async def test_the_gpu_chart_has_the_wait_as_picture_and_number() -> None:
    """The share waited for data is shaded above the busy share, with its number in the edge."""
    pane = GpuPane()
    async with pane_app(pane, size=(80, 12), variant="ranks"):
        edge, *picture = pane.text.splitlines()

    assert re.search(r"▀▀ waits for data \d+ %", edge)
    assert any("▒" in row for row in picture)
