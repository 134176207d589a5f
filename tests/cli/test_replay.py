"""`gpumon replay FILE` and `--replay FILE --at TIME`: what they print and how they end."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from math import inf
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gpumon.cli.app import gpumon
from gpumon.model.clock import Instant
from gpumon.model.report import Report
from gpumon.recording.begin import about_of
from gpumon.recording.schema import Entry
from gpumon.recording.store import RecordingFile
from gpumon.settings import Settings
from tests.tui.terminal import Terminal
from tests.unit.recorded_monitor import record_scenes
from tests.unit.synthetic_training import PID, STARVED


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Report]]:
    """A recording of two minutes, and what was told live."""
    path = tmp_path_factory.mktemp("recorded") / "scenes.gpumon"
    return path, record_scenes(path)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(gpumon, [str(argument) for argument in arguments], prog_name="gpumon")


def _findings(result: Result) -> list[str]:
    (training,) = json.loads(result.stdout)["trainings"]
    return [finding["text"] for finding in training["findings"]]


def _moment(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()


@pytest.mark.parametrize(
    ("at", "second"), [("+0", 0), ("+40s", 40), ("+1m15s", 75), ("-19", 100), (None, 119)]
)
def test_a_snapshot_of_a_recording_is_that_of_the_moment(
    recorded: tuple[Path, list[Report]], at: str | None, second: int
) -> None:
    """The document holds the findings told live at that moment; without one, those of the end."""
    path, live = recorded
    options = () if at is None else ("--at", at)
    result = _run("snapshot", "--json", "--replay", path, *options)

    assert (0, "") == (result.exit_code, result.stderr)
    assert [finding.text for finding in live[second].trainings[0].findings] == _findings(result)


def test_without_a_terminal_a_replay_is_a_snapshot(recorded: tuple[Path, list[Report]]) -> None:
    """`gpumon replay FILE | cat` prints the last moment."""
    path, _ = recorded
    replayed, snapshot = _run("replay", path), _run("snapshot", "--replay", path)

    assert (0, snapshot.stdout) == (replayed.exit_code, replayed.stdout)
    assert "train.py" in replayed.stdout


@pytest.mark.parametrize(("at", "code"), [("+50", 3), ("+99", 0)])
def test_advice_on_a_recording(recorded: tuple[Path, list[Report]], at: str, code: int) -> None:
    """The advice is that of the moment, and so is the exit code."""
    path, live = recorded
    result = _run("advise", "--json", "--replay", path, "--at", at)
    (told,) = live[int(at)].trainings

    assert (code, "") == (result.exit_code, result.stderr)
    assert [finding.text for finding in told.findings] == _findings(result)
    (training,) = json.loads(result.stdout)["trainings"]
    assert [one.to_value for one in told.suggestions] == [one["to"] for one in training["suggestions"]]


def test_a_training_of_a_recording_can_be_named(recorded: tuple[Path, list[Report]]) -> None:
    """A PID is looked for in the recording, not on the machine."""
    path, _ = recorded
    found, other = _run("snapshot", PID, "--replay", path), _run("snapshot", 1, "--replay", path)

    assert found.exit_code == 0
    assert (1, "") == (other.exit_code, other.stdout)
    assert "no training with PID 1" in other.stderr


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("snapshot", "--at", "+3"), 2, "--at is a moment of a recording: it needs --replay FILE"),
        (("snapshot", "--replay", "FILE", "--at", "yesterday"), 2, "'yesterday' is no time: write 14:03:20"),
        (("snapshot", "--replay", "FILE", "--at", "+1h"), 2, "+1h lies outside the recording"),
        (("snapshot", "--replay", "FILE", "--at", "2001-01-01"), 2, "2001-01-01 lies outside the recording"),
        (("replay", "/nonexistent/file"), 1, "cannot read /nonexistent/file: No such file or directory"),
        (("replay", __file__), 1, "is not a recording of gpumon"),
        (("replay", "/"), 1, "/"),
        (("advise", "--replay", "FILE", "--record", "x"), 2, "--record and --replay exclude each other"),
        (("snapshot", "--replay", "FILE", "--record", "x"), 2, "--record and --replay exclude each other"),
        (("replay",), 2, "Missing argument 'FILE'"),
    ],
)
def test_what_cannot_be_replayed_is_one_sentence(
    recorded: tuple[Path, list[Report]], options: tuple[str, ...], code: int, words: str
) -> None:
    """A wrong file or moment ends with a clear word, and nothing on stdout."""
    path, _ = recorded
    result = _run(*(str(path) if option == "FILE" else option for option in options))

    assert (code, "") == (result.exit_code, result.stdout)
    assert words in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("at", [(), ("--at", "12:00"), ("--at", "-1")])
@pytest.mark.parametrize("wrong", ["interval", "unix"])
def test_numbers_that_no_machine_told_end_in_one_sentence(
    tmp_path: Path, wrong: str, at: tuple[str, ...]
) -> None:
    """A recording may come from anyone, and hold any number."""
    path = tmp_path / "wrong.gpumon"
    file = RecordingFile(path, about_of(Settings(), "box", Instant(1.7e9, 1000.0)))
    for sample in replace(STARVED, seconds=5).samples():
        unix = inf if wrong == "unix" else sample.instant.unix_seconds
        instant = replace(sample.instant, unix_seconds=unix)
        interval = inf if wrong == "interval" else sample.interval_seconds
        file.append(Entry(replace(sample, instant=instant, interval_seconds=interval)))
    file.end()
    file.close()
    result = _run("snapshot", "--replay", path, *at)

    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    assert "" == result.stdout


def test_in_a_terminal_a_replay_is_the_dashboard(recorded: tuple[Path, list[Report]]) -> None:
    """The dashboard opens at the moment asked for, takes keys, and leaves the terminal as it was."""
    path, _ = recorded
    terminal = Terminal("replay", str(path), "--at", "+1m50s", module="gpumon")
    try:
        terminal.read_until("REPLAY")
        terminal.read_until("1m50s")
        terminal.send(" ?")
        terminal.read_until("one sample forward")
        terminal.send("q")

        assert terminal.wait() == 0
        assert terminal.is_restored()
    finally:
        terminal.close()


def test_a_recording_that_is_being_written_can_be_looked_at(tmp_path: Path) -> None:
    """Shown is the newest sample that is safe in the file, each time anew; its writer is not disturbed."""
    path = tmp_path / "growing.gpumon"
    samples = replace(STARVED, seconds=30).samples()
    file = RecordingFile(path, about_of(Settings(), "box", Instant(1.7e9, 1000.0)))
    shown = []
    for first, last in ((0, 10), (10, 30)):
        for sample in samples[first:last]:
            file.append(Entry(sample))
        file.commit()
        shown.append(json.loads(_run("snapshot", "--json", "--replay", path).stdout)["timestamp"])
        advice, replayed = _run("advise", "--replay", path), _run("replay", path)
        assert advice.exit_code in (0, 3)
        assert (0, "") == (replayed.exit_code, replayed.stderr)
    file.end()
    file.close()
    shown.append(json.loads(_run("snapshot", "--json", "--replay", path).stdout)["timestamp"])

    assert [samples[index].instant.unix_seconds for index in (9, 29, 29)] == [*map(_moment, shown)]


@pytest.mark.parametrize("command", ["snapshot", "advise", "replay"])
@pytest.mark.parametrize("part", [0.5, 0.02])
def test_half_a_file_is_one_sentence(
    tmp_path: Path, recorded: tuple[Path, list[Report]], command: str, part: float
) -> None:
    """What was cut short on its way, by a full disk or a broken copy, says so and prints nothing."""
    whole = recorded[0].read_bytes()
    path = tmp_path / "half.gpumon"
    path.write_bytes(whole[: int(len(whole) * part)])
    result = _run(command, *(() if command == "replay" else ("--replay",)), path)

    assert (1, "") == (result.exit_code, result.stdout)
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith(f"gpumon: {path} ")
    assert 1 == len(result.stderr.splitlines())


def test_a_terminal_without_a_cursor_gets_lines(recorded: tuple[Path, list[Report]]) -> None:
    """As `gpumon` itself does there: the shell in Emacs would show the dashboard as escape sequences."""
    terminal = Terminal("replay", str(recorded[0]), module="gpumon", environ={"TERM": "dumb"})
    try:
        code = terminal.wait()
    finally:
        terminal.close()

    assert (0, False) == (code, b"\x1b" in terminal.output)
    assert b"yolov5 train.py" in terminal.output


def test_a_row_that_is_broken_names_the_file(tmp_path: Path, recorded: tuple[Path, list[Report]]) -> None:
    """Whatever it is called, and in harmless words: another program may have named it."""
    path = tmp_path / "a\x1b[31m.gpumon"
    path.write_bytes(recorded[0].read_bytes())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE entries SET entry = zeroblob(20)")
    result = _run("snapshot", "--replay", path)

    assert (1, "") == (result.exit_code, result.stdout)
    assert result.stderr == f"gpumon: {tmp_path}/a.gpumon is broken: a row does not unpack\n"


def test_a_copy_of_a_growing_file_alone_is_older(tmp_path: Path) -> None:
    """Until it ends a recording is three files; the first alone holds what was carried over to it."""
    path, copy = tmp_path / "growing.gpumon", tmp_path / "copy.gpumon"
    samples = replace(STARVED, seconds=10).samples()
    file = RecordingFile(path, about_of(Settings(), "box", Instant(1.7e9, 1000.0)))
    for first, last in ((0, 5), (5, 10)):
        for sample in samples[first:last]:
            file.append(Entry(sample))
        file.commit()
    copy.write_bytes(path.read_bytes())
    result = _run("snapshot", "--json", "--replay", copy)
    file.end()
    file.close()

    assert (0, "") == (result.exit_code, result.stderr)
    assert _moment(json.loads(result.stdout)["timestamp"]) == samples[4].instant.unix_seconds
