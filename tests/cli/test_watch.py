"""The front ends without a screen, as processes of their own, tell of what they find."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpumon.demo import launch
from tests.demo.processes import until
from tests.e2e.demo_runs import ROOT, environment, scenario


@contextmanager
def _gpumon(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "gpumon", *arguments],
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


def test_a_starved_training_is_told_of(tmp_path: Path) -> None:
    """`watch` prints a line of JSON and ends with 3, `record` one for people; the command gets it too."""
    script = tmp_path / "tell"
    script.write_text(f"#!/bin/sh\ncat > {tmp_path}/found\nmv {tmp_path}/found {tmp_path}/done\n")
    script.chmod(0o700)
    with launch.start(scenario("starved")) as demo:
        pid = str(demo.process.pid)
        record = ("record", pid, "-o", str(tmp_path / "a.gpumon"), "--on-finding", str(script))
        with _gpumon("watch", pid, "--json") as watching, _gpumon(*record) as recording:
            assert watching.stdout is not None
            assert recording.stderr is not None
            seen = json.loads(watching.stdout.readline())
            assert until((tmp_path / "done").exists)
            handed = json.loads((tmp_path / "done").read_text(encoding="ascii"))
            demo.process.kill()
            demo.process.wait()
            said = recording.stderr.read()

            assert {(True, int(pid))} == {
                (each["simulated"], each["training"]["pid"]) for each in (seen, handed)
            }
            assert seen["finding"]["id"].startswith("starved-")
            assert f" warning {handed['finding']['id']}: " in said
            assert (3, 0) == (watching.wait(30), recording.wait(30))
            assert watching.stdout.read() == ""


def test_where_nothing_is_found_the_exit_code_is_0() -> None:
    """Ctrl-C is how it ends without a PID."""
    with _gpumon("watch") as watching:
        assert until(lambda: _catches(watching.pid, signal.SIGTERM))
        watching.send_signal(signal.SIGINT)

        assert watching.wait(30) == 0


def _catches(pid: int, number: signal.Signals) -> bool:
    """Tell whether a process handles a signal: gpumon has then begun to watch."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    caught = next(line for line in lines if line.startswith("SigCgt:")).split()[1]
    return bool(int(caught, 16) >> (number - 1) & 1)
