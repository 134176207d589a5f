"""What is recorded is what is read."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

from gpumon.history.history import window_of
from gpumon.recording.about import About
from gpumon.recording.mark import MarkKind
from gpumon.recording.reader import open_recording
from gpumon.recording.store import RecordingFile
from gpumon.recording.writer import Recorder
from tests.recording.scene import (
    ABOUT,
    MONOTONIC_SECONDS,
    PATIENCE_SECONDS,
    ReportFeed,
    entry_of,
    report_at,
    write,
)


def test_reports_come_back_as_they_were_told(tmp_path: Path) -> None:
    """Samples and what was told of them are equal to what was written, in order."""
    reports = [report_at(second) for second in range(150)]
    write(tmp_path / "a.gpumon", reports)

    with open_recording(tmp_path / "a.gpumon") as recording:
        assert reports == list(recording.reports())
        assert [report.sample for report in reports] == list(recording.samples())


def test_a_stretch_of_time_is_read_with_both_its_ends(tmp_path: Path) -> None:
    """`samples` takes the first and the last moment asked for."""
    write(tmp_path / "a.gpumon", [report_at(second) for second in range(30)])

    with open_recording(tmp_path / "a.gpumon") as recording:
        found = recording.samples(MONOTONIC_SECONDS + 10, MONOTONIC_SECONDS + 12)
        assert [10, 11, 12] == [sample.sequence for sample in found]


def test_the_metadata_takes_in_what_the_reports_know(tmp_path: Path) -> None:
    """Driver, GPUs, training and its settings stand in `about`, though they were not known at first."""
    report = report_at(0)
    write(tmp_path / "a.gpumon", [report])

    with open_recording(tmp_path / "a.gpumon") as recording:
        about: About = recording.about
    assert about.gpu_names == tuple(gpu.name for gpu in report.sample.gpus)
    assert about.command == report.sample.trainings[0].training.command
    assert ("batch_size", "24") in about.settings
    assert about.hostname == ABOUT.hostname


def test_a_recorder_follows_a_feed(tmp_path: Path) -> None:
    """What the feed still has is written first, then each report once; truth is added to the metadata."""
    reports = [report_at(second) for second in range(6)]
    feed = ReportFeed(window_of([report.sample for report in reports[:4]]))
    feed.show(reports[3])
    recorder = Recorder(tmp_path / "a.gpumon", ABOUT)
    recorder.follow(feed)
    for report in (*reports[3:5], reports[4], reports[5]):
        feed.show(report)
    recorder.amend(truth='{"label": "healthy"}')
    recorder.close(PATIENCE_SECONDS)
    feed.show(report_at(6))

    with open_recording(tmp_path / "a.gpumon") as recording:
        assert reports[3:] == list(recording.reports())
        assert [report.sample for report in reports] == list(recording.samples())
        assert recording.about.truth == '{"label": "healthy"}'
        assert recording.about.command
    assert recorder.state.samples == 6
    assert not recorder.state.is_recording


def test_what_a_slow_disk_did_not_take_is_counted(tmp_path: Path) -> None:
    """While the file cannot be written the feed goes on; what is too much is dropped, and a mark says so."""
    path = tmp_path / "a.gpumon"
    recorder = Recorder(path, ABOUT)
    recorder.write(report_at(0))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30.0)) as other:
        other.execute("BEGIN IMMEDIATE")
        for second in range(1, 1000):
            recorder.write(report_at(second))
        other.execute("COMMIT")
    recorder.close(PATIENCE_SECONDS)

    with open_recording(path) as recording:
        written = len(list(recording.samples()))
        (gap,) = [mark.text for mark in recording.marks() if mark.kind is MarkKind.GAP]
    assert gap == f"{1000 - written} samples were not written: the disk was too slow"
    assert 300 <= written < 1000


def test_a_recording_is_one_file_for_its_owner_only(tmp_path: Path) -> None:
    """While it is written and afterwards nobody else may read it, and nothing is left beside it."""
    recorder = Recorder(tmp_path / "a.gpumon", ABOUT)
    recorder.write(report_at(0))
    beside = [path.stat().st_mode for path in tmp_path.iterdir()]
    recorder.close(PATIENCE_SECONDS)

    assert {0o600} == {stat.S_IMODE(mode) for mode in beside}
    assert [tmp_path / "a.gpumon"] == list(tmp_path.iterdir())
    assert stat.S_IMODE((tmp_path / "a.gpumon").stat().st_mode) == 0o600


def test_an_empty_recording_opens(tmp_path: Path) -> None:
    """A recording that ended before its first sample is read as one without samples."""
    Recorder(tmp_path / "a.gpumon", replace(ABOUT, prior="{}")).close()

    with open_recording(tmp_path / "a.gpumon") as recording:
        assert recording.is_empty
        assert [] == list(recording.samples())
        assert recording.about.prior == "{}"


def test_a_reader_does_not_keep_a_recording_from_being_closed(tmp_path: Path) -> None:
    """Whoever reads a file while it is written sees it grow, and the recorder ends as it does alone."""
    path = tmp_path / "a.gpumon"
    file = RecordingFile(path, ABOUT)
    for second in range(100):
        file.append(entry_of(report_at(second)))
    file.commit()
    with open_recording(path) as recording:
        before = [sample.sequence for sample in recording.samples()]
        for second in range(100, 150):
            file.append(entry_of(report_at(second)))
        file.end()
        file.close()
        after = [sample.sequence for sample in recording.samples()]

    assert list(range(100)) == before
    assert list(range(150)) == after
    with open_recording(path) as recording:
        assert len(list(recording.samples())) == 150
