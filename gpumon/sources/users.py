"""Names of users, and the sentence for what belongs to another one."""

from __future__ import annotations

import os
import pwd
import re

from gpumon.model.measure import Missing, known
from gpumon.model.text import clean
from gpumon.sources.proc_file import read_file

_CAP_SYS_PTRACE = 19


class UserNames:
    """Looks up user names, each once: a name service may be slow. A user without a name is its number."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._may_ptrace: bool | None = None

    def name(self, user_id: int) -> str:
        """Return the name of the user, cleaned."""
        known = self._names.get(user_id)
        if known is None:
            try:
                known = clean(pwd.getpwuid(user_id).pw_name, limit=64) or str(user_id)
            except (KeyError, OverflowError, OSError):
                known = str(user_id)
            self._names[user_id] = known
        return known

    def denied(self, user_id: int) -> Missing:
        """Return why a process of that user cannot be looked into, and what helps."""
        own = os.geteuid()
        if own == 0 and self._may_ptrace is None:
            self._may_ptrace = may_ptrace(known(read_file("/proc/self/status", 8192)) or b"")
        return Missing(why_denied(own, user_id, self.name(user_id), capable=bool(self._may_ptrace)))


def why_denied(own_id: int, owner_id: int, owner: str, *, capable: bool) -> str:
    """Return why user `own_id` may not look into a process of another, and what helps (ptrace(2)).

    `capable` tells whether root has CAP_SYS_PTRACE, which containers and services may take from it.
    """
    if own_id == 0 and capable:
        return "the kernel refuses it to root too: another user namespace, or a security module as SELinux"
    if own_id == 0:
        other = "on the host" if owner_id == 0 else f"as {owner}"
        return f"root lacks the capability SYS_PTRACE here: run gpumon with it, or {other}"
    if own_id == owner_id:
        return "the kernel protects it from other programs: run gpumon as root"
    if owner_id == 0:
        return "belongs to user root: run gpumon as root"
    return f"belongs to user {owner}: run gpumon as {owner} or root"


def may_ptrace(status: bytes) -> bool:
    """Tell from the text of /proc/self/status whether this process has CAP_SYS_PTRACE."""
    found = re.search(rb"^CapEff:\s*([0-9a-fA-F]{1,16})$", status, re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> _CAP_SYS_PTRACE & 1)
