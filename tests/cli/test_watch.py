"""The front ends without a screen, as processes of their own, tell of what they find."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gpumon.cli import watch
from gpumon.demo import launch
from tests.demo.processes import until
from tests.e2e.demo_runs import ROOT, environment, scenario


@contextmanager
def _gpumon(*arguments: str, before: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run gpumon; `before` is what starts it."""
    with subprocess.Popen(
        [*before, sys.executable, "-m", "gpumon", *arguments],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _until_event(lines: Iterator[str], event: str) -> tuple[dict[str, Any], list[str]]:
    """Return the first document of that event, and the events before it."""
    before: list[str] = []
    for line in lines:
        found: dict[str, Any] = json.loads(line)
        if found["event"] == event:
            return found, before
        before.append(found["event"])
    raise AssertionError(f"no {event}; there were {before}")


def test_a_starved_training_is_told_of(tmp_path: Path) -> None:
    """`watch` prints lines of JSON and ends with 3, `record` one for people; the command gets it too."""
    script = tmp_path / "tell"
    script.write_text(f"#!/bin/sh\ncat > {tmp_path}/found\nmv {tmp_path}/found {tmp_path}/done\n")
    script.chmod(0o700)
    with launch.start(scenario("starved")) as demo:
        pid = str(demo.process.pid)
        record = ("record", pid, "-o", str(tmp_path / "a.gpumon"), "--on-finding", str(script))
        with _gpumon("watch", pid, "--json", "--every", "2") as watching, _gpumon(*record) as recording:
            assert watching.stdout is not None
            assert recording.stderr is not None
            seen, before = _until_event(watching.stdout, "finding")
            interval, _ = _until_event(watching.stdout, "interval")
            assert until((tmp_path / "done").exists)
            handed = json.loads((tmp_path / "done").read_text(encoding="ascii"))
            demo.process.kill()
            demo.process.wait()
            said = recording.stderr.read()
            after = [json.loads(line)["event"] for line in watching.stdout]

            assert {(True, int(pid))} == {
                (each["simulated"], each["training"]["pid"]) for each in (seen, handed)
            }
            assert seen["finding"]["id"].startswith("starved-")
            assert f" warning {handed['finding']['id']}: " in said
            assert (3, 0) == (watching.wait(30), recording.wait(30))

    (training,) = interval["trainings"]
    assert set(before) <= {"interval"}
    assert {"finding-over", "ended"} <= set(after)
    assert "interval" == after[-1]
    assert 0.0 < training["interval"]["data_wait_ratio"]["value"] <= 1.0
    assert interval["interval"]["seconds"] > 0.0


def test_where_nothing_is_found_the_exit_code_is_0() -> None:
    """Ctrl-C is how it ends without a PID; the interval that is not over is printed too."""
    with _gpumon("watch", "--every", "3600") as watching:
        assert until(lambda: _catches(watching.pid, signal.SIGTERM))
        watching.send_signal(signal.SIGINT)

        assert watching.wait(30) == 0


@pytest.mark.parametrize("command", ["watch", "record"])
def test_a_process_that_is_no_training_is_told_and_its_end_ends_it(command: str, tmp_path: Path) -> None:
    """Who gave a wrong PID in a script finds a sentence in the log, and no process for good."""
    output = ("-o", str(tmp_path / "a.gpumon")) if command == "record" else ()
    with subprocess.Popen(["sleep", "600"]) as other, _gpumon(command, str(other.pid), *output) as process:
        assert process.stderr is not None
        told = next(line for line in process.stderr if "waiting" in line)
        other.kill()
        other.wait()
        code, rest = process.wait(60), process.stderr.read()

    known = f"process {other.pid} (sleep) is no training that gpumon knows"
    assert told == f"gpumon: {known}; waiting until it is one\n"
    assert f"gpumon: process {other.pid} is gone, and was no training\n" in rest
    assert code == (1 if command == "watch" else 0)


def test_a_reader_that_goes_away_ends_it_without_a_word() -> None:
    """`gpumon watch | head -1`."""
    with _gpumon("watch", "--every", "0.2", "--interval", "0.2") as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        first = watching.stdout.readline()
        watching.stdout.close()

        assert (0, "") == (watching.wait(30), watching.stderr.read())
    assert len(first.split()) == 9


def test_under_nohup_it_goes_on_when_the_terminal_is_gone() -> None:
    """SIGHUP stays ignored where it was, and each line is there at once."""
    shell = ("sh", "-c", 'trap "" HUP; exec "$@"', "sh")
    with _gpumon("watch", "--every", "0.2", "--interval", "0.2", before=shell) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline()
        watching.send_signal(signal.SIGHUP)
        assert all(watching.stdout.readline() for _ in range(8))
        watching.send_signal(signal.SIGTERM)

        assert watching.wait(30) == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--full",), "--full is about JSON: it needs --json"),
        (
            ("--json", "--full", "--findings-only"),
            "--full is about intervals, which --findings-only leaves out",
        ),
        (
            ("--every", "1", "--interval", "2"),
            "--every 1 is less than the interval between samples, 2 s",
        ),
        (("--every", "0"), "Invalid value for '--every'"),
    ],
)
def test_what_cannot_be_together_is_told(arguments: tuple[str, ...], sentence: str) -> None:
    """One sentence, exit code 2."""
    result = CliRunner(env={"XDG_CONFIG_HOME": "/nonexistent"}).invoke(watch.command, arguments)

    assert result.exit_code == 2
    assert sentence in result.stderr


def _catches(pid: int, number: signal.Signals) -> bool:
    """Tell whether a process handles a signal: gpumon has then begun to watch."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    caught = next(line for line in lines if line.startswith("SigCgt:")).split()[1]
    return bool(int(caught, 16) >> (number - 1) & 1)
