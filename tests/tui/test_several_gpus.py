"""What the panes show of a machine with several GPUs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gpumon.model.gpu import GpuState
from gpumon.paint.row import row_text
from gpumon.tui.memory_rows import memory_rows
from gpumon.tui.widgets.enlarged_chart import EnlargedChart
from gpumon.tui.widgets.frame import View
from gpumon.tui.widgets.gpu import GpuPane
from gpumon.tui.widgets.gpu_list import GpuStrip, gpu_rows
from gpumon.tui.widgets.pipeline import PipelinePane
from gpumon.tui.widgets.vram import VramGauge, VramPane
from tests.tui.fakes import fake_frame
from tests.tui.pane_app import pane_app
from tests.tui.screen import dashboard


async def _shown(variant: str) -> str:
    """Return the pipeline of a variant in a terminal of 120 columns."""
    pane = PipelinePane()
    async with pane_app(pane, size=(60, 13), variant=variant):
        return pane.text


async def test_the_chosen_gpu_is_shown() -> None:
    """The view's choice decides which of eight GPUs is shown."""
    pane = GpuPane()
    async with pane_app(pane, size=(70, 20), variant="eight_gpus", view=View(gpu_uuid="GPU-6")):
        assert "GPU 6 RTX 3060 · one of 8 · busy" in pane.text
        assert re.search(r"all \S{8}  g: next", pane.text)


async def test_a_gpu_that_the_training_does_not_use_is_neither_low_nor_waits() -> None:
    """Both are said of the training's own GPU only: another one may well be idle."""
    own, other = GpuPane(), GpuPane()
    async with pane_app(own, variant="eight_gpus", view=View(gpu_uuid="GPU-0")):
        assert re.search("▼low .* waits for data", own.text)
    async with pane_app(other, variant="eight_gpus", view=View(gpu_uuid="GPU-2")):
        assert "GPU 2 " in other.text
        assert "low" not in other.text
        assert "waits" not in other.text


async def test_without_a_training_all_gpus_are_listed() -> None:
    """The machine view has a row for each GPU; with fewer rows they stand side by side, or are counted."""
    frame = fake_frame("eight_gpus")
    sample = replace(frame.report.sample, trainings=())
    searching = replace(frame, report=replace(fake_frame("searching").report, sample=sample))
    pane = PipelinePane()
    async with pane_app(pane, size=(70, 10)) as (app, pilot):
        app.show(searching)
        await pilot.pause()
        rows = pane.text.splitlines()
        await pilot.resize_terminal(70, 6)
        app.show(searching)
        await pilot.pause()
        beside = pane.text.splitlines()
        await pilot.resize_terminal(26, 5)
        app.show(searching)
        await pilot.pause()
        assert "GPUs" in rows[0]
        assert re.search(r"▶ 0 busy +\d+ % .* of 12.0 GiB +61 °C +141 W", rows[1])
        assert re.search(r" 7 busy +\d+ % .* of 12.0 GiB", rows[8])
        assert re.search(r"▶ 0 busy +\d+ % .* 4 busy +\d+ %", beside[1])
        assert re.search(r" 3 busy +\d+ % .* 7 busy +\d+ %", beside[4])
        assert re.search(r"  2 +\d+ % +… 3 more", pane.text.splitlines()[3])


async def test_below_the_stages_all_gpus_are_listed() -> None:
    """Where there are several, in the rows that are left; one alone has its stage."""
    text = await _shown("eight_gpus")
    lines = text.splitlines()
    gpus = next(at for at, line in enumerate(lines) if " GPUs " in line)
    assert "img/s" in lines[gpus - 1]
    assert re.search(r"▶ 0 +\d+ %.* 6 +\d+ %", lines[gpus])
    assert " GPUs " not in await _shown("starved")


def test_columns_of_gpus_are_equally_long() -> None:
    """Eight GPUs in five rows are twice four, and not five and three."""
    rows = gpu_rows(fake_frame("eight_gpus"), 68, 5)

    assert len(rows) == 4
    assert all(row_text(row).count("busy") == 2 for row in rows)


async def test_charts_say_of_which_gpu_they_are() -> None:
    """Where there are several: memory, and a measure of a GPU; what is not of a GPU says nothing of one."""
    view = View(gpu_uuid="GPU-6")
    vram, busy, cpu = VramPane(), EnlargedChart("gpu_busy_ratio"), EnlargedChart("host_cpu_busy_ratio")
    async with pane_app(vram, busy, cpu, size=(80, 40), variant="eight_gpus", view=view):
        assert re.search(r"VRAM \S+ of 12.0 GiB on GPU 6 ", vram.text)
        assert "GPU busy on GPU 6 " in busy.text
        assert "on GPU" not in cpu.text
    alone = VramPane()
    async with pane_app(alone, size=(80, 20)):
        assert "on GPU" not in alone.text


async def test_the_peak_is_shown_on_the_training_s_gpu_only() -> None:
    """In the title, by its dashed line and in the gauge: another GPU never held it."""
    own = VramPane(), VramGauge()
    other = VramPane(), VramGauge()
    async with pane_app(*own, size=(80, 12), variant="eight_gpus", view=View(gpu_uuid="GPU-0")):
        assert all("peak 6.6 GiB" in pane.text for pane in own)
        assert "┄┄┄┄" in own[0].text.partition("\n")[2]
    async with pane_app(*other, size=(80, 12), variant="eight_gpus", view=View(gpu_uuid="GPU-3")):
        assert all("VRAM" in pane.text and "peak" not in pane.text for pane in other)
        assert "┄┄┄┄" not in other[0].text


def test_the_outlook_says_on_which_gpu_it_is() -> None:
    """Where there are several, and another one may be looked at."""
    frame = fake_frame("eight_gpus", view=View(gpu_uuid="GPU-3"))
    rows = [row_text(row) for row in memory_rows(frame, 80)]

    assert rows[0].startswith("GPU 3 ")
    assert "outlook on GPU 0" in rows


async def test_a_small_terminal_has_all_gpus_in_a_line() -> None:
    """At 80x24 each GPU has its number and its share; one GPU alone, or a list of them, takes no line."""
    async with dashboard("eight_gpus") as shown:
        await shown.press("g")
        line = next(line for line in shown.lines() if line.startswith(" GPUs "))
        await shown.press("z")
        zoomed = shown.text()
        await shown.press("z")
        await shown.pilot.resize_terminal(120, 36)
        await shown.advance()

        assert re.findall(r"(.)(\d)[▁▂▃▄▅▆▇█] +\d+ %", line) == [
            ("▶" if number == 1 else " ", str(number)) for number in range(8)
        ]
        assert " GPUs " not in zoomed
        assert not any(line.startswith(" GPUs ") for line in shown.lines())
    async with dashboard() as alone:
        assert " GPUs " not in alone.text()


@pytest.mark.parametrize(
    ("width", "pattern"),
    [
        (80, r" GPUs ▶0. +\d+ % .* 7. +\d+ %"),
        (60, r" GPUs ▶0. 1. 2. 3. 4. 5. 6. 7."),
        (14, r" GPUs .{8}"),
        (10, r" GPUs .{3}…"),
    ],
)
async def test_the_line_of_gpus_says_less_where_it_has_no_room(width: int, pattern: str) -> None:
    """First the shares go, then the numbers; what is cut off is marked."""
    strip = GpuStrip()
    async with pane_app(strip, size=(width, 1), variant="eight_gpus"):
        assert re.fullmatch(pattern, strip.text)


async def test_a_lost_gpu_stands_out_in_the_line() -> None:
    """It has a word in the place of its share."""
    frame = fake_frame("eight_gpus")
    gpus = tuple(
        replace(gpu, state=GpuState.LOST) if gpu.index == 3 else gpu for gpu in frame.report.sample.gpus
    )
    sample = replace(frame.report.sample, gpus=gpus)
    strip = GpuStrip()
    async with pane_app(strip, size=(80, 1)) as (app, _):
        app.show(replace(frame, report=replace(frame.report, sample=sample)))

        assert " 3 LOST " in strip.text
