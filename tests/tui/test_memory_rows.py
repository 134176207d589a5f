"""Who holds which memory, as rows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gpumon.model.gpu import GpuSlice
from gpumon.model.host import CgroupReading
from gpumon.model.suggestion import OomRisk, RiskLevel
from gpumon.paint.row import row_text
from gpumon.tui.memory_rows import memory_rows
from gpumon.tui.widgets.frame import Frame
from tests.tui.fakes import MAIN_PID, VARIANTS, fake_frame

GIB = 1024**3


def _text(frame: Frame) -> str:
    return "\n".join(row_text(row) for row in memory_rows(frame, 80))


def _with_cgroup(cgroup: CgroupReading) -> Frame:
    frame = fake_frame(seconds=2)
    reading = frame.training
    assert reading is not None
    sample = replace(frame.report.sample, trainings=(replace(reading, cgroup=cgroup),))
    return replace(frame, report=replace(frame.report, sample=sample))


def test_the_training_and_the_others_on_the_gpu_are_told_apart() -> None:
    """Processes of the training are called so, others are others, the larger first."""
    text = _text(fake_frame(seconds=2))

    assert text.index("the training") < text.index("another process (graphics)")
    assert "pid 999" in text


def test_slices_of_a_gpu_are_told_apart_and_the_own_one_is_marked() -> None:
    """A training on a MIG slice can take no more than the slice has."""
    frame = fake_frame(seconds=2)
    parts = tuple(GpuSlice(f"MIG-{n}", n * GIB, 0, 5 * n * GIB, (pid,)) for n, pid in ((1, 7), (2, MAIN_PID)))
    gpu = replace(frame.report.sample.gpus[0], slices=parts)
    sample = replace(frame.report.sample, gpus=(gpu,))
    text = _text(replace(frame, report=replace(frame.report, sample=sample)))

    first, second = (line for line in text.splitlines() if line.strip().startswith("slice "))
    assert "1.0 of 5.0 GiB" in first
    assert "the training's" not in first
    assert "2.0 of 10.0 GiB  the training's" in second


@pytest.mark.parametrize("width", [30, 44, 63, 64, 66, 80])
def test_what_the_limit_is_without_is_told_in_full(width: int) -> None:
    """Beside the number where there is room for all of it, else below."""
    rows = [row_text(row) for row in memory_rows(fake_frame(seconds=2), width)]
    place = next(n for n in range(rows.index("outlook"), len(rows)) if rows[n].strip().startswith("limit"))
    told = " ".join(" ".join(rows[place : place + 5]).split())

    assert "GiB without what the driver and others hold" in told
    assert len(rows[place]) <= width


def test_the_outlook_has_risk_limit_and_largest_batch() -> None:
    """Estimates are marked with ~ and have their interval."""
    text = _text(fake_frame(seconds=2))

    for part in ("peak seen", "limit", "low, ~2 %", "~32 (32 to 37)"):
        assert part in text


def test_a_risk_that_hardly_is_one_is_no_zero() -> None:
    """Below 1 %, said once: in its sentence."""
    frame = fake_frame(seconds=2)
    report = frame.report.trainings[0]
    assert report.memory is not None
    calm = replace(report.memory, oom_risk=OomRisk(0.0001, RiskLevel.LOW, "below 1 % until the end"))
    text = _text(replace(frame, report=replace(frame.report, trainings=(replace(report, memory=calm),))))

    assert "risk            low\n                  below 1 % until the end\n" in text
    assert "~0 %" not in text


def test_of_several_gpus_each_has_a_row() -> None:
    """Below those of the GPU that is looked at: ranks of one training should be alike."""
    text = _text(fake_frame("eight_gpus"))

    assert re.search(
        r"all GPUs\n  GPU 0 .*\d\.\d of 12\.0 GiB\n(?:  GPU [1-6] .*\n){6}  GPU 7 .*12\.0 GiB", text
    )
    assert "lost" in _text(fake_frame("missing"))
    assert "all GPUs" not in _text(fake_frame())


def test_the_outlook_says_what_it_rests_on_and_when_memory_is_full() -> None:
    """The sentence below risk and batch; the time only where memory grows."""
    frame = fake_frame(seconds=2)
    report = frame.report.trainings[0]
    assert report.memory is not None
    risk = OomRisk(0.9, RiskLevel.HIGH, "about 90 %: memory grows", "the pace of its growth")
    grown = replace(
        report.memory, oom_risk=risk, full_in_seconds=4000.0, batch_rests_on="the peak at batch 24"
    )
    text = _text(replace(frame, report=replace(frame.report, trainings=(replace(report, memory=grown),))))

    for part in ("rests on the pace of its growth", "full in", "~1h06m", "rests on the peak at batch 24"):
        assert part in text
    assert "full in" not in _text(frame)


@pytest.mark.parametrize(
    ("cgroup", "part"),
    [
        (CgroupReading(2, "/", memory_limit_bytes=None, memory_used_bytes=3 * GIB), "3.0 GiB, no limit"),
        (CgroupReading(2, "/", memory_limit_bytes=4 * GIB, memory_used_bytes=3 * GIB), "75 %"),
        (CgroupReading(2, "/", memory_limit_bytes=4 * GIB, memory_oom_kills=2), "OOM kills"),
        (CgroupReading(2, "/"), "limit: not read"),
    ],
)
def test_the_cgroup_of_the_training(cgroup: CgroupReading, part: str) -> None:
    """A limit is a gauge, none is said, one that cannot be read has its reason."""
    assert part in _text(_with_cgroup(cgroup))


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_report_breaks_the_rows(variant: str) -> None:
    """Whatever is missing, the host's section stands there."""
    assert "host memory" in _text(fake_frame(variant, seconds=2))
