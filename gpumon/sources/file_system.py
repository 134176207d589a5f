"""On which kind of file system a path lies: remote ones make every read a trip over the network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean

# Types of /proc/filesystems and of FUSE whose data lies on other machines. What FUSE mounts under another
# name (fuse.sshfs, fuse.s3fs, fuse.gcsfuse ...) is a service elsewhere as a rule; the exceptions are local.
_REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "ceph", "glusterfs", "lustre", "beegfs", "gpfs"}
    | {"orangefs", "afs", "coda", "9p", "davfs"}
)
_LOCAL_FUSE = frozenset({"fuseblk", "fuse.fuse-overlayfs", "fuse.overlayfs", "fuse.mergerfs", "fuse.lxcfs"})


class Mount(Protocol):
    """One mount as psutil tells it."""

    @property
    def mountpoint(self) -> str:
        """Where it is mounted."""
        ...

    @property
    def fstype(self) -> str:
        """Its type, as `ext4` or `fuse.sshfs`."""
        ...


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system: its type as the kernel names it, where it is mounted, whether its data is remote."""

    kind: str
    mount_point: str
    is_remote: bool


def file_system_of(path: str, mounts: Iterable[Mount]) -> Maybe[FileSystem]:
    """Return the file system of an absolute path: the mount with the longest prefix, the last of equals."""
    if not path.startswith("/"):
        return Missing("the path is not absolute")
    parts = _parts(path)
    best: Mount | None = None
    depth = -1
    for mount in mounts:
        prefix = _parts(mount.mountpoint)
        if len(prefix) >= depth and parts[: len(prefix)] == prefix:
            best, depth = mount, len(prefix)
    if best is None:
        return Missing("no mount holds the path")
    kind = clean(best.fstype, 64)
    return FileSystem(kind, clean(best.mountpoint), is_remote(kind))


def is_remote(kind: str) -> bool:
    """Tell whether a type of file system keeps its data on another machine."""
    return kind in _REMOTE or (kind.startswith("fuse") and kind not in _LOCAL_FUSE)


def mounts_of(pid: int) -> Maybe[tuple[Mount, ...]]:
    """Return the mounts that a process sees, where it sees the same ones as gpumon.

    Missing in another mount namespace (a container), or where that cannot be told.
    """
    try:
        same = Path(f"/proc/{pid}/ns/mnt").readlink() == Path("/proc/self/ns/mnt").readlink()
    except OSError as error:
        return Missing(f"its mount namespace cannot be read: {(error.strerror or 'error').lower()}")
    if not same:
        return Missing("it has mounts of its own, as in a container: run gpumon inside it")
    return tuple(psutil.disk_partitions(all=True))


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]
