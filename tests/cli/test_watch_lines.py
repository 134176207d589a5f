"""The lines of a watch: written when there is something, to whoever reads."""

from __future__ import annotations

import io
import json

import pytest

from gpumon.cli.alerts import watched
from gpumon.cli.watch_lines import WatchLines
from gpumon.settings import Settings
from gpumon.sinks.watch_json import JsonWatch
from gpumon.sinks.watch_plain import PlainWatch
from tests.tui.fake_feed import FakeFeed


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _plain() -> PlainWatch:
    return PlainWatch(unicode=True, color=False)


def _kinds(text: str) -> str:
    """Return a letter for each line: head, interval, or a line of gpumon's own."""
    letters = {"time": "h", "gpumon:": "g"}
    return "".join(letters.get(line.split()[0], "i") for line in text.splitlines())


def _watched(stream: io.StringIO, *, seconds: int, every: float | None = 10.0) -> WatchLines:
    """Watch a starved training for so many seconds from second 60 on; write once, and finish."""
    feed = FakeFeed("starved", seconds=60)
    settings = Settings(bell=False, notify="off")
    with watched(feed, settings) as findings:
        lines = WatchLines(feed, findings, settings, stream, form=_plain(), every_seconds=every)
        for _ in range(seconds):
            feed.advance()
        lines.write()
        lines.finish()
    return lines


def test_a_file_gets_findings_and_intervals_without_heads() -> None:
    """The finding that begins, two whole intervals, and the one that is not over at the end."""
    stream = io.StringIO()
    lines = _watched(stream, seconds=24)

    assert "giii" == _kinds(stream.getvalue())
    assert (1, False) == (lines.alerts, lines.is_gone)


def test_a_terminal_has_a_head_in_sight() -> None:
    """Before the first line, and again after twenty."""
    stream = _Terminal()
    _watched(stream, seconds=44, every=2.0)

    assert "hg" + "i" * 19 + "h" + "i" * 4 == _kinds(stream.getvalue())


def test_findings_only_writes_nothing_else() -> None:
    """As long as nothing begins it is silent; a terminal has no head either."""
    stream = _Terminal()
    _watched(stream, seconds=30, every=None)

    assert "g" == _kinds(stream.getvalue())


def test_what_ends_is_told_once() -> None:
    """With the end of the training its finding is over, and the last interval is written after it."""
    stream = io.StringIO()
    feed = FakeFeed("starved", seconds=60)
    settings = Settings()
    with watched(feed, settings) as findings:
        lines = WatchLines(feed, findings, settings, stream, form=JsonWatch(full=False), every_seconds=10.0)
        feed.advance(5)
        lines.write()
        for second in (66, 67):
            feed.set("ended", second)
        lines.finish()
    found = [json.loads(line) for line in stream.getvalue().splitlines()]

    assert ["finding", "finding-over", "ended", "interval"] == [each["event"] for each in found]
    assert found[-1]["trainings"][0]["ended"]["how"] == "finished"


def test_a_reader_that_is_gone_is_noticed() -> None:
    """The command then ends; nothing is raised."""
    gone = io.StringIO()
    gone.close()

    assert _watched(gone, seconds=24).is_gone


def test_what_nobody_reads_in_time_is_left_out_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal that is held for hours keeps a bounded number of lines."""
    stream = io.StringIO()
    feed = FakeFeed("searching", seconds=1)
    with watched(feed, Settings()) as findings:
        lines = WatchLines(
            feed, findings, Settings(), stream, form=_plain(), every_seconds=1.0, most_waiting=5
        )
        for _ in range(9):
            feed.advance()
        lines.write()

    assert "iiiii" == _kinds(stream.getvalue())
    assert capsys.readouterr().err == "gpumon: 3 lines were left out: nobody read them in time\n"


def test_what_begins_after_the_last_line_does_not_count() -> None:
    """An exit code of 3 without a line would have no reason: closing the database may take a second."""
    stream = io.StringIO()
    feed = FakeFeed("healthy", seconds=60)
    with watched(feed, Settings()) as findings:
        lines = WatchLines(feed, findings, Settings(), stream, form=_plain(), every_seconds=None)
        lines.finish()
        feed.set("starved", 61)

    assert "starved-too-few-workers" in [found.id for found in findings.episodes]
    assert ("", 0) == (stream.getvalue(), lines.alerts)
