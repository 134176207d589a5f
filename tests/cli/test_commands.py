"""The commands on this machine, as processes of their own: what they print and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.processes import is_gone, until

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "GPUMON_INTERVAL": "0.2", "XDG_CONFIG_HOME": "/nonexistent"}
GPUMON = (sys.executable, "-m", "gpumon")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GPUMON, *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_snapshot_is_a_document() -> None:
    """`snapshot --json` writes one JSON document to stdout and nothing to stderr."""
    finished = _run("snapshot", "--json")
    found = json.loads(finished.stdout)

    assert (0, "") == (finished.returncode, finished.stderr)
    assert (1, False) == (found["schema"], found["host"]["cores"] is None)


def test_a_plain_snapshot_has_gpu_and_cpu() -> None:
    """A person sees the GPUs, or why there are none, and the cores."""
    finished = _run("snapshot")

    assert finished.returncode == 0
    assert finished.stdout.startswith(("GPU", "driver"))
    assert "\nCPU " in finished.stdout


def test_a_snapshot_can_be_recorded(tmp_path: Path) -> None:
    """`--record` writes the two samples a snapshot is made of; what is printed stays the same document."""
    path = tmp_path / "a.gpumon"
    finished = _run("snapshot", "--json", "--record", str(path))
    replayed = _run("snapshot", "--json", "--replay", str(path))

    assert finished.stderr == f"gpumon: recorded 2 samples to {path}\n"
    assert json.loads(finished.stdout) == json.loads(replayed.stdout)


@pytest.fixture
def sleeper() -> Iterator[int]:
    """The PID of a process that is no training and has started none."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process.pid
        process.kill()


def test_a_snapshot_of_a_process_that_is_no_training(sleeper: int) -> None:
    """A process that is no training is named as such."""
    finished = _run("snapshot", str(sleeper))

    assert finished.stdout.endswith(f"process {sleeper} (sleep) is no training that gpumon knows\n")


def test_a_document_without_the_training_that_was_asked_for(sleeper: int) -> None:
    """Why its list of trainings is empty stands on stderr."""
    finished = _run("snapshot", "--json", str(sleeper))

    assert (0, []) == (finished.returncode, json.loads(finished.stdout)["trainings"])
    assert finished.stderr == f"gpumon: process {sleeper} (sleep) is no training that gpumon knows\n"


def test_a_snapshot_of_what_started_a_training() -> None:
    """The PID of the shell that started it means the training: `./run.sh & gpumon $!`."""
    script = f"{sys.executable} -m gpumon demo healthy --no-dashboard; true"
    with subprocess.Popen(
        ["sh", "-c", script], cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        text=True,
    ) as shell:  # fmt: skip
        assert shell.stdout is not None
        pid = int(shell.stdout.readline())
        finished = _run("snapshot", "--json", str(shell.pid))
        os.kill(pid, signal.SIGKILL)

    (training,) = json.loads(finished.stdout)["trainings"]
    assert training["pid"] == pid


def test_without_a_terminal_gpumon_prints_plain_lines() -> None:
    """`gpumon | cat` is a snapshot."""
    finished = _run()

    assert finished.returncode == 0
    assert "\nCPU " in finished.stdout


def test_advice_for_no_training(sleeper: int) -> None:
    """Exit code 1, and the sentence goes to stderr."""
    finished = _run("advise", str(sleeper), "--timeout", "1")

    assert (1, "") == (finished.returncode, finished.stdout)
    assert finished.stderr.endswith("is no training that gpumon knows\n")


def test_the_output_is_ascii_where_it_is_asked_for() -> None:
    """`--ascii` holds for plain lines too."""
    assert _run("snapshot", "--ascii").stdout.isascii()


def test_a_reader_that_goes_away_is_no_crash() -> None:
    """`gpumon snapshot | head -0` ends without a traceback."""
    with subprocess.Popen(
        [*GPUMON, "snapshot"], cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        stderr = process.stderr.read()

    assert stderr == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_demo_without_dashboard_runs_until_it_is_ended(number: int, code: int) -> None:
    """Its PID is printed; Ctrl-C (130) or SIGTERM ends gpumon and the training, which clears up."""
    with subprocess.Popen(
        [*GPUMON, "demo", "healthy", "--no-dashboard"],
        cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        pid = int(process.stdout.readline())
        directory = Path(f"/proc/{pid}/cwd").readlink()
        process.send_signal(number)
        stderr = process.stderr.read()

    assert (code, "") == (process.returncode, stderr.strip())
    assert until(lambda: is_gone(pid))
    assert until(lambda: not directory.exists())


def test_a_demo_without_a_terminal_prints_the_advice() -> None:
    """`gpumon demo | cat` finds what is wrong with the starved training, labels it simulated, and ends it."""
    finished = _run("demo", "starved", "--interval", "1")
    pid = int(finished.stderr.split()[-1])

    assert (3, f"simulated training starved: pid {pid}\n") == (finished.returncode, finished.stderr)
    assert finished.stdout.splitlines()[0].endswith("SIMULATED")
    assert "  WARNING starved-" in finished.stdout
    assert is_gone(pid)
