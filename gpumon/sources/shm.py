"""The /dev/shm of a training."""

from __future__ import annotations

import os

from gpumon.model.host import SharedMemoryReading
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.proc_file import Absent, Denied, unreadable


def shared_memory(pid: int, proc_root: str = "/proc") -> Maybe[SharedMemoryReading]:
    """Return size and free space of the /dev/shm that process `pid` sees, in bytes.

    Goes through /proc/PID/root, so a container's own /dev/shm is the one that is read. The listing of
    /dev/shm says nothing: torch unlinks its segments at once. Missing where the process is gone, has no
    /dev/shm, or belongs to someone else.
    """
    path = f"{proc_root}/{pid}/root/dev/shm"
    try:
        found = os.statvfs(path)
    except OSError as error:
        missing = unreadable(error, path)
        if isinstance(missing, Denied):
            return Missing("no permission to look into its mounts: run gpumon as its user or root")
        if isinstance(missing, Absent):
            return Missing("the process is gone or has no /dev/shm")
        return missing
    if found.f_blocks <= 0:
        # A tmpfs mounted without a limit (size=0) reports no blocks at all.
        return Missing("its /dev/shm has no size limit")
    return SharedMemoryReading(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)
