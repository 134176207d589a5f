"""Who holds which memory, as rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.model.host import CgroupReading
from gpumon.paint.row import row_text
from gpumon.tui.memory_rows import memory_rows
from gpumon.tui.widgets.frame import Frame
from tests.tui.fakes import VARIANTS, fake_frame

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


def test_the_outlook_has_risk_limit_and_largest_batch() -> None:
    """Estimates are marked with ~ and have their interval."""
    text = _text(fake_frame(seconds=2))

    for part in ("peak seen", "limit", "low, ~2 %", "~32 (32 to 37)"):
        assert part in text


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
