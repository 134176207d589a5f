"""What the panes say, in a real Textual app."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gpumon.model.finding import Finding, Severity
from gpumon.model.gpu import GpuState
from gpumon.model.sample import SourceError
from gpumon.model.suggestion import OomRisk, RiskLevel
from gpumon.tui.widgets.cores import CorePane, CoreStrip
from gpumon.tui.widgets.enlarged_chart import EnlargedChart
from gpumon.tui.widgets.frame import Frame, View
from gpumon.tui.widgets.gpu import GpuPane, short_name
from gpumon.tui.widgets.host import HostLine
from gpumon.tui.widgets.pane import Pane
from gpumon.tui.widgets.pipeline import PipelineLine, PipelinePane
from gpumon.tui.widgets.process_table import ProcessTable
from gpumon.tui.widgets.status import StatusLine
from gpumon.tui.widgets.training_line import TrainingLine
from gpumon.tui.widgets.trouble import LATE_SECONDS
from gpumon.tui.widgets.verdict import VerdictPane
from gpumon.tui.widgets.vram import VramGauge, VramPane
from tests.tui.fakes import VARIANTS, fake_frame
from tests.tui.pane_app import pane_app

SIZES = ((80, 24), (120, 36), (200, 50))
PANES: tuple[type[Pane], ...] = (
    TrainingLine,
    VerdictPane,
    GpuPane,
    VramPane,
    VramGauge,
    CorePane,
    CoreStrip,
    PipelinePane,
    PipelineLine,
    HostLine,
    StatusLine,
    ProcessTable,
    EnlargedChart,
)


async def shown(pane: Pane, variant: str = "starved", size: tuple[int, int] = (120, 12)) -> str:
    """Return what a pane shows alone on a screen."""
    async with pane_app(pane, size=size, variant=variant):
        return pane.text


@pytest.mark.parametrize("size", SIZES)
async def test_every_pane_draws_every_variant(size: tuple[int, int]) -> None:
    """Every pane shows every state of the world after every other, in ASCII too, cell by cell."""
    async with pane_app(*(kind() for kind in PANES), size=size) as (app, pilot):
        for variant in VARIANTS:
            frame = fake_frame(variant)
            for ascii_only in (False, True):
                app.show(replace(frame, view=View(ascii=ascii_only)))
                await pilot.pause()
                lines = app.lines()
                assert size[1] == len(lines)
                assert all(line.isprintable() for line in lines)
                assert not ascii_only or all(line.isascii() for line in lines)


async def test_top_line_says_who_and_how_far() -> None:
    """The top line names the training and its progress, with everything where there is room."""
    text = await shown(TrainingLine(), size=(160, 1))
    assert (
        " YOLOv5 train.py pid 41234 · yolov5s · 640px · batch 24 · workers 2 · runs/train/exp7 · epoch 3/99 "
        "▕███████▏      ▏ at 51 % · ETA 8h36m" == text
    )


@pytest.mark.parametrize(
    ("variant", "words"), [("ranks", "workers 2 · ranks 2 · "), ("starved", "workers 2 · epoch")]
)
async def test_top_line_counts_ranks(variant: str, words: str) -> None:
    """Where there are several: their batch is the sum of all, their workers those of each."""
    assert words in await shown(TrainingLine(), variant, size=(100, 1))


@pytest.mark.parametrize("width", [30, 50, 80, 100])
async def test_top_line_keeps_what_matters(width: int) -> None:
    """A narrow line drops whole parts; epoch and ETA stay as long as they fit."""
    text = await shown(TrainingLine(), size=(width, 1))
    assert text.startswith(" YOLOv5")
    assert width < 50 or ("epoch 3/99" in text and "ETA 8h36m" in text)


async def test_simulated_is_said_first() -> None:
    """A simulated training is labelled in words before all else."""
    assert (await shown(TrainingLine(), "healthy", size=(60, 1))).startswith("  SIMULATED ")


async def test_verdict_gives_finding_suggestion_and_memory() -> None:
    """The verdict pane has the sentence, the suggestion with interval and bound, and the memory risk."""
    lines = (await shown(VerdictPane(), size=(120, 7))).splitlines()
    assert "● STARVED  the GPU waits 41 % ±3 of each step for data" in lines[1]
    assert "→ --workers 6   90.0 → 148 img/s (131–152)   bound: 8 cores" in lines[2]
    assert (
        "OOM RISK low  peak 6.6 of 11.1 GiB after 3 validations; batch 32 would still fit (up to 37)"
        in lines[3]
    )


@pytest.mark.parametrize("width", [40, 60, 80])
async def test_verdict_never_cuts_its_numbers(width: int) -> None:
    """However narrow, the numbers of verdict and suggestion stand whole in one row each."""
    lines = (await shown(VerdictPane(), size=(width, 14))).splitlines()
    for number in ("41 % ±3", "98 %", "--workers 6", "90.0 → 148 img/s", "(131–152)", "8 cores"):
        assert any(number in line for line in lines), number


async def test_verdict_counts_what_has_no_room() -> None:
    """In a low pane the verdict stays and the rest is counted."""
    lines = (await shown(VerdictPane(), size=(120, 4))).splitlines()
    assert "STARVED" in lines[1]
    assert "+3" in lines[2]


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("searching", "SEARCHING  no training runs yet"),
        ("ended", "ENDED  pid 41234 finished after 8h52m"),
        ("missing", "WATCHING  measuring"),
        ("choosing", "1 YOLOv5 pid 41234  batch 24 workers 2"),
    ],
)
async def test_verdict_says_what_goes_on_instead(variant: str, words: str) -> None:
    """Without a verdict the pane says where the search or the training stands."""
    assert words in await shown(VerdictPane(), variant)


async def test_a_high_risk_stands_before_the_verdict() -> None:
    """A run that is about to die is said first, and only once."""
    frame = fake_frame()
    report = frame.training_report
    assert report is not None
    assert report.memory is not None
    risk = OomRisk(0.95, RiskLevel.HIGH, "about 95 %: memory grows; peak 11.4 of 11.7 GiB")
    full = Finding("vram-at-limit", Severity.WARNING, "the risk is high", 0.0)
    judged = replace(report, memory=replace(report.memory, oom_risk=risk), findings=(*report.findings, full))
    pane = VerdictPane()
    async with pane_app(pane, size=(120, 14)) as (app, _):
        app.show(replace(frame, report=replace(frame.report, trainings=(judged,))))
        text = pane.text

    assert text.index("OOM RISK high") < text.index("STARVED")
    assert "VRAM FULL" not in text


async def test_after_the_end_there_is_no_risk_any_more() -> None:
    """The last verdict is named as such, and of memory only the peak is left."""
    text = await shown(VerdictPane(), "ended")
    assert "at its end:" in text
    assert "OOM RISK" not in text
    assert "MEMORY  peak" in text


async def test_no_change_is_said_as_such() -> None:
    """A suggestion from two to two reads as no change."""
    frame = fake_frame()
    report = frame.training_report
    assert report is not None
    same = replace(report.suggestions[0], to_value=2, text="no number of workers can feed the GPU")
    judged = replace(report, suggestions=(same,))
    pane = VerdictPane()
    async with pane_app(pane, size=(120, 14)) as (app, _):
        app.show(replace(frame, report=replace(frame.report, trainings=(judged,))))
        assert "no change of workers: no number of workers can feed the GPU" in pane.text
        assert "--workers 2" not in pane.text


async def test_busy_workers_and_their_cpu_are_two_numbers() -> None:
    """Busy is what does not wait for an index, as in the verdict; CPU has its own word."""
    text = await shown(PipelinePane())
    assert re.search(r"workers +2 busy +98 % .* CPU +98 %", text)


async def test_low_use_has_its_own_mark() -> None:
    """A GPU that is little used while it trains is marked by a word, and not where it is well used."""
    assert "▼low" in await shown(GpuPane())
    assert "▼low" not in await shown(GpuPane(), "healthy")


async def test_without_a_gpu_the_wait_is_drawn_and_the_reason_stands_below_it() -> None:
    """A training on the CPU waits for data too; why there is no GPU stays in sight."""
    text = await shown(GpuPane(), "no_gpu")
    assert "waits for data" in text.splitlines()[0]
    assert "█" in text
    assert "no NVIDIA driver was found on this machine" in text


async def test_without_a_gpu_the_host_memory_is_drawn() -> None:
    """Chart and gauge show the memory that a training on the CPU uses."""
    assert "memory 24.0 of 64.0 GiB" in await shown(VramPane(), "no_gpu")
    assert "24.0 of 64.0 GiB" in await shown(VramGauge(), "no_gpu", size=(80, 1))


async def test_a_stopped_training_is_called_stopped() -> None:
    """What was measured before SIGSTOP is not told as if it went on."""
    frame = fake_frame()
    sample = frame.report.sample
    reading = sample.trainings[0]
    stopped = tuple(
        replace(process, state="T") if process.id == reading.training.id else process
        for process in reading.processes
    )
    sample = replace(sample, trainings=(replace(reading, processes=stopped),))
    line, verdict = TrainingLine(), VerdictPane()
    async with pane_app(line, verdict, size=(120, 14)) as (app, _):
        app.show(replace(frame, report=replace(frame.report, sample=sample)))
        assert "STOPPED" in line.text
        assert "STOPPED  its main process is stopped" in verdict.text
        assert "STARVED" not in verdict.text


async def test_a_lost_gpu_says_so() -> None:
    """A GPU that does not answer any more is called lost, in the title and in words."""
    frame = fake_frame("missing", view=View(gpu_uuid="GPU-1"))
    pane = GpuPane()
    async with pane_app(pane) as (app, pilot):
        app.show(frame)
        await pilot.pause()
        assert GpuState.LOST.value.upper() in pane.text
        assert "fallen off the bus" in pane.text


async def test_missing_readings_are_dashes_with_their_reason() -> None:
    """What cannot be had is a dash, and its reason stands beside it."""
    assert "– not read" in await shown(GpuPane(), "missing")
    assert "/proc is not mounted" in await shown(CorePane(), "missing")
    assert "no training is attached" in await shown(PipelineLine(), "searching", size=(80, 1))


async def test_status_counts_further_errors() -> None:
    """The first error stands there in words, the others are counted, and gpumon's own cost remains."""
    frame = fake_frame()
    errors = (SourceError("nvml", "permission denied"), SourceError("cgroup", "not mounted"))
    sample = replace(frame.report.sample, errors=errors, late_sources=("nvml",))
    pane = StatusLine()
    pane.follow(sample)
    instant = replace(sample.instant, monotonic_seconds=sample.instant.monotonic_seconds + LATE_SECONDS)
    assert pane.follow(replace(sample, instant=instant))
    async with pane_app(pane, size=(80, 1)) as (app, pilot):
        app.show(Frame(replace(frame.report, sample=sample), frame.window, frame.view))
        await pilot.pause()
        assert " ▲ nvml: permission denied (+1) late: the GPU driver" in pane.text
        assert pane.text.endswith("gpumon  0.9 % CPU  55 MiB")


async def test_processes_are_a_tree() -> None:
    """Workers stand below their main process, with PSS, or RSS where that may not be read."""
    lines = (await shown(ProcessTable(), size=(120, 8))).splitlines()
    assert "41234 main" in lines[2]
    assert "41235 ├─ train worker" in lines[3]
    assert "381 MiB pss" in lines[3]
    assert "41236 └─ train worker" in lines[4]
    assert "1.1 GiB rss" in lines[4]


async def test_processes_can_be_ordered() -> None:
    """Ordered by CPU the busiest comes first, and the cursor stays on its process."""
    pane = ProcessTable()
    async with pane_app(pane, size=(120, 8)):
        assert pane.selected is not None
        assert 41234 == pane.selected.id.pid
        pane.action_order()
        lines = pane.text.splitlines()
        assert "by cpu" in lines[0]
        assert "41236" in lines[2]
        assert 41234 == pane.selected.id.pid


async def test_the_enlarged_chart_has_axes() -> None:
    """Plotext draws the axes; the newest, mean, lowest and highest value stand below."""
    pane = EnlargedChart("gpu_memory_used_bytes")
    text = await shown(pane, size=(100, 20))
    for words in ("VRAM", "-5m", "now", "6.0 GiB┤", "newest", "highest"):
        assert words in text


async def test_the_enlarged_chart_steps_through_its_measures() -> None:
    """Every measure of the chart can be shown, with a reason where nothing is known of it."""
    pane = EnlargedChart()
    async with pane_app(pane, size=(100, 20)):
        for metric in (*EnlargedChart.CHOICES[1:], EnlargedChart.CHOICES[0]):
            pane.action_step(1)
            assert metric == pane.metric
            assert metric in pane.text


def test_an_unknown_measure_is_refused() -> None:
    """A name that is not in the table of metrics is an error of the caller."""
    with pytest.raises(ValueError, match="no such measure: speed"):
        EnlargedChart("speed")


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("NVIDIA GeForce RTX 3060", "RTX 3060"),
        ("NVIDIA A100-SXM4-80GB", "A100-SXM4"),
        ("Virtual GPU 12 GB", "Virtual GPU"),
        ("NVIDIA H100 80GB HBM3", "H100 80GB HBM3"),
    ],
)
def test_a_gpu_is_called_by_its_short_name(name: str, short: str) -> None:
    """Vendor and memory are left out: the memory stands in the pane beside it."""
    assert short == short_name(name, 24)


async def test_a_share_of_stalls_stands_beside_its_word() -> None:
    """One blank before the number and more behind it, however long it is, so that nothing moves."""
    text = await shown(HostLine(), size=(120, 1))

    assert re.search(r"stalled: CPU \d+ %  +I/O \d+ %  +memory \d+ %  +load", text)


@pytest.mark.parametrize("width", [64, 72, 80, 88, 96])
async def test_what_is_done_of_an_epoch_moves_nothing_in_or_out(width: int) -> None:
    """As many parts stand in the top line at 8 % as at 100 %."""
    frame = fake_frame()
    reading = frame.training
    assert reading is not None
    line = TrainingLine()
    counts = set()
    async with pane_app(line, size=(width, 1)) as (app, _):
        for batch in (80, 500, 1000):
            progress = replace(reading.progress, batch=batch, batches=1000)
            sample = replace(frame.report.sample, trainings=(replace(reading, progress=progress),))
            app.show(replace(frame, report=replace(frame.report, sample=sample)))
            counts.add((line.text.count("·"), "px" in line.text, " at " in line.text))

    assert len(counts) == 1
