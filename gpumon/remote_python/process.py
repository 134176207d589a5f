"""A process as the kernel shows it: which one it is, whether its memory may be read, its threads' ids."""

from __future__ import annotations

import os
from pathlib import Path

from gpumon.remote_python.errors import Gone, NoPermission
from gpumon.remote_python.memory import ProcessMemory

_CAP_SYS_PTRACE = 19
_YAMA = {
    "1": "kernel.yama.ptrace_scope is 1: only a parent may read its children's memory;"
    " use root, or sysctl kernel.yama.ptrace_scope=0",
    "2": "kernel.yama.ptrace_scope is 2: only a process with CAP_SYS_PTRACE may read another's memory",
    "3": "kernel.yama.ptrace_scope is 3: nobody may read another process's memory until the next reboot",
}


def start_ticks(pid: int) -> int:
    """Return when the process started, in clock ticks since boot. With the PID it names one process for good.

    Raises Gone if there is no such process, or it is a zombie.
    """
    started = _start_ticks_or_none(pid)
    if started is None:
        raise Gone(f"there is no process {pid}, or it has ended")
    return started


def _start_ticks_or_none(pid: int) -> int | None:
    try:
        # The command's name may hold anything, also spaces and brackets: the last bracket ends it.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def open_memory(pid: int, expected_start_ticks: int | None) -> tuple[ProcessMemory, int]:
    """Return the memory of a process and its start time. Raises Gone or NoPermission."""
    started = start_ticks(pid)
    if expected_start_ticks is not None and started != expected_start_ticks:
        raise Gone(f"process {pid} has ended and its number is used by another one")
    try:
        memory = ProcessMemory(pid)
    except PermissionError:
        raise _refused(pid) from None
    except OSError:
        raise Gone(f"process {pid} has ended") from None
    if _start_ticks_or_none(pid) != started:
        memory.close()
        raise Gone(f"process {pid} has ended")
    return memory, started


def _refused(pid: int) -> NoPermission:
    try:
        owner = Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        owner = os.geteuid()
    scope = _read("/proc/sys/kernel/yama/ptrace_scope").strip().decode("ascii", "replace")
    return NoPermission(refusal(pid, owner=owner, user=os.geteuid(), yama_scope=scope, capable=_may_ptrace()))


def refusal(pid: int, *, owner: int, user: int, yama_scope: str, capable: bool) -> str:
    """Say why the kernel refused PTRACE_MODE_ATTACH, and what helps (ptrace(2), "access mode checking").

    `owner` and `user` are the uids of the process and of the one who asks, `yama_scope` is
    kernel.yama.ptrace_scope ("" without Yama), `capable` whether the latter has CAP_SYS_PTRACE.
    """
    if user not in (0, owner):
        return (
            f"process {pid} belongs to the user with uid {owner}: only that user or root may read its memory"
        )
    if yama_scope in _YAMA and (yama_scope == "3" or not capable):
        return _YAMA[yama_scope]
    if not capable:
        return (
            f"the kernel refuses to show the memory of process {pid} without CAP_SYS_PTRACE"
            " (for containers: --cap-add SYS_PTRACE)"
        )
    return f"the kernel refuses to show the memory of process {pid}"


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _may_ptrace() -> bool:
    for line in _read("/proc/self/status").splitlines():
        if line.startswith(b"CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_PTRACE & 1)
    return False


def namespace_ids(status: bytes) -> list[int]:
    """Return the ids of a task in each PID namespace it is in, from the text of its status file.

    The first is the one that we see, the last the one it sees itself. Empty if there are none (before
    Linux 4.1).
    """
    for line in status.splitlines():
        if line.startswith(b"NSpid:"):
            return [int(word) for word in line.split()[1:] if word.isdigit()]
    return []


def own_pid(pid: int) -> int:
    """Return the PID that the process sees itself: in a container it has another one."""
    ids = namespace_ids(_read(f"/proc/{pid}/status"))
    return ids[-1] if ids else pid


def thread_ids(pid: int) -> dict[int, int]:
    """Return, for each thread, the id that the process itself sees, and the id that we see."""
    inner = own_pid(pid) != pid
    ids: dict[int, int] = {}
    try:
        for name in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - half the time of iterdir()
            task = int(name)
            seen = namespace_ids(_read(f"/proc/{pid}/task/{name}/status")) if inner else []
            ids[seen[-1] if seen else task] = task
    except (OSError, ValueError):
        return ids
    return ids
