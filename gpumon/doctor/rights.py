"""Why the kernel refuses a look into a process, and what exactly helps (ptrace(2), proc(5), Yama)."""

from __future__ import annotations

import shlex
from enum import Enum

from gpumon.doctor.check import Remedy
from gpumon.doctor.facts import Rights

# The shell's own path of gpumon: sudo does not search a virtual environment.
_SUDO = 'sudo "$(command -v gpumon)"'
WITH_REPORTER = Remedy("start the training with gpumon's reporter in it", "gpumon run -- python train.py ...")
HOST_PIDS = Remedy("start gpumon's container with the host's processes in sight", "docker run --pid=host ...")
_CAPABILITY = Remedy("start gpumon's container with the capability", "docker run --cap-add SYS_PTRACE ...")
# Outside of containers a service, a sandbox or a user namespace may have taken it from root.
_FROM_A_SHELL = Remedy(
    "run gpumon from a root shell with the capability SYS_PTRACE: something took it from this one"
)
_ON_THE_HOST = Remedy("run gpumon on the host instead", _SUDO)
_REFUSED = Remedy("ask what refused it", "sudo dmesg | grep -i -e denied -e apparmor | tail")
_YAMA_3 = Remedy(
    "remove kernel.yama.ptrace_scope from the host's sysctl settings, and reboot",
    "grep -rn ptrace_scope /etc/sysctl.conf /etc/sysctl.d",
)


class Need(Enum):
    """The right that the kernel asks for.

    READ (PTRACE_MODE_READ): environ, cwd, fd, io, maps, root, wchan. ATTACH: mem, syscall.
    """

    READ = "read"
    ATTACH = "attach"


def as_root(rights: Rights, pid: int | None = None) -> Remedy:
    """Return the remedy that gives every right."""
    number = "" if pid is None else f" {pid}"
    if rights.container:
        return Remedy(
            "run gpumon as root of the container, by sudo or",
            f"docker exec -it -u 0 CONTAINER gpumon{number}",
        )
    return Remedy("run gpumon as root", f"{_SUDO}{number}")


def why_refused(rights: Rights, owner_id: int, owner: str, need: Need) -> str:
    """Say why a process of that owner is closed to gpumon."""
    if rights.user_id not in (0, owner_id):
        return f"belongs to user {owner}, gpumon runs as {rights.user}"
    if need is Need.ATTACH and rights.yama_scope == 3:
        return "kernel.yama.ptrace_scope is 3: nobody may look into another process"
    if need is Need.ATTACH and not rights.is_ptrace_capable and rights.yama_scope:
        return f"kernel.yama.ptrace_scope is {rights.yama_scope}"
    if not rights.is_ptrace_capable and rights.user_id == 0:
        return "root lacks the capability SYS_PTRACE here"
    if not rights.is_ptrace_capable:
        return "the kernel protects this process from its own user"
    return "the kernel refuses it (another user namespace, or a security module as SELinux?)"


def remedies(
    rights: Rights, owner_id: int, owner: str, need: Need, pid: int | None = None
) -> tuple[Remedy, ...]:
    """Return what opens a process of that owner; any one of it is enough."""
    if rights.user_id not in (0, owner_id):
        return _other_user(rights, owner_id, owner, need, pid)
    helps: tuple[Remedy, ...] = (as_root(rights, pid),)
    if need is Need.ATTACH and rights.yama_scope == 3:
        helps = (_YAMA_3,)
    elif rights.is_ptrace_capable:
        helps = (_REFUSED,)
    elif need is Need.ATTACH and rights.yama_scope:
        helps = _yama(rights, pid)
    elif rights.user_id == 0:
        helps = (_CAPABILITY, _ON_THE_HOST) if rights.container else (_FROM_A_SHELL,)
        if owner_id != 0:
            # Its own user needs no capability.
            helps = (_as_user(owner, pid), *helps)
    return (*helps, WITH_REPORTER) if need is Need.ATTACH else helps


def _other_user(rights: Rights, owner_id: int, owner: str, need: Need, pid: int | None) -> tuple[Remedy, ...]:
    if need is Need.ATTACH and rights.yama_scope == 3:
        return (_YAMA_3, WITH_REPORTER)
    if owner_id == 0 or (need is Need.ATTACH and rights.yama_scope):
        # Under Yama its own user may not look into it either.
        return (as_root(rights, pid),)
    return (_as_user(owner, pid), as_root(rights, pid))


def _as_user(owner: str, pid: int | None) -> Remedy:
    number = "" if pid is None else f" {pid}"
    # A user without a name is its number, which sudo takes with a #.
    name = f"'#{owner}'" if owner.isdigit() else shlex.quote(owner)
    return Remedy(f"run gpumon as {owner}", f'sudo -u {name} "$(command -v gpumon)"{number}')


def _yama(rights: Rights, pid: int | None) -> tuple[Remedy, ...]:
    place = "on the host, " if rights.container else ""
    until_boot = Remedy(f"{place}allow it until the next boot", "sudo sysctl kernel.yama.ptrace_scope=0")
    for_good = Remedy(
        f"{place}allow it for good",
        "echo kernel.yama.ptrace_scope=0 | sudo tee /etc/sysctl.d/99-ptrace.conf; sudo sysctl --system",
    )
    # As root of a container Yama asks for the capability, and sudo gives none.
    first = _CAPABILITY if rights.user_id == 0 or rights.container else as_root(rights, pid)
    return (first, until_boot, for_good)
