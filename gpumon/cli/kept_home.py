"""What `sudo -E` and older sudos lead to: the rights of root, and the HOME of whoever called sudo."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

# sudo(8), "Environment".
_CALLER = "SUDO_UID"


def shuts_out_caller(
    path: Path, environ: Mapping[str, str] = os.environ, *, user_id: int | None = None
) -> bool:
    """Tell whether a file made or replaced at `path` would be closed to the user who called sudo.

    It would belong to `user_id` (None: the effective user) in a directory of that user, whose own gpumon
    could then neither read nor replace it. Never raises.
    """
    caller = environ.get(_CALLER, "")
    own = os.geteuid() if user_id is None else user_id
    try:
        there = next(each for each in (path, *path.absolute().parents) if each.exists())
        return caller == str(there.stat().st_uid) != str(own)
    except OSError:
        return False
