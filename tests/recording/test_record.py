"""`gpumon record` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpumon.model.clock import Instant
from gpumon.recording.begin import begin_recording
from gpumon.recording.reader import open_recording
from gpumon.settings import Settings
from tests.demo.processes import until

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "GPUMON_INTERVAL": "0.2", "XDG_CONFIG_HOME": "/nonexistent"}


@contextmanager
def _started(*arguments: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "gpumon", "record", *arguments],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


class _Silence:
    """A feed in which nothing has been seen yet."""

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call nobody."""

    def report(self) -> None:
        """Return nothing."""

    def window(self) -> None:
        """Return nothing."""

    def prior(self) -> str:
        """Return nothing."""
        return ""


def _samples(path: Path) -> int:
    with open_recording(path) as recording:
        return sum(1 for _ in recording.samples())


def _has_samples(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0 and _samples(path) > 1


def test_ctrl_c_ends_a_recording_in_order(tmp_path: Path) -> None:
    """Exit code 0, one file, and the last word says how many samples are in it."""
    path = tmp_path / "a.gpumon"
    with _started("-o", str(path), folder=tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"gpumon: recording to {path}; Ctrl-C ends it\n"
        assert until(lambda: _has_samples(path))
        process.send_signal(signal.SIGINT)
        last = process.stderr.read()
        code = process.wait(30)

    assert (0, [path]) == (code, list(tmp_path.iterdir()))
    assert last == f"gpumon: recorded {_samples(path)} samples to {path}\n"


def test_a_recording_survives_the_death_of_its_writer(tmp_path: Path) -> None:
    """After `kill -9` everything but the last moments is there, in order and whole."""
    path = tmp_path / "a.gpumon"
    with _started("-o", str(path), folder=tmp_path) as process:
        assert until(lambda: _has_samples(path))
        before = _samples(path)
        process.kill()
        process.wait()

    with open_recording(path) as recording:
        sequences = [sample.sequence for sample in recording.samples()]
    assert len(sequences) >= before
    assert sequences == list(range(len(sequences)))


def test_a_recording_without_a_name_is_named_by_the_time(tmp_path: Path) -> None:
    """The file lies in the working directory."""
    with _started("--for", "0", folder=tmp_path) as process:
        assert process.wait(30) == 0

    assert [path.match("gpumon-????????-??????.gpumon") for path in tmp_path.iterdir()] == [True]


def test_recordings_that_begin_in_one_second_have_names_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop over several trainings starts them so; none is refused, and none is overwritten."""
    monkeypatch.chdir(tmp_path)
    for _ in range(3):
        begin_recording(None, _Silence(), Settings(), Instant(1.7e9, 5.0)).close()

    names = sorted(path.name for path in tmp_path.iterdir())
    stem = names[-1].removesuffix(".gpumon")
    assert names == [f"{stem}-2.gpumon", f"{stem}-3.gpumon", f"{stem}.gpumon"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-o", "there.gpumon"], "there is a file there.gpumon already: give another name"),
        (["-o", ""], ". is a directory: give the name of a new file"),
        (["-o", "nowhere/a.gpumon"], "cannot write nowhere/a.gpumon: No such file or directory"),
        (["--readonly"], "--readonly writes no file"),
    ],
)
def test_a_recording_that_cannot_be_made(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    """One sentence, exit code 1, and a file that is there is left as it is."""
    (tmp_path / "there.gpumon").write_text("mine")
    with _started(*arguments, folder=tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.read() == f"gpumon: {sentence}\n"
        assert process.wait(30) == 1

    assert (tmp_path / "there.gpumon").read_text() == "mine"
