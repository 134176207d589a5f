"""Pictures of evidence that is about many: cores, and disks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.history.history import window_of
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.host import DiskReading
from gpumon.paint.row import Row, row_text, row_width
from gpumon.tui.evidence_picture import AXIS_CELLS, evidence_picture
from gpumon.tui.evidence_rows import evidence_rows
from gpumon.tui.widgets.frame import Frame, View
from tests.tui.fakes import fake_frame, fake_sample

_HEAT, _BARS = set("·░▒▓█"), set("▁▂▃▄▅▆▇█")
_CORES = Evidence("cpu_busy_ratio", 0.98, 0.9)
_DISK = Evidence("disk_busy_ratio", 0.31, 0.1, text="sdb is busy 31 %")


def _picture(item: Evidence, frame: Frame, *, height: int = 3, cells: int = 60) -> list[Row]:
    finding = Finding("starved-cpu-exhausted", Severity.WARNING, "", 0.0, (item,))
    return evidence_picture(item, finding, frame, cells, height)


def _names(rows: list[Row]) -> list[str]:
    return [row_text(row)[:AXIS_CELLS].strip() for row in rows]


def _with_disks(busy: dict[str, float], view: View | None = None) -> Frame:
    """Return a frame whose machine has these disks, each as busy as said the whole time."""
    disks = tuple(DiskReading(name, 1e6, 0.0, ratio) for name, ratio in busy.items())
    frame = fake_frame("starved", seconds=1)
    window = window_of(
        replace(sample, host=replace(sample.host, disks=disks))
        for sample in (fake_sample("starved", second) for second in range(1, 121))
    )
    return replace(frame, window=window, view=view or frame.view)


def test_cores_are_heat_one_row_each_where_there_is_room() -> None:
    """Core 0 is hot all the time and core 1 cold: it stands in its own row."""
    rows = _picture(_CORES, fake_frame("starved"), height=8)

    assert _names(rows) == [f"core {core}" for core in range(8)]
    first, second = (row_text(row)[AXIS_CELLS + 1 :] for row in rows[:2])
    assert set(first[5:]) <= set("▓█")
    assert set(second[5:]) <= set("·░")
    assert {row_width(row) for row in rows} == {60}


@pytest.mark.parametrize(
    ("variant", "height", "names"),
    [
        ("starved", 3, ["cores 0-3", "cores 4-7"]),
        ("many_cores", 3, ["cores 0-63", "64-127"]),
        ("many_cores", 1, ["0-127"]),
    ],
)
def test_many_cores_are_folded_and_the_hottest_still_shows(
    variant: str, height: int, names: list[str]
) -> None:
    """Ink is the mean of several, colour the hottest of them: every fourth is busy 98 %."""
    rows = _picture(_CORES, fake_frame(variant), height=height)

    assert [name.removeprefix("cores ") for name in _names(rows)] == [
        name.removeprefix("cores ") for name in names
    ]
    assert all(_HEAT & set(row_text(row)) for row in rows)
    roles = {span.role for row in rows for span in row if set(span.text) & _HEAT}
    assert "heat4" in roles
    assert not any("█" in row_text(row)[AXIS_CELLS:] for row in rows)


def test_a_mean_over_cores_has_the_cores_below_it() -> None:
    """A mean of 34 % hides that two of eight cores are saturated."""
    rows = _picture(Evidence("host_cpu_busy_ratio", 0.34, 0.9), fake_frame("starved"))

    assert _names(rows) == ["90 %", "", "0 %", "", "cores 0-3", "cores 4-7"]
    assert _BARS & set(row_text(rows[2])[AXIS_CELLS:])
    assert rows[3] == ()
    assert "heat4" in {span.role for row in rows[4:] for span in row}


def test_several_disks_have_a_line_each() -> None:
    """All on one scale, each with its name; what speaks for the finding has its colour."""
    rows = _picture(_DISK, _with_disks({"nvme0n1": 0.05, "sdb": 0.31}))

    assert _names(rows) == ["nvme0n1", "sdb"]
    roles = [{span.role for span in row if _BARS & set(span.text)} for row in rows]
    assert roles == [{"heat1"}, {"wait"}]


def test_of_more_disks_than_rows_the_busiest_are_drawn() -> None:
    """They stay in their order, so that none jumps; a long name is cut."""
    busy = {"sda": 0.2, "sdb": 0.01, "a-very-long-disk": 0.9, "sdd": 0.5}

    assert _names(_picture(_DISK, _with_disks(busy), height=2)) == ["a-very-l…", "sdd"]
    plain = _picture(_DISK, _with_disks(busy, View(ascii=True)), height=2)
    assert _names(plain) == ["a-very-..", "sdd"]
    assert all(row_text(row).isascii() for row in plain)


def test_one_disk_is_drawn_as_an_area() -> None:
    """Where there is but one, its picture is as high as that of any other number."""
    rows = _picture(_DISK, fake_frame("starved"))

    assert len(rows) == 3
    assert _BARS & set(row_text(rows[-1]))


def test_words_and_a_high_picture_stand_side_by_side() -> None:
    """The picture may have more rows than the words: all rows of it have the width of the whole."""
    item = Evidence("host_cpu_busy_ratio", 0.34, 0.9, text="the cores are busy 34 %")
    finding = Finding("starved-cpu-exhausted", Severity.WARNING, "", 0.0, (item,))
    rows = evidence_rows(finding, fake_frame("starved"), 120, height=3)

    assert {row_width(row) for row in rows[:7]} == {120, 44}
    assert "the cores are busy 34 %" in row_text(rows[2])
    assert row_text(rows[-1]).rstrip().endswith("now")


def test_cores_that_were_never_read_have_no_picture() -> None:
    """Without /proc there is nothing to draw, neither the cores nor their mean."""
    frame = fake_frame("missing")

    assert _picture(_CORES, frame) == []
    assert _picture(Evidence("host_cpu_busy_ratio", 0.34), frame) == []
    assert _picture(_DISK, frame) == []


@pytest.mark.parametrize(("threshold", "names"), [(0.05, ["100 %", "", "5 %"]), (0.99, ["99 %", "", "0 %"])])
def test_the_label_beside_the_line_is_the_threshold(threshold: float, names: list[str]) -> None:
    """Also in the lowest and the uppermost row: beside a line at 5 % stands no 0 %."""
    item = Evidence("data_wait_ratio", 0.41, threshold)

    assert _names(_picture(item, fake_frame("starved"))) == names
