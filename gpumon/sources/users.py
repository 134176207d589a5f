"""Names of users, and the sentence for what belongs to another one."""

from __future__ import annotations

import os
import pwd

from gpumon.model.measure import Missing
from gpumon.model.text import clean


class UserNames:
    """Looks up user names, each once: a name service may be slow. A user without a name is its number."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

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
        if own == 0:
            return Missing("root lacks the right to look into it here: add the capability SYS_PTRACE")
        if own == user_id:
            return Missing("the kernel protects it from other programs: run gpumon as root")
        if user_id == 0:
            return Missing("belongs to user root: run gpumon as root")
        name = self.name(user_id)
        return Missing(f"belongs to user {name}: run gpumon as {name} or root")
