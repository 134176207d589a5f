"""Files that are only files: what else has a name in a directory may hold, or be woken by, who opens it."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def open_regular(path: str) -> int:
    """Open `path` for reading and return its descriptor; only a regular file is ever opened.

    Raises OSError, also for what is no regular file: opening a FIFO would wake its writer, opening a
    device can do anything.
    """
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise OSError(0, "not a regular file", path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # swapped between the two calls
        os.close(descriptor)
        raise OSError(0, "not a regular file", path)
    return descriptor
