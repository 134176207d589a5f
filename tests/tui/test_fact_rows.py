"""Every number with its certainty and source, as rows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.process import Role
from gpumon.model.reading import LossesReading, ProgressReading, TrainingReading
from gpumon.model.training import Setting
from gpumon.paint.glyphs import UNICODE
from gpumon.paint.row import Span, row_text, row_width
from gpumon.tui.fact_rows import section_rows, source_rows
from gpumon.tui.facts import RATE, Fact, Section, measured, missing
from gpumon.tui.losses import loss_mark
from gpumon.tui.process_rows import process_rows
from gpumon.tui.widgets.frame import Frame
from tests.tui.fakes import VARIANTS, fake_frame


def _rows(frame: Frame, width: int = 118) -> list[str]:
    return [row_text(row).rstrip() for row in source_rows(frame, width)]


def _row(frame: Frame, name: str) -> str:
    found = [row for row in _rows(frame) if row.startswith(f"  {name} ")]
    assert len(found) == 1, found
    return found[0]


def _reading(frame: Frame) -> TrainingReading:
    assert frame.training is not None
    return frame.training


def _with(frame: Frame, reading: TrainingReading) -> Frame:
    sample = replace(frame.report.sample, trainings=(reading,))
    return replace(frame, report=replace(frame.report, sample=sample))


def test_a_sampled_number_has_its_error_and_its_source() -> None:
    """The wait by the best source and by thread states stand beside each other, each for itself."""
    frame = fake_frame("ranks")

    assert re.search(
        r"\d+ % ±\S+ +sampled +interpreter \(CPython 3.11\), last 10 s", _row(frame, "data wait")
    )
    assert re.search(r"9 % ±1 +sampled +state of the main thread", _row(frame, "by thread states"))


def test_an_exact_and_an_estimated_number() -> None:
    """Exact numbers are plain, estimates have ~ and their interval where there is one."""
    frame = fake_frame("ranks")

    assert re.search(r" 3.75 +exact +log", _row(frame, "batches per second"))
    assert re.search(r" ~191 MiB +estimated .*90 % between 95 MiB and 286 MiB", _row(frame, "shm needed"))
    assert re.search(r" ~8h\d\dm +estimated", _row(frame, "time left"))


def test_a_missing_number_has_its_reason() -> None:
    """What is missing has a dash and the reason, over as many rows as that needs."""
    frame = fake_frame("ranks")
    reason = "kernel.yama.ptrace_scope is 2: only root may look into other processes' memory"
    reading = replace(_reading(frame), interpreter=Missing(reason))
    narrow = " ".join("\n".join(_rows(_with(frame, reading), 60)).split())

    assert f"interpreter – missing: {reason}" in narrow
    assert "it was not started by `gpumon run`" in _row(frame, "reporter")


def test_the_reason_of_a_whole_tier_stands_once() -> None:
    """Numbers that lack the interpreter point to its reason instead of repeating it."""
    frame = fake_frame("ranks")
    reading = _reading(frame)
    gone = Missing("another user's process")
    loader = replace(reading.loader, batches_ready=gone, prefetch_factor=gone)
    text = "\n".join(_rows(_with(frame, replace(reading, interpreter=gone, loader=loader))))

    assert 1 == text.count(gone.reason)
    assert 2 == text.count("needs the interpreter, see above")


def test_sources_that_disagree_are_shown_with_what_each_says() -> None:
    """Contradictions of the loader and of the progress stand at the top, word for word."""
    rows = _rows(fake_frame("ranks"))

    assert [
        "sources that disagree",
        "  data wait: interpreter (CPython 3.11) says 41%, state of the main thread 9%",
        "  log says epoch 5",
    ] == rows[:3]


def test_where_sources_agree_it_says_so() -> None:
    """Without a contradiction the section says that there is none."""
    assert "none" in _rows(fake_frame("starved"))[1]


def test_a_contradiction_without_a_place_is_not_taken_for_its_source() -> None:
    """Where neither epoch nor batch is known, what the progress' source says is a contradiction."""
    frame = fake_frame("ranks")
    unknown = Missing("neither a log nor results.csv can be read")
    progress = replace(_reading(frame).progress, epoch=unknown, batch=unknown, source="log: 3.20 batches/s")
    rows = _rows(_with(frame, replace(_reading(frame), progress=progress)))

    assert "  log: 3.20 batches/s" == rows[2]


def test_losses_and_map_are_listed() -> None:
    """Each column of the newest row of results.csv has its number."""
    frame = fake_frame("ranks")

    assert re.search(r"0.04512 +exact +results.csv, epoch 2", _row(frame, "train/box_loss"))
    assert " 0.452 " in _row(frame, "metrics/mAP_0.5:0.95")


def test_running_losses_stand_beside_those_of_the_last_whole_epoch() -> None:
    """What the progress bar tells has its own rows and source: it is newer than results.csv."""
    assert re.search(r"0.0441 +exact +log, mean of epoch 3 so far", _row(fake_frame("ranks"), "box_loss"))


def test_without_results_the_reason_stands_there() -> None:
    """Before the first epoch has ended, or without a run directory, the section says why it is empty."""
    assert "results.csv has no row yet" in _row(fake_frame("starved"), "newest epoch")
    assert "the run directory was not found" in _row(fake_frame("missing"), "newest epoch")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_no_number_stands_out_in_the_list(value: float) -> None:
    """NaN and infinite losses have the look of danger, other numbers have not."""
    frame = fake_frame("ranks")
    results = (("epoch", 2.0), ("train/box_loss", value), ("metrics/mAP_0.5", 0.0))
    progress = replace(_reading(frame).progress, results=results)
    rows = source_rows(_with(frame, replace(_reading(frame), progress=progress)), 118)

    assert [f"{value:.4g}"] == [span.text.strip() for row in rows for span in row if span.role == "danger"]


def test_a_nan_of_the_validation_alone_is_a_warning() -> None:
    """The validation's loss has another word and no red: the training may go on well."""
    values = (("val/box_loss", float("nan")),)
    found = loss_mark(ProgressReading(losses=(LossesReading("results.csv", 3, values, is_validation=True),)))

    assert Span("NAN VAL LOSS", "warn") == found


def test_a_worker_that_is_not_on_a_core_does_not_run() -> None:
    """Runnable without a core is told apart from running; waits are shares of the looks."""
    row = next(row for row in _rows(fake_frame("ranks")) if row.startswith("  41235 "))

    assert ["70", "5", "5", "20", "0", "0", "0", "70"] == re.findall(r"(\d+) %", row)


def test_waits_that_the_kernel_hides_are_not_called_none() -> None:
    """Of another user's workers only running, disk and sleep can be told: the rest has a dash, not 0 %."""
    frame = fake_frame("ranks")
    loader = replace(_reading(frame).loader, worker_idle_ratio=Missing("another user's process"))
    row = next(
        row for row in _rows(_with(frame, replace(_reading(frame), loader=loader))) if "  41235 " in row
    )

    assert 3 == row.count("–")


def test_one_rank_has_no_rows_about_ranks() -> None:
    """Slowest rank and spread stand there for several ranks only."""
    assert "rank 1" not in "\n".join(_rows(fake_frame("starved")))
    assert "slowest rank" not in "\n".join(_rows(fake_frame("starved")))
    assert re.search(r"21 % +sampled", _row(fake_frame("ranks"), "spread of the ranks"))


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [1, 20, 38, 78, 118, 198])
@pytest.mark.parametrize("variant", VARIANTS)
def test_no_report_breaks_the_list(variant: str, width: int, ascii_only: bool) -> None:
    """Whatever is missing or hostile, all rows are printable, and fit from 78 cells on."""
    frame = fake_frame(variant, seconds=12)
    rows = source_rows(replace(frame, view=replace(frame.view, ascii=ascii_only)), width)

    assert rows
    assert all(row_text(row).isprintable() for row in rows)
    assert width < 78 or all(row_width(row) <= width for row in rows)


def test_an_ended_training_has_its_last_numbers() -> None:
    """After the end the list says so, and keeps what was known."""
    rows = _rows(fake_frame("ended"))

    assert "the training has ended: these are its last numbers" == rows[0]
    assert any("images per second" in row for row in rows)


def test_a_wait_that_the_training_tells_is_no_mean_of_ten_seconds() -> None:
    """An exact wait is shown as it was told."""
    frame = fake_frame("ranks")
    told = Measure(0.37, Certainty.EXACT, "reporter")
    loader = replace(_reading(frame).loader, data_wait_ratio=told)
    row = _row(_with(frame, replace(_reading(frame), loader=loader)), "data wait")

    assert ["37", "%", "exact", "reporter"] == row.split()[2:]


def test_a_long_setting_is_whole_and_its_source_below_it() -> None:
    """A path that has no room in its column takes the rest of the row, and as many as it needs."""
    frame = fake_frame("ranks")
    reading = _reading(frame)
    path = "/data/sets/" + "very-long-name/" * 5 + "coco.yaml"
    changed = replace(reading.training.settings, data=Setting(path, "opt.yaml"))
    rows = _rows(_with(frame, replace(reading, training=replace(reading.training, settings=changed))), 78)
    at = next(index for index, row in enumerate(rows) if row.startswith("  data  "))
    margin = rows[at].index("/")

    assert path == "".join(row[margin:] for row in rows[at : at + 2])
    assert " " * margin + "opt.yaml" == rows[at + 2]


@pytest.mark.parametrize(
    ("error", "words"),
    [(0.031, "41 % ±3 "), (0.0096, "41 % ±1 "), (0.004, "41 % ±0.4 "), (0.11, "41 % ±11 ")],
)
def test_an_error_is_written_as_exactly_as_it_is_worth(error: float, words: str) -> None:
    """Errors are in whole points, below one point in tenths."""
    frame = fake_frame("ranks")
    wait = Measure(0.41, Certainty.SAMPLED, "interpreter", error)
    loader = replace(_reading(frame).loader, slowest_rank_data_wait_ratio=wait)

    assert words in _row(_with(frame, replace(_reading(frame), loader=loader)), "its data wait")


def test_what_is_missing_for_one_reason_is_told_together() -> None:
    """Four or more in one section share a row, which names all of them; fewer have rows of their own."""
    facts = [missing(name, "needs the interpreter") for name in ("ready", "prefetch", "pinned", "drops")]
    other = missing("shm", "not mounted")
    rows = section_rows([Section("loader", (facts[0], other, *facts[1:]))], 100, UNICODE)
    few = section_rows([Section("loader", (other, *facts[1:]))], 100, UNICODE)

    assert [re.split(r"  +", row_text(row).strip()) for row in rows[1:]] == [
        ["4 measures", "– missing: needs the interpreter: ready, prefetch, pinned, drops"],
        ["shm", "– missing: not mounted"],
    ]
    assert len(few) == 5


def test_in_a_narrow_list_names_leave_their_room_to_sources() -> None:
    """There the columns are no wider than the names need, so that a source stands in one row."""
    section = Section("CPU", (Fact("no core", "0 %", "exact", "could run (/proc/PID/schedstat)"),))
    narrow = [row_text(row) for row in section_rows([section], 78, UNICODE)]
    wide = [row_text(row) for row in section_rows([section], 118, UNICODE)]

    assert [
        "CPU",
        "  no core  0 %          exact      could run (/proc/PID/schedstat)",
    ] == narrow
    assert wide[1].index("0 %") == 24


@pytest.mark.parametrize(("error", "words"), [(0.029, "15.4 ±0.03"), (0.46, "15.4 ±0.5"), (7.3, "15.4 ±7")])
def test_an_error_of_a_rate_has_one_digit(error: float, words: str) -> None:
    """A second one would say more than is known."""
    rate = Measure(15.4, Certainty.SAMPLED, "log", error)

    assert words == measured("batches per second", rate, RATE, UNICODE).value


def test_the_memory_of_a_virtual_gpu_is_not_said_to_be_the_drivers() -> None:
    """Simulated is labelled simulated at each number."""
    frame = fake_frame()
    sample = frame.report.sample
    simulated = replace(sample, gpus=tuple(replace(gpu, simulated=True) for gpu in sample.gpus))
    frame = replace(frame, report=replace(frame.report, sample=simulated))
    main = next(process for process in _reading(frame).processes if process.role is Role.MAIN)
    rows = [row_text(row) for row in process_rows(main, frame, 100)]

    assert "virtual GPU, simulated" in next(row for row in rows if row.startswith("  GPU 0 "))
    assert not any("NVML" in row for row in rows)
    assert "virtual GPU, simulated" in _row(frame, "of the training")
