"""The ends of the standard streams: a full disk, a reader that has seen enough, streams that are closed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_FULL = "gpumon: stdout could not be written to the end: no space left on device\n"


def _run(words: str, redirected: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run gpumon in a shell, with the streams redirected."""
    command = f'"$0" -m gpumon {words} {redirected}'
    environment = {"XDG_CONFIG_HOME": str(directory), "HOME": str(directory), "GPUMON_INTERVAL": "0.2"}
    return subprocess.run(
        ["bash", "-c", command, sys.executable],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        "snapshot",
        "snapshot --json",
        "config",
        "completion bash",
        "--help",
        "snapshot --help",
        "doctor --json",
    ],
)
def test_a_full_disk_is_one_sentence(words: str, tmp_path: Path) -> None:
    """Whatever was to be printed: exit code 1, and no traceback."""
    done = _run(words, ">/dev/full", tmp_path)

    assert (1, _FULL) == (done.returncode, done.stderr)


def test_a_watch_whose_disk_is_full_does_not_end_as_if_nothing_was_found(tmp_path: Path) -> None:
    """`gpumon watch > log` is looked at in the morning."""
    done = _run("watch --every 0.2", ">/dev/full", tmp_path)

    assert (1, _FULL) == (done.returncode, done.stderr)


@pytest.mark.parametrize("words", ["config", "snapshot --json", "completion bash"])
def test_a_reader_that_has_seen_enough_hears_nothing(words: str, tmp_path: Path) -> None:
    """`| head -1` closes the pipe, and the shell shows no complaint."""
    assert _run(words, "| true", tmp_path).stderr == ""


@pytest.mark.parametrize(
    "closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"], ids=["stdout", "stdin", "stderr", "all"]
)
@pytest.mark.parametrize("words", ["", "snapshot", "snapshot --json"], ids=["dashboard", "plain", "json"])
def test_closed_streams_are_as_good_as_dev_null(words: str, closed: str, tmp_path: Path) -> None:
    """Daemons close their streams: nothing fails, and no file takes the place of one."""
    done = _run(words, closed, tmp_path)

    assert (0, "") == (done.returncode, done.stderr)


def test_a_recording_does_not_become_stdout(tmp_path: Path) -> None:
    """It would be descriptor 1, were that free; it is whole instead."""
    path = tmp_path / "a.gpumon"
    done = _run(f"record --output {path} --for 1", "<&- >&- 2>&-", tmp_path)

    assert done.returncode == 0
    assert _run(f"snapshot --json --replay {path}", "", tmp_path).returncode in {0, 1}
