"""What was told live is told again by a replay of its recording, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpumon.history.window import Window
from gpumon.model.report import Report
from gpumon.monitor.replay import ReplayFeed
from gpumon.monitor.replay_state import FINDINGS
from gpumon.recording.reader import Recording, open_recording
from gpumon.recording.store import RecordingFile
from tests.recording.scene import ABOUT, entry_of, report_at
from tests.unit.monitor_parts import FakeClock
from tests.unit.recorded_monitor import record_scenes
from tests.unit.replay_player import Player


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Report]]:
    """A recording from the first second on, and what was told live."""
    path = tmp_path_factory.mktemp("recorded") / "scenes.gpumon"
    return path, record_scenes(path)


def _report(feed: ReplayFeed) -> Report:
    report = feed.report()
    assert report is not None
    return report


def _window(feed: ReplayFeed) -> Window:
    window = feed.window()
    assert window is not None
    return window


def _stepped(recording: Recording) -> list[Report]:
    feed = ReplayFeed(recording, FakeClock())
    told = [_report(feed)]
    while not feed.state().is_at_end:
        feed.step(1)
        feed.turn()
        told.append(_report(feed))
    return told


def test_a_replay_tells_what_was_told_live(recorded: tuple[Path, list[Report]]) -> None:
    """Sample, attachment, findings, suggestions and memory of every second are equal."""
    path, live = recorded
    with open_recording(path) as recording:
        told = _stepped(recording)

    assert live == told
    assert repr(live) == repr(told)
    ids = {finding.id for report in live for one in report.trainings for finding in one.findings}
    assert {"starved-too-few-workers", "compute-bound"} <= ids
    assert any(one.suggestions for report in live for one in report.trainings)


@pytest.mark.parametrize("second", [0, 40, 75, 119])
def test_a_jump_tells_what_was_told_live(recorded: tuple[Path, list[Report]], second: int) -> None:
    """Sought from the other end, a second has the same report."""
    path, live = recorded
    with open_recording(path) as recording:
        feed = ReplayFeed(recording, FakeClock(), recording.last_seconds if second < 60 else None)
        feed.seek(live[second].sample.instant.monotonic_seconds)
        feed.turn()

        assert live[second] == _report(feed)


def test_the_next_finding_is_the_one_that_was_new(recorded: tuple[Path, list[Report]]) -> None:
    """Jumping from finding to finding stops where the findings told live had a new one."""
    path, live = recorded
    new: list[int] = []
    before: frozenset[str] = frozenset()
    for report in live:
        now = frozenset(finding.id for one in report.trainings for finding in one.findings)
        if now - before:
            new.append(report.sample.sequence)
        before = now
    with open_recording(path) as recording:
        feed = ReplayFeed(recording, FakeClock())
        seen: list[int] = []
        for _ in new:
            feed.mark(1, FINDINGS)
            feed.turn()
            seen.append(_report(feed).sample.sequence)

    assert len(new) > 2
    assert new == seen


def test_charts_are_those_of_the_live_monitor(recorded: tuple[Path, list[Report]]) -> None:
    """The history behind the charts holds the same numbers."""
    path, live = recorded
    with open_recording(path) as recording:
        feed = ReplayFeed(recording, FakeClock(), recording.last_seconds)
        window = _window(feed)

    assert [report.sample for report in live] == list(window.samples)


def test_a_file_that_is_still_written_is_replayed(tmp_path: Path) -> None:
    """What came after it was opened is played too, and neither side disturbs the other."""
    reports = [report_at(second) for second in range(100)]
    path = tmp_path / "a.gpumon"
    file = RecordingFile(path, ABOUT)
    try:
        for report in reports[:40]:
            file.append(entry_of(report))
        file.commit()
        with open_recording(path) as recording:
            player = Player(recording)
            for report in reports[40:]:
                file.append(entry_of(report))
            # Not safe yet: a reader sees nothing of it.
            player.feed.step(10)
            player.turn()
            early = player.at
            file.commit()
            player.feed.step(1000)
            player.turn()
            state = player.feed.state()
        file.end()
    finally:
        file.close()

    assert (10, 99) == (early, player.at)
    assert (True, 99.0, "") == (state.is_at_end, state.length_seconds, state.trouble)
