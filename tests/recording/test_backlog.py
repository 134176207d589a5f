"""A recording that begins late holds the hour before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gpumon.history.history import History
from gpumon.history.window import Window
from gpumon.model.finding import Finding, Severity
from gpumon.model.report import Report
from gpumon.monitor.replay_past import Past
from gpumon.monitor.replay_report import judged_from_seconds, report_at
from gpumon.recording.backlog import BacklogKeeper
from gpumon.recording.mark import MarkKind
from gpumon.recording.reader import open_recording
from gpumon.recording.writer import Recorder
from tests.recording.scene import ABOUT, MONOTONIC_SECONDS, PATIENCE_SECONDS, ReportFeed
from tests.recording.scene import report_at as made_report

# Every fifth second, so that the 180 samples a history has are the newest quarter of an hour.
_EVERY = 5
_BEGINS_SECOND = 4500
_ENDS_SECOND = 4520
_SPIKE_SECOND = 2002 // _EVERY * _EVERY
_EPISODE_SECONDS = range(2405, 2431)


class _Feed(ReportFeed):
    """A feed with a history, as a monitor has it."""

    def __init__(self) -> None:
        super().__init__()
        self._history = History()

    def show(self, report: Report) -> None:
        """Keep the sample, then have the report."""
        self._history.append(report.sample)
        self._window = self._history.window()
        super().show(report)


def _report(second: int) -> Report:
    """Return the report of a second: a spike of the GPU, and a finding that comes and goes."""
    report = made_report(second, sequence=second // _EVERY)
    gpu = replace(report.sample.gpus[0], gpu_busy_ratio=0.875 if second == _SPIKE_SECOND else 0.125)
    sample = replace(report.sample, gpus=(gpu,), interval_seconds=float(_EVERY))
    (told, *others) = report.trainings
    findings = (Finding("hang", Severity.WARNING, "it hangs", 0.0),) if second in _EPISODE_SECONDS else ()
    told = replace(told, findings=(*findings, *told.findings))
    return replace(report, sample=sample, trainings=(told, *others))


def _recorded(path: Path, begins_second: int, ends_second: int) -> tuple[list[Report], Window]:
    """Record a feed from some second on; return all that was told, and the window where it began."""
    feed = _Feed()
    reports = [_report(second) for second in range(0, ends_second, _EVERY)]
    feed.show(reports[0])
    keeper = BacklogKeeper(feed)
    for report in reports[1 : begins_second // _EVERY]:
        feed.show(report)
    window = feed.window()
    assert window is not None
    recorder = Recorder(path, ABOUT)
    recorder.follow(feed, keeper.backlog())
    for report in reports[begins_second // _EVERY :]:
        feed.show(report)
    recorder.close(PATIENCE_SECONDS)
    assert not recorder.state.has_failed
    return reports, window


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Report], Window]:
    """A recording that began after more than an hour, all that was told, and the window at its beginning."""
    path = tmp_path_factory.mktemp("late") / "a.gpumon"
    return path, *_recorded(path, _BEGINS_SECOND, _ENDS_SECOND)


def test_a_replay_begins_an_hour_before(late: tuple[Path, list[Report], Window]) -> None:
    """Its first sample is of an hour before the key was pressed, and told as it was told then."""
    path, reports, _ = late
    with open_recording(path) as recording:
        past = Past(recording)
        second = round(past.seconds - MONOTONIC_SECONDS)
        told = report_at(recording, past.window)

    assert _BEGINS_SECOND - 3600 - _EVERY <= second < _BEGINS_SECOND - 3540
    assert reports[second // _EVERY] == told


def test_it_holds_one_sample_a_minute_then_all_of_them(late: tuple[Path, list[Report], Window]) -> None:
    """Up to the samples that a history has, one a minute is there; from them on every one, with its word."""
    path, reports, window = late
    with open_recording(path) as recording:
        told = list(recording.reports())
        full_from = recording.full_from_seconds
        judged_from = judged_from_seconds(recording)
        last = recording.last_seconds
    sequences = [report.sample.sequence for report in told]
    first_full = window.samples[0].sequence

    assert [reports[sequence] for sequence in sequences] == told
    assert list(range(first_full, _ENDS_SECOND // _EVERY)) == [one for one in sequences if one >= first_full]
    minutes = [one * _EVERY // 60 for one in sequences if one < first_full]
    assert list(range(minutes[0], minutes[-1] + 1)) == minutes
    assert window.samples[0].instant.monotonic_seconds == full_from
    # Judged anew only where the whole hour before is there.
    assert last == judged_from


def test_charts_of_the_hour_before_are_those_that_were_seen(late: tuple[Path, list[Report], Window]) -> None:
    """Low and high of every column are drawn as in the dashboard, the spike between two samples too."""
    path, _, live = late
    with open_recording(path) as recording:
        window = Past(recording, live.newest.instant.monotonic_seconds).window
    gpu = live.newest.gpus[0].uuid
    wanted, found = (
        one.series("gpu_busy_ratio", gpu, columns=59, span_seconds=59 * 60.0) for one in (live, window)
    )

    assert [None if one is None else (one.low, one.high) for one in wanted] == [
        None if one is None else (one.low, one.high) for one in found
    ]
    assert 0.875 in [one.high for one in found if one is not None]


def test_marks_of_the_hour_before_are_there_once(late: tuple[Path, list[Report], Window]) -> None:
    """A finding that came and went between two samples has its marks, what goes on has one, and no gap is."""
    path, _, _ = late
    with open_recording(path) as recording:
        marks = recording.marks()
        first = recording.first_seconds
    hang = [(mark.kind, mark.monotonic_seconds - MONOTONIC_SECONDS) for mark in marks if mark.id == "hang"]
    moments = [mark.monotonic_seconds for mark in marks]

    assert [(MarkKind.FINDING, 2405.0), (MarkKind.FINDING_OVER, 2435.0)] == hang
    assert [] == [mark for mark in marks if mark.kind is MarkKind.GAP]
    assert sorted(moments) == moments
    assert first == moments[0]
    attached = [mark.monotonic_seconds for mark in marks if mark.kind is MarkKind.ATTACHED]
    assert [first] == attached


def test_a_dashboard_younger_than_its_history_is_recorded_whole(tmp_path: Path) -> None:
    """Where every sample is there still, the recording is what it would be from the first second on."""
    path = tmp_path / "a.gpumon"
    reports, _ = _recorded(path, 600, 620)
    with open_recording(path) as recording:
        assert reports == list(recording.reports())
        assert recording.first_seconds == recording.full_from_seconds == MONOTONIC_SECONDS


def test_before_the_first_report_there_is_no_backlog() -> None:
    """A recording that begins at once follows the feed alone."""
    assert BacklogKeeper(_Feed()).backlog() is None


def test_samples_from_before_the_keeper_have_no_word(tmp_path: Path) -> None:
    """What the history had when the dashboard opened is written too, without what was told of it."""
    feed = _Feed()
    for second in (0, 5, 10):
        feed.show(_report(second))
    keeper = BacklogKeeper(feed)
    feed.show(_report(15))
    recorder = Recorder(tmp_path / "a.gpumon", ABOUT)
    recorder.follow(feed, keeper.backlog())
    recorder.close(PATIENCE_SECONDS)

    with open_recording(tmp_path / "a.gpumon") as recording:
        assert [0, 1, 2, 3] == [sample.sequence for sample in recording.samples()]
        assert [2, 3] == [report.sample.sequence for report in recording.reports()]


def test_a_second_recording_marks_for_itself(tmp_path: Path) -> None:
    """Two recordings from one keeper do not take marks from each other."""
    feed = _Feed()
    feed.show(_report(0))
    keeper = BacklogKeeper(feed)
    names = []
    for path, second in ((tmp_path / "a.gpumon", 2405), (tmp_path / "b.gpumon", 2410)):
        recorder = Recorder(path, ABOUT)
        recorder.follow(feed, keeper.backlog())
        feed.show(_report(second))
        recorder.close(PATIENCE_SECONDS)
        with open_recording(path) as recording:
            names.append([mark.id for mark in recording.marks() if mark.kind is MarkKind.FINDING])

    assert [1, 1] == [ids.count("hang") for ids in names]
