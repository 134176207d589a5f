"""The slow remote storage, mounted for real where that is permitted."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.processes import until
from tests.lab.scenario import Surroundings
from tests.lab.surround import CannotSurroundError, surrounded

_LATENCY_SECONDS = 0.05
_SLOW = Surroundings(open_seconds=_LATENCY_SECONDS)
_CONTENT = os.urandom(300_000)


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """A folder with one file, seen through the slow file system; None where that may not be mounted."""
    images, folder = tmp_path_factory.mktemp("images"), tmp_path_factory.mktemp("run")
    (images / "0.jpg").write_bytes(_CONTENT)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(surrounded(["true"], _SLOW, folder, images))
        except CannotSurroundError as error:
            assert "needs /dev/fuse and root" in str(error)  # noqa: PT017 - either way it is clear
            yield None
        else:
            yield folder / "remote"


def test_files_are_those_of_the_folder(remote: Path | None) -> None:
    """Names, sizes and contents, also of a file larger than one request."""
    if remote is None:
        return
    assert [path.name for path in remote.iterdir()] == ["0.jpg"]
    assert (remote / "0.jpg").stat().st_size == len(_CONTENT)
    assert (remote / "0.jpg").read_bytes() == _CONTENT


def test_each_opened_file_is_waited_for(remote: Path | None) -> None:
    """Never less than the latency; there is no cache that would make the second time faster."""
    if remote is None:
        return
    for _ in range(2):
        start = time.monotonic()
        (remote / "0.jpg").read_bytes()
        assert time.monotonic() - start >= _LATENCY_SECONDS


def test_a_missing_file_is_an_error(remote: Path | None) -> None:
    """As in any file system."""
    if remote is None:
        return
    with pytest.raises(FileNotFoundError):
        (remote / "1.jpg").read_bytes()


def test_who_waits_is_seen_waiting_for_remote_storage(remote: Path | None) -> None:
    """The kernel names the wait of a reader: that is what tells it from a sleeping data set."""
    if remote is None:
        return
    program = f"while True: open({str(remote / '0.jpg')!r}, 'rb').read()"
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        call = Path(f"/proc/{process.pid}/wchan")
        assert until(lambda: (name := call.read_text()) and ("fuse" in name or "request_wait" in name))
    finally:
        process.kill()
        process.wait()


def test_it_is_gone_afterwards(tmp_path: Path, remote: Path | None) -> None:
    """Nothing stays mounted."""
    if remote is None:
        return
    for name in ("images", "run"):
        (tmp_path / name).mkdir()
    with surrounded(["true"], _SLOW, tmp_path / "run", tmp_path / "images"):
        assert (tmp_path / "run" / "remote").is_mount()
    assert not (tmp_path / "run" / "remote").is_mount()
