"""The machine around a laboratory training: cores, a quota, a small /dev/shm, neighbours, a file to read."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.lab.scenario import Surroundings

_CGROUPS = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000
_BURN = "import ctypes, signal; ctypes.CDLL(None).prctl(1, signal.SIGKILL)\nwhile True: pass"
_CHUNK_BYTES = 4 << 20


class CannotSurroundError(RuntimeError):
    """This machine does not permit it; the sentence says what is missing."""


@contextlib.contextmanager
def surrounded(command: Sequence[str], around: Surroundings, folder: Path) -> Iterator[list[str]]:
    """Yield the command that starts `command` in its surroundings; raises CannotSurroundError.

    The process keeps its PID: every wrapper ends in exec.
    """
    words = list(command)
    with contextlib.ExitStack() as stack:
        if around.shm_bytes:
            words = _in_own_shm(words, around.shm_bytes)
        if around.quota_cores:
            words = [*stack.enter_context(_quota(around.quota_cores)), *words]
        if around.cores:
            usable = sorted(os.sched_getaffinity(0))[: around.cores]
            words = ["taskset", "-c", ",".join(map(str, usable)), *words]
        if around.storage_bytes:
            _write_storage(folder / "storage.bin", around.storage_bytes)
        for _ in range(around.burners):
            stack.enter_context(_burner())
        yield words


def _in_own_shm(words: Sequence[str], size_bytes: int) -> list[str]:
    if os.geteuid() != 0:
        raise CannotSurroundError("a /dev/shm of its own needs root (a mount namespace)")
    mount = f"mount -t tmpfs -o size={size_bytes} tmpfs /dev/shm && exec {shlex.join(words)}"
    return ["unshare", "--mount", "sh", "-c", mount]


@contextlib.contextmanager
def _quota(cores: float) -> Iterator[list[str]]:
    """Make a cgroup with a quota; yield the words that put a command into it."""
    old, new = _CGROUPS / "cpu", _CGROUPS
    group = (
        old if (old / "cpu.cfs_quota_us").exists() or old.is_dir() else new
    ) / f"gpumon-lab-{os.getpid()}"
    quota = round(cores * _PERIOD_US)
    try:
        group.mkdir()
        if (group / "cpu.cfs_quota_us").exists():
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD_US}")
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        raise CannotSurroundError(f"a CPU quota needs a cgroup that may be made: {error.strerror}") from error
    try:
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        _remove(group)


def _remove(group: Path) -> None:
    """Remove a cgroup once its processes have ended."""
    for _ in range(50):
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        subprocess.run(["sleep", "0.1"], check=False)


@contextlib.contextmanager
def _burner() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", _BURN])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _write_storage(path: Path, size_bytes: int) -> None:
    with path.open("wb") as storage:
        for _ in range(size_bytes // _CHUNK_BYTES):
            storage.write(os.urandom(_CHUNK_BYTES))
        os.fsync(storage.fileno())
