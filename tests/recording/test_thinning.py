"""What stays of a long recording."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.recording.reader import open_recording
from gpumon.recording.store import FULL_SECONDS, RecordingFile
from gpumon.recording.thinning import Cell, cell_of, to_blob
from tests.recording.scene import ABOUT, MONOTONIC_SECONDS, entry_of, report_at, write
from tests.unit.full_report import FULL_GPU

HOUR = 3600.0
BUSY = ("gpu_busy_ratio", FULL_GPU.uuid)


def _record(path: Path, seconds: list[float]) -> None:
    file = RecordingFile(path, ABOUT)
    for sequence, second in enumerate(seconds):
        file.append(entry_of(report_at(second, sequence=sequence)))
    file.end()
    file.close()


def test_the_newest_two_hours_stay_whole(tmp_path: Path) -> None:
    """Older samples are thinned to one a minute, and `full_from_seconds` tells where that begins."""
    path = tmp_path / "a.gpumon"
    _record(path, [15.0 * k for k in range(int(2.5 * HOUR / 15))])

    with open_recording(path) as recording:
        moments = [sample.instant.monotonic_seconds for sample in recording.samples()]
        full_from = recording.full_from_seconds
    old = [moment for moment in moments if moment < full_from]
    new = [moment for moment in moments if moment >= full_from]
    assert new[-1] - full_from == pytest.approx(FULL_SECONDS, abs=120)
    assert {15.0} == {b - a for a, b in pairwise(new)}
    # The first one of all stays, wherever in its minute it lies.
    assert {60.0} == {b - a for a, b in pairwise(old[1:])}


def test_stretches_grow_with_age_and_leave_no_time_out(tmp_path: Path) -> None:
    """10 s for a day, then 60 s, after three days 600 s; one follows the other."""
    path = tmp_path / "a.gpumon"
    # One sample in each stretch of ten minutes: each tier has it.
    seconds = [600.0 * k for k in range(int(80 * HOUR / 600))]
    _record(path, seconds)

    with open_recording(path) as recording:
        rows = recording.thinned(*BUSY)
        last = recording.last_seconds
    lengths = {
        age: {round(row[1] - row[0]) for row in rows if low <= last - row[1] < high}
        for age, low, high in (
            ("new", 0, 23 * HOUR),
            ("middle", 25 * HOUR, 71 * HOUR),
            ("old", 74 * HOUR, 99 * HOUR),
        )
    }
    assert lengths == {"new": {10}, "middle": {60}, "old": {600}}
    assert len(rows) == len(seconds)
    assert all(before[1] <= after[0] for before, after in pairwise(rows))


def test_a_spike_stays_in_every_stretch(tmp_path: Path) -> None:
    """The lowest and the highest number of a day and more are there to the last, and the mean is between."""
    path = tmp_path / "a.gpumon"
    _record(path, [0.0, 7.0, 96.0, *(600.0 * k for k in range(1, int(75 * HOUR / 600)))])

    with open_recording(path) as recording:
        first = recording.thinned(*BUSY)[0]
    assert first[1] - first[0] == 600.0
    assert first[2:] == pytest.approx((0.0, (0.0 + 0.07 + 0.96) / 3, 0.96), abs=0.2)
    assert first[4] == pytest.approx(0.96)


def test_only_what_was_asked_for_is_read(tmp_path: Path) -> None:
    """Stretches that touch the time asked for come, others do not; an unknown measure has none."""
    path = tmp_path / "a.gpumon"
    write(path, [report_at(second) for second in range(100)])

    with open_recording(path) as recording:
        rows = recording.thinned(*BUSY, MONOTONIC_SECONDS + 35, MONOTONIC_SECONDS + 45)
        assert [(30, 40), (40, 50)] == [
            (row[0] - MONOTONIC_SECONDS, row[1] - MONOTONIC_SECONDS) for row in rows
        ]
        assert recording.thinned("gpu_busy_ratio", "GPU-none") == ()
        assert BUSY in recording.series()


_NUMBERS = st.floats(width=32, allow_nan=False)


@settings(max_examples=50, deadline=None)
@given(cells=st.dictionaries(st.integers(1, 65_535), st.tuples(_NUMBERS, _NUMBERS, _NUMBERS), max_size=20))
def test_cells_come_back_from_their_bytes(cells: dict[int, tuple[float, float, float]]) -> None:
    """Every cell is found under its number, exactly."""
    blob = to_blob({key: Cell(low, mean, 1, high) for key, (low, mean, high) in cells.items()})

    assert cells == {key: cell_of(blob, frozenset({key})) for key in cells}
    assert cell_of(blob, frozenset({0})) is None
