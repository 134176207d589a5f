"""Ctrl-C in the first moments, while modules are loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("ignored", "expected"), [(False, -signal.SIGINT), (True, 7)], ids=["heard", "ignored"]
)
def test_ctrl_c_while_modules_are_loaded_leaves_no_traceback(
    tmp_path: Path, ignored: bool, expected: int
) -> None:
    """It ends as `sleep` does; where it is ignored, as in the background of a script, it stays so."""
    # In place of the first large module: one that tells when it is loaded, and goes on when it is told.
    (tmp_path / "click.py").write_text("import os, sys\nprint(flush=True)\nsys.stdin.read()\nos._exit(7)\n")
    with subprocess.Popen(
        [sys.executable, "-m", "gpumon"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)

    assert (expected, "") == (process.returncode, errors)
