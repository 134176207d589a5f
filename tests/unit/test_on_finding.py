"""`--on-finding`: a real program gets the finding, and nothing it does holds gpumon up."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gpumon.monitor.onsets import Alert, Onsets
from gpumon.sinks.alert_json import alert_document
from gpumon.sinks.on_finding import OnFinding
from tests.demo.processes import is_gone, until
from tests.unit.told import WARNING, told

_CAT = "import sys; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read())"


def _alert() -> Alert:
    (alert,) = Onsets().read(told(1, WARNING))
    return alert


class _Command:
    """What runs a Python program for each alert, and what it told of troubles."""

    def __init__(self, *words: str, timeout_seconds: float = 30.0) -> None:
        self.troubles: list[str] = []
        words = (sys.executable, "-S", "-c", *words)
        self.runner = OnFinding(words, self.troubles.append, timeout_seconds=timeout_seconds)

    def tell(self, times: int = 1) -> None:
        """Hand over so many alerts."""
        for _ in range(times):
            self.runner.tell(_alert())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "out"


def test_the_program_gets_the_finding_as_json(out: Path) -> None:
    """One document on its stdin: what, of which training, on which machine."""
    command = _Command(_CAT, str(out))
    command.tell()
    command.runner.close()
    found = json.loads(out.read_text(encoding="ascii"))

    assert found == json.loads(json.dumps(alert_document(_alert())))
    assert (WARNING, 41234, "trainbox") == (
        found["finding"]["id"],
        found["training"]["pid"],
        found["hostname"],
    )
    assert [] == command.troubles


def test_no_shell_sees_the_command(out: Path) -> None:
    """What a shell would take for its own is a word as any other."""
    command = _Command("import sys; open(sys.argv[1], 'w').write(sys.argv[2])", str(out), "$(id); `id` > x")
    command.tell()
    command.runner.close()

    assert out.read_text(encoding="ascii") == "$(id); `id` > x"


def test_a_program_that_hangs_holds_nothing_up(tmp_path: Path) -> None:
    """Telling waits for none; two run at a time, what does not fit is dropped, which is told once."""
    program = "import os, sys, time; open(sys.argv[1] + '/' + str(os.getpid()), 'w'); time.sleep(3600)"
    # One that had been waited for would have been ended after its time, and told as such.
    command = _Command(program, str(tmp_path), timeout_seconds=600.0)
    command.tell(30)
    assert until(lambda: len(list(tmp_path.iterdir())) == 2)
    command.runner.close(0.0)
    pids = [int(path.name) for path in tmp_path.iterdir()]

    assert len(pids) == 2
    assert until(lambda: all(map(is_gone, pids)))
    assert [
        "--on-finding: the command is not run for every finding: too many wait for it"
    ] == command.troubles


def test_what_takes_too_long_is_ended_with_all_it_started(out: Path) -> None:
    """After its time the program and its children get SIGTERM, then SIGKILL."""
    # A shell has started its child, and said so, long before its time is over, on a busy machine too.
    words = ("sh", "-c", 'sleep 600 & echo $$ $! > "$1"; wait', "sh", str(out))
    troubles: list[str] = []
    runner = OnFinding(words, troubles.append, timeout_seconds=3.0)
    runner.tell(_alert())
    assert until(lambda: bool(troubles))

    assert ["--on-finding: the command took more than 3 s and was ended"] == troubles
    assert until(lambda: all(is_gone(int(pid)) for pid in out.read_text().split()))


def test_a_failure_is_told_once_with_its_reason() -> None:
    """The exit code and the first line of stderr, however much is written there."""
    program = "import sys; sys.stderr.write('no \\x1b[31mtoken\\n' + 'x' * 300000); sys.exit(3)"
    command = _Command(program)
    command.tell(2)
    command.runner.close()
    command.runner.close()

    assert ["--on-finding: the command ended with 3: no token"] == command.troubles


def test_a_program_that_does_not_read_is_no_failure() -> None:
    """Nobody has to read the finding."""
    command = _Command("pass")
    command.tell()
    command.runner.close()

    assert [] == command.troubles


def test_a_program_that_is_not_there_is_told_once() -> None:
    """In one sentence with its name."""
    troubles: list[str] = []
    runner = OnFinding(["/nonexistent/tell"], troubles.append)
    runner.tell(_alert())
    runner.tell(_alert())
    runner.close()

    assert ["--on-finding: '/nonexistent/tell' cannot be started: No such file or directory"] == troubles


def test_after_its_end_nothing_is_started(out: Path) -> None:
    """An alert in the last moment starts no program that nobody waits for."""
    command = _Command(_CAT, str(out))
    command.runner.close()
    command.tell()

    assert not out.exists()
