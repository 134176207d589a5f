"""Charts of the thinned part of a recording: what its stretches keep is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gpumon.history.columns import Bucket, column_of
from gpumon.history.window import Window
from gpumon.model.report import Report
from gpumon.monitor.replay_past import Past
from gpumon.monitor.replay_report import judged_from_seconds
from gpumon.recording.reader import Recording, open_recording
from tests.recording.scene import MONOTONIC_SECONDS, report_at, write
from tests.unit.full_report import FULL_GPU

_EVERY_SECONDS = 20
_HOURS = 3.2
_SPIKE_SECOND = 633
_LOW, _SPIKE = 0.125, 0.875
_WIDTH_SECONDS = 30.0


def _busy(second: float, sequence: int, ratio: float) -> Report:
    report = report_at(second, sequence=sequence)
    gpu = replace(report.sample.gpus[0], gpu_busy_ratio=ratio)
    return replace(report, sample=replace(report.sample, gpus=(gpu,)))


@pytest.fixture(scope="module")
def spiked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hours of a quiet GPU with one sample of a busy one."""
    path = tmp_path_factory.mktemp("spiked") / "a.gpumon"
    seconds = sorted({*range(0, int(_HOURS * 3600), _EVERY_SECONDS), _SPIKE_SECOND})
    write(
        path,
        [_busy(second, k, _SPIKE if second == _SPIKE_SECOND else _LOW) for k, second in enumerate(seconds)],
    )
    return path


@contextmanager
def _at(path: Path, second: float) -> Iterator[tuple[Recording, Past]]:
    with open_recording(path) as recording:
        yield recording, Past(recording, MONOTONIC_SECONDS + second)


def _columns(window: Window, columns: int = 120, width_seconds: float = _WIDTH_SECONDS) -> dict[int, Bucket]:
    series = window.series(
        "gpu_busy_ratio", FULL_GPU.uuid, columns=columns, span_seconds=width_seconds * columns
    )
    newest = column_of(window.newest.instant.monotonic_seconds, width_seconds)
    return {newest - columns + 1 + index: bucket for index, bucket in enumerate(series) if bucket is not None}


def test_a_spike_of_a_second_three_hours_ago_is_on_the_chart(spiked: Path) -> None:
    """Its sample was thinned away, and its height is in the column of its moment and in no other."""
    moment = MONOTONIC_SECONDS + _SPIKE_SECOND
    with _at(spiked, _SPIKE_SECOND + 1800) as (recording, past):
        assert recording.full_from_seconds > past.seconds
        assert list(recording.samples(moment, moment)) == []
        columns = _columns(past.window)

    assert [column_of(moment, _WIDTH_SECONDS)] == [
        column for column, bucket in columns.items() if bucket.high == _SPIKE
    ]
    assert {_LOW} == {bucket.low for bucket in columns.values()}


def test_the_spike_stays_when_one_zooms_out_beyond_an_hour(spiked: Path) -> None:
    """The stretches of a day's charts take it over."""
    with _at(spiked, 0.0) as (_, past):
        while past.seconds < MONOTONIC_SECONDS + 7000:
            past.forward()
        columns = _columns(past.window, 120, 60.0)

    assert _SPIKE in {bucket.high for bucket in columns.values()}


def test_stepping_and_jumping_lead_to_the_same_chart(spiked: Path) -> None:
    """A moment of the thinned part has the same columns however one came to it."""
    second = 3000
    with _at(spiked, second) as (_, past):
        jumped = _columns(past.window)
        moment = past.seconds
    with _at(spiked, 0.0) as (_, past):
        while past.seconds < moment:
            past.forward()
        stepped = _columns(past.window)

    assert jumped == stepped
    assert len(jumped) > 90


def test_past_columns_do_not_change_while_one_plays_on(spiked: Path) -> None:
    """What was drawn stays, through the thinned part and into the full one."""
    seen: dict[int, Bucket] = {}
    with _at(spiked, 3.2 * 3600 - 2 * 3600 - 900) as (recording, past):
        while past.seconds < recording.full_from_seconds + 900:
            columns = _columns(past.window)
            columns.pop(max(columns))
            for column, bucket in columns.items():
                assert seen.setdefault(column, bucket) == bucket
            past.forward()


def test_the_chart_has_no_hole_where_the_full_part_begins(spiked: Path) -> None:
    """Across the border every column is known."""
    with _at(spiked, 0.0) as (recording, past):
        past.seek(recording.full_from_seconds + 600)
        columns = _columns(past.window, 40)

    assert len(columns) == 40


def test_the_sample_of_a_thinned_moment_is_the_recorded_one(spiked: Path) -> None:
    """Only the chart is drawn from stretches: what is shown as now is what was seen."""
    with _at(spiked, 1800) as (recording, past):
        (kept,) = recording.samples(past.seconds, past.seconds)

        assert kept == past.window.newest


@pytest.mark.parametrize("shift_seconds", [0.0, 7.0])
def test_one_sample_a_minute_is_a_full_recording(tmp_path: Path, shift_seconds: float) -> None:
    """With an interval of 60 s nothing is thinned away: all of it is full, and judged anew."""
    path = tmp_path / "a.gpumon"
    reports = [report_at(60.0 * k + shift_seconds, sequence=k) for k in range(200)]
    write(path, reports)

    with open_recording(path) as recording:
        assert recording.first_seconds == recording.full_from_seconds
        assert recording.first_seconds == judged_from_seconds(recording)
        assert len(reports) == len(list(recording.samples()))


def test_a_sample_too_many_in_a_minute_does_not_make_the_rest_thinned(tmp_path: Path) -> None:
    """Where an interval of 60 s is not kept exactly, full is what comes after the last sample that went."""
    path = tmp_path / "a.gpumon"
    seconds = [60.0 * k for k in range(200)]
    seconds = sorted([*seconds, 60.0 * 10 + 30, 60.0 * 190 + 30])
    write(path, [report_at(second, sequence=k) for k, second in enumerate(seconds)])

    with open_recording(path) as recording:
        assert recording.full_from_seconds == MONOTONIC_SECONDS + 60.0 * 11
