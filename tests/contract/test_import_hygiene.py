"""What each command loads: heavy libraries only where they are used. Looked at in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpumon.cli.app import COMMANDS

ROOT = Path(__file__).resolve().parents[2]

# Runs a command line as `gpumon` does, then tells the loaded top-level modules on the last line.
_PROGRAM = """
import json, sys
from gpumon.cli.app import gpumon
try:
    gpumon(args=sys.argv[1:], prog_name="gpumon")
except SystemExit:
    pass
print()
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def _loaded(*arguments: str) -> set[str]:
    """Return the top-level modules that a command has loaded at its end."""
    finished = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=300,
        check=True,
    )
    return set(json.loads(finished.stdout.splitlines()[-1]))


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_load_no_library_of_a_monitor(argument: str) -> None:
    """`gpumon --help` is there at once."""
    heavy = {"textual", "rich", "plotext", "psutil", "pynvml", "yaml", "platformdirs", "asyncio"}

    assert set() == heavy & _loaded(argument)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_loads_no_monitor(command: str) -> None:
    """Reading about a command does not need what it does."""
    heavy = {"textual", "rich", "plotext", "psutil", "pynvml", "yaml"}

    assert set() == heavy & _loaded(command, "--help")


def test_a_snapshot_loads_no_dashboard() -> None:
    """`gpumon snapshot --json` for scripts needs neither screen nor charts, and nothing loads torch."""
    loaded = _loaded("snapshot", "--json", "--interval", "0.2")

    assert {"gpumon", "pynvml"} <= loaded
    assert set() == {"textual", "rich", "plotext", "torch", "numpy"} & loaded


def test_the_list_of_scenarios_starts_nothing() -> None:
    """`gpumon demo --list` needs neither monitor nor screen."""
    assert set() == {"textual", "rich", "plotext", "psutil", "pynvml"} & _loaded("demo", "--list")


def test_nothing_of_runs_is_loaded_before_there_is_a_training(tmp_path: Path) -> None:
    """The database of runs and what reads it do not stand before the first frame of a machine."""
    program = """
import json, sys
from gpumon.cli.runs_kept import kept_runs
from gpumon.settings import Settings

class Machine:
    def subscribe(self, listener): listener()
    def report(self): return None
    def learn_from(self, load): pass

with kept_runs(Machine(), Settings()):
    print(json.dumps(sorted(sys.modules)))
"""
    loaded = _told_by(program, environ={"XDG_DATA_HOME": str(tmp_path)})

    assert "gpumon.recording.runs_keeper" in loaded
    assert set() == {"gpumon.recording.runs_run", "gpumon.advice", "gpumon.diagnosis", "sqlite3"} & loaded


def test_nothing_that_puts_a_training_together_is_loaded_before_there_is_one() -> None:
    """A scan that finds none needs what recognises a training, and no more."""
    program = """
import json, sys
from gpumon.frameworks.find import find_trainings

assert find_trainings(()) == ()
print(json.dumps(sorted(sys.modules)))
"""
    loaded = _told_by(program)

    assert "gpumon.frameworks.yolov5" in loaded
    assert set() == {"gpumon.frameworks.build", "gpumon.frameworks.settings_yolov5", "yaml"} & loaded


def test_nothing_that_only_a_training_needs_is_loaded_before_the_first_frame() -> None:
    """Neither its nouns nor what finds, reads or replays it: they come once the machine is shown."""
    program = """
import json, sys
import gpumon.cli.attach, gpumon.cli.live, gpumon.monitor.build
from gpumon.tui.lean_import import OPENSSL, left_out
with left_out(*OPENSSL):
    import gpumon.tui.run
print(json.dumps(sorted(sys.modules)))
"""
    loaded = _told_by(program)
    model = {"reading", "training", "process", "finding", "suggestion", "proof", "plan", "cost"}
    sources = {"process_scan", "threads", "timeline", "virtual_gpu", "log"}
    others = {
        "gpumon.frameworks",
        "gpumon.diagnosis",
        "gpumon.monitor.follower",
        "gpumon.monitor.replay_state",
        "gpumon.tui.widgets.replay_bar",
        "plotext",
    }
    of_trainings = {f"gpumon.model.{name}" for name in model} | {f"gpumon.sources.{name}" for name in sources}

    assert {"gpumon.model.sample", "gpumon.tui.screens.overview"} <= loaded
    assert set() == (of_trainings | others) & loaded


def _told_by(program: str, environ: dict[str, str] | None = None) -> set[str]:
    """Return the names that a program prints as its last line."""
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=300,
        check=True,
    )
    return set(json.loads(finished.stdout.splitlines()[-1]))
