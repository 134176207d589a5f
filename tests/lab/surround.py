"""The machine around a laboratory training: cores, a quota, a small /dev/shm, neighbours, a file to read."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.lab.scenario import Surroundings

_CGROUPS = Path("/sys/fs/cgroup")
_CHECKOUT = Path(__file__).parents[2]
_PERIOD_US = 100_000
_BURN = "import ctypes, signal; ctypes.CDLL(None).prctl(1, signal.SIGKILL)\nwhile True: pass"
_CHUNK_BYTES = 4 << 20


class CannotSurroundError(RuntimeError):
    """This machine does not permit it; the sentence says what is missing."""


@contextlib.contextmanager
def surrounded(
    command: Sequence[str], around: Surroundings, folder: Path, images: Path
) -> Iterator[list[str]]:
    """Yield the command that starts `command` in its surroundings; raises CannotSurroundError.

    The process keeps its PID: every wrapper ends in exec. `images` are shown in `folder`/remote if they are
    to be slow.
    """
    words = list(command)
    with contextlib.ExitStack() as stack:
        if around.shm_bytes:
            words = _in_own_shm(words, around.shm_bytes)
        if around.quota_cores:
            quota = round(around.quota_cores * _PERIOD_US)
            limits = {"cpu/cpu.cfs_quota_us": str(quota), "cpu.max": f"{quota} {_PERIOD_US}"}
            words = [*stack.enter_context(_cgroup("cpu", folder.name, limits)), *words]
        if around.memory_bytes:
            limit = str(around.memory_bytes)
            limits = {"memory/memory.limit_in_bytes": limit, "memory.max": limit}
            words = [*stack.enter_context(_cgroup("memory", folder.name, limits)), *words]
        if around.cores:
            usable = sorted(os.sched_getaffinity(0))[: around.cores]
            words = ["taskset", "-c", ",".join(map(str, usable)), *words]
        if around.storage_bytes:
            _write_storage(folder / "storage.bin", around.storage_bytes)
        if around.open_seconds:
            stack.enter_context(_slow_storage(images, folder / "remote", around.open_seconds))
        for _ in range(around.burners):
            stack.enter_context(_burner())
        yield words


@contextlib.contextmanager
def _slow_storage(images: Path, point: Path, seconds: float) -> Iterator[None]:
    """Mount the images a second time, slowly."""
    point.mkdir()
    command = [sys.executable, "-m", "tests.lab.fuse", str(images), str(point), str(seconds)]
    with (
        point.with_name("fuse.log").open("w+") as errors,
        subprocess.Popen(command, cwd=_CHECKOUT, stdout=subprocess.PIPE, stderr=errors, text=True) as server,
    ):
        try:
            if server.stdout is None or server.stdout.readline() != "mounted\n":
                errors.seek(0)
                said = errors.read().splitlines() or [""]
                raise CannotSurroundError(f"slow storage needs /dev/fuse and root: {said[-1]}")
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(point)], check=False, capture_output=True)
            server.kill()


def _in_own_shm(words: Sequence[str], size_bytes: int) -> list[str]:
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        raise CannotSurroundError("a /dev/shm of its own needs root (a mount namespace)")
    mount = f"mount -t tmpfs -o size={size_bytes} tmpfs /dev/shm && exec {shlex.join(words)}"
    return ["unshare", "--mount", "sh", "-c", mount]


@contextlib.contextmanager
def _cgroup(controller: str, name: str, limits: Mapping[str, str]) -> Iterator[list[str]]:
    """Make a cgroup (version 1 or 2) with the limit that its version has; yield what puts a command in it."""
    is_old = (_CGROUPS / controller).is_dir()
    parent = _CGROUPS / controller if is_old else _CGROUPS
    group = parent / f"gpumon-lab-{name}"
    try:
        group.mkdir(exist_ok=True)
        for limit, value in limits.items():
            if limit.startswith(f"{controller}/") == is_old:
                (group / limit.rpartition("/")[2]).write_text(value)
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        raise CannotSurroundError(f"a limit needs a cgroup that may be made: {error.strerror}") from error
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
        # Cached pages would be charged to us, not to the training's cgroup.
        os.posix_fadvise(storage.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
