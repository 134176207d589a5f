"""What this user may do here: capabilities, Yama, containers, what /proc hides."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping

from gpumon.doctor.facts import Rights
from gpumon.model.measure import Missing
from gpumon.sources.proc_file import read_file
from gpumon.sources.users import UserNames, may_ptrace

# PROC_PID_INIT_INO of the kernel: the inode of the first PID namespace.
_FIRST_PID_NAMESPACE = 0xEFFFFFFC
_MOUNTS_LIMIT = 1024 * 1024
_CONTAINER_FILES = (("/.dockerenv", "docker"), ("/run/.containerenv", "podman"))
_CONTAINER_CGROUP = re.compile(rb"\b(docker|libpod|kubepods|containerd|lxc|garden)\b")
# Names since Linux 5.8; "ptraceable" is 4.
_HIDING = {"1": "1", "2": "2", "4": "4", "noaccess": "1", "invisible": "2", "ptraceable": "4"}


def read_rights(proc_root: str = "/proc", environment: Mapping[str, str] | None = None) -> Rights:
    """Return what gpumon may do here."""
    user_id = os.geteuid()
    status = _bytes(f"{proc_root}/self/status", 8192)
    hidepid, group, is_pid_only = parse_proc_mount(_bytes(f"{proc_root}/self/mounts", _MOUNTS_LIMIT))
    is_capable = may_ptrace(status)
    is_hidden = hidepid and not is_capable and group not in _groups()
    return Rights(
        user_id=user_id,
        user=UserNames().name(user_id),
        is_ptrace_capable=is_capable,
        yama_scope=parse_scope(_bytes(f"{proc_root}/sys/kernel/yama/ptrace_scope", 16)),
        container=_container(proc_root, os.environ if environment is None else environment),
        is_first_pid_namespace=_is_first_pid_namespace(proc_root),
        hidepid=hidepid if is_hidden else "",
        is_pid_only=is_pid_only,
    )


def parse_scope(data: bytes) -> int | None:
    """Parse kernel.yama.ptrace_scope; None without Yama, or for what is no number."""
    word = data.strip()
    return int(word) if word.isdigit() and len(word) < 4 else None


def parse_proc_mount(mounts: bytes) -> tuple[str, int, bool]:
    """Parse the mount of /proc out of /proc/self/mounts; of several the last counts.

    Returns hidepid ("" where nothing is hidden), the group that sees everything all the same (0 by
    default), and whether it shows processes only.
    """
    hidepid, group, is_pid_only = "", 0, False
    for line in mounts.split(b"\n"):
        fields = line.split(b" ")
        if len(fields) < 4 or fields[1] != b"/proc" or fields[2] != b"proc":
            continue
        options = dict(_option(word) for word in fields[3].decode("ascii", "replace").split(","))
        hidepid = _HIDING.get(options.get("hidepid", ""), "")
        number = options.get("gid", "")
        group = int(number) if number.isascii() and number.isdigit() and len(number) < 11 else 0
        is_pid_only = options.get("subset", "") == "pid"
    return hidepid, group, is_pid_only


def _option(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def _groups() -> Collection[int]:
    return {os.getegid(), *os.getgroups()}


def _container(proc_root: str, environment: Mapping[str, str]) -> str:
    """Return the kind of container gpumon runs in, "" where nothing tells of one."""
    for path, kind in _CONTAINER_FILES:
        if os.path.exists(path):  # noqa: PTH110 - a look, no path is kept
            return kind
    if environment.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if environment.get("container"):
        return "container"
    found = _CONTAINER_CGROUP.search(_bytes(f"{proc_root}/self/cgroup", 16 * 1024))
    return found[1].decode() if found else ""


def _is_first_pid_namespace(proc_root: str) -> bool:
    try:
        return os.stat(f"{proc_root}/self/ns/pid").st_ino == _FIRST_PID_NAMESPACE  # noqa: PTH116
    except OSError:
        return True  # cannot be told: no warning on a guess


def _bytes(path: str, limit: int) -> bytes:
    data = read_file(path, limit)
    return b"" if isinstance(data, Missing) else data
