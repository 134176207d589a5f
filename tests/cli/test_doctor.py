"""`gpumon doctor` on this machine, as a process of its own: what it prints and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "GPUMON_INTERVAL": "0.2", "XDG_CONFIG_HOME": "/nonexistent"}
# No process can have this PID: PID_MAX_LIMIT is 2**22 (linux/threads.h).
NO_PID = str(2**22 + 1)
_WAITS = "import sys; print('ready', flush=True); sys.stdin.read()"

# Runs the doctor on a process and kills that when the doctor pauses between two ticks; waiting for a child
# (py-spy) sleeps too, in other steps.
_ENDS_IT = """
import os, signal, sys, time
from gpumon.cli.app import gpumon
pid, sleep = int(sys.argv[1]), time.sleep
def pause(seconds):
    if seconds == 0.37:
        os.kill(pid, signal.SIGKILL)
    sleep(seconds)
time.sleep = pause
gpumon(["doctor", "--interval", "0.37", str(pid)], prog_name="gpumon")
"""


def _doctor(*arguments: str, module: str = "gpumon") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, "doctor", *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _document(finished: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(finished.stdout)
    assert finished.stderr == ""
    assert finished.returncode == found["exit_code"]
    return found


def _states(found: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["state"] for check in found["checks"]}


def test_the_verdict_comes_first() -> None:
    """The first line says it all, and its word goes with the exit code."""
    finished = _doctor()
    word = finished.stdout.split("  ")[0]

    assert {0: "HEALTHY", 1: "LIMITED"}[finished.returncode] == word
    assert finished.stderr == ""


def test_plain_lines_fit_80_columns() -> None:
    """Only commands, which are copied whole, and what follows a heading may be longer."""
    lines = _doctor(str(os.getpid())).stdout.splitlines()

    assert [] == [line for line in lines if len(line) > 80 and not line.startswith("       ")]


def test_the_output_is_ascii_where_it_is_asked_for() -> None:
    """`--ascii` holds for the doctor too."""
    assert _doctor("--ascii").stdout.isascii()


def test_a_plain_python_is_looked_into() -> None:
    """A process that is no training is told file by file, and said to be none."""
    with subprocess.Popen(
        [sys.executable, "-c", _WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        found = _document(_doctor("--json", str(process.pid)))
        process.communicate(timeout=60)
    states = _states(found)

    assert [process.pid] == found["pids"]
    assert ("limited", "ok", "ok") == (
        states["process.training"],
        states["process.environment"],
        states["interpreter.memory"],
    )


def test_a_process_of_root_for_another_user() -> None:
    """Who is not root is told whose it is, and to become root."""
    # For a user who is not root the module changes nothing, and PID 1 is root's.
    pid = os.getpid() if os.geteuid() == 0 else 1
    found = _document(_doctor("--json", str(pid), module="tests.lab.as_nobody"))
    checks = {check["id"]: check for check in found["checks"]}

    assert 1 == found["exit_code"]
    assert checks["interpreter.memory"]["text"].startswith("belongs to user root")
    assert "limited" == checks["process.environment"]["state"]
    assert checks["process.environment"]["remedies"]


def test_a_process_that_is_not_there() -> None:
    """Exit code 2, the reason, and the document still is one."""
    found = _document(_doctor("--json", NO_PID))

    assert (2, "nothing", f"there is no process {NO_PID}") == (
        found["exit_code"],
        found["health"],
        found["text"],
    )


def test_a_process_that_dies_meanwhile() -> None:
    """What was asked for is gone: exit code 2, no traceback."""
    with subprocess.Popen(
        [sys.executable, "-c", _WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process, subprocess.Popen(
        # The doctor ends the process itself, between its first look and its last.
        [sys.executable, "-c", _ENDS_IT, str(process.pid)],
        cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as doctor:  # fmt: skip
        out, err = doctor.communicate(timeout=120)
        process.communicate(timeout=60)

    assert (2, "") == (doctor.returncode, err)
    assert out.startswith(f"NOTHING TO READ  process {process.pid} ended while gpumon looked at it\n")


def test_a_pid_that_is_no_number() -> None:
    """A usage error, as with every command."""
    finished = _doctor("train.py")

    assert (2, "", True) == (
        finished.returncode,
        finished.stdout,
        finished.stderr.endswith("Error: a PID is a positive number, not 'train.py'\n"),
    )


def test_memory_is_left_alone_on_request() -> None:
    """`--no-interpreter` is kept and told."""
    found = _document(_doctor("--json", "--no-interpreter", str(os.getpid())))

    assert "note" == _states(found)["interpreter.memory"]
