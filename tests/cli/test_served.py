"""A dashboard behind a page ends with its server, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.demo.processes import is_gone, until
from tests.e2e.demo_runs import ROOT

_CHILD = """
import os, sys, time
from gpumon.cli.served import end_with_parent
print(os.getpid(), end_with_parent(), flush=True)
time.sleep(60)
"""
_PARENT = "import subprocess, sys; subprocess.run(sys.argv[1:])"


def test_a_server_that_is_killed_takes_its_dashboards_along() -> None:
    """The kernel tells them: the server cannot."""
    with subprocess.Popen(
        [sys.executable, "-S", "-c", _PARENT, sys.executable, "-c", _CHILD],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        pid, is_there = server.stdout.readline().split()
        server.send_signal(signal.SIGKILL)

        assert is_there == "True"
        assert until(lambda: is_gone(int(pid)))


def test_one_whose_server_is_gone_already_does_not_begin() -> None:
    """Its pipe has no reader: it ends at once, with nothing said."""
    reading, writing = os.pipe()
    os.close(reading)
    finished = subprocess.run(
        [sys.executable, "-m", "gpumon.cli.served", "demo", "--no-dashboard"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writing)

    assert (0, b"") == (finished.returncode, finished.stderr)
