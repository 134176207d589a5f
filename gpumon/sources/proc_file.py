"""Files of /proc, /sys and the cgroup tree: bounded reads, kept descriptors, and why a read failed."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean

# O_NONBLOCK: a FIFO or a device in the place of a file must not block gpumon; /proc ignores it.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
# The kernel answers files of many records (/proc/diskstats, /proc/stat) in pieces of about one page; a
# shorter first piece than this is the whole file (no record of those files is longer), which saves a call.
_WHOLE_BYTES = 1024
_GONE = (errno.ESRCH, errno.EIO, errno.ENODEV, errno.EBADF)
_DENIED = (errno.EACCES, errno.EPERM)


@dataclass(frozen=True, slots=True, eq=False)
class Absent(Missing):
    """Missing because there is no such file: the kernel lacks it, or the process is gone."""


@dataclass(frozen=True, slots=True, eq=False)
class Denied(Missing):
    """Missing because gpumon has no right to read it."""


def unreadable(error: OSError, path: str) -> Missing:
    """Return the reason for `error` at `path` as a Missing a user understands."""
    shown = clean(path, limit=200)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Absent(f"{shown} does not exist")
    if error.errno in _GONE:
        return Absent(f"{shown} is gone")
    if error.errno in _DENIED:
        return Denied(f"no permission to read {shown}")
    if error.errno == errno.EOPNOTSUPP:
        return Missing(f"the kernel has {shown} switched off")
    return Missing(f"{shown} cannot be read: {clean(error.strerror or 'unknown error', 100).lower()}")


def _read_all(descriptor: int, size_limit: int) -> bytes:
    data = os.pread(descriptor, size_limit, 0)
    size = len(data)
    if size < _WHOLE_BYTES or size >= size_limit:
        return data
    pieces = [data]
    while size < size_limit:
        piece = os.pread(descriptor, size_limit - size, size)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def read_file(path: str, size_limit: int) -> Maybe[bytes]:
    """Return at most `size_limit` bytes of the file, or Missing with the reason. Opens and closes it."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        return unreadable(error, path) if isinstance(error, OSError) else Absent("not a path")
    try:
        return _read_all(descriptor, size_limit)
    except OSError as error:
        return unreadable(error, path)
    finally:
        os.close(descriptor)


def read_link(path: str) -> Maybe[str]:
    """Return where the symbolic link points, undecodable bytes as surrogates, or Missing."""
    try:
        return os.readlink(path)  # noqa: PTH115 - Path() would normalise what the kernel says
    except OSError as error:
        return unreadable(error, path)


def read_names(path: str) -> Maybe[dict[str, int]]:
    """Return the names in a directory with their inode numbers, or Missing.

    The inode number of /proc/PID comes with the listing for free, and a PID that is used again has
    another one.
    """
    try:
        with os.scandir(path) as entries:
            return {entry.name: entry.inode() for entry in entries}
    except OSError as error:
        return unreadable(error, path)


class KeptFile:
    """A file that is read again and again through one descriptor by `os.pread`.

    This costs 0.5-2 us where open, read and close cost 8. The descriptor of a process that is gone
    fails with ESRCH; the file is then opened anew once, so a caller that follows a process must
    compare its start time. With `reopen` False it stays gone instead. A refusal (EACCES, EPERM) is
    remembered: rights do not grow while a process runs. With `keep` False nothing stays open between
    reads (for a caller that is short of descriptors). Not for two threads at once.
    """

    __slots__ = ("_descriptor", "_keep", "_path", "_refusal", "_reopen", "_size_limit")

    def __init__(self, path: str, size_limit: int = 4096, *, keep: bool = True, reopen: bool = True) -> None:
        self._path = path
        self._reopen = reopen
        self._size_limit = size_limit
        self._keep = keep
        self._descriptor = -1
        self._refusal: Missing | None = None

    def read(self) -> Maybe[bytes]:
        """Return at most `size_limit` bytes from the start of the file, or Missing with the reason."""
        if self._refusal is not None:
            return self._refusal
        if self._descriptor >= 0:
            try:
                return _read_all(self._descriptor, self._size_limit)
            except OSError as error:
                self.close()
                if error.errno not in _GONE or not self._reopen:
                    return self._failed(error)
        try:
            self._descriptor = os.open(self._path, _FLAGS)
            data = _read_all(self._descriptor, self._size_limit)
        except OSError as error:
            self.close()
            return self._failed(error)
        if not self._keep:
            self.close()
        return data

    @property
    def descriptor(self) -> int:
        """The descriptor that is kept open, for who reads so often that a call more counts; -1 for none."""
        return self._descriptor

    def close(self) -> None:
        """Give the descriptor back. The next read opens the file anew."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def _failed(self, error: OSError) -> Missing:
        missing = unreadable(error, self._path)
        if isinstance(missing, Denied) or (isinstance(missing, Absent) and not self._reopen):
            self._refusal = missing
        return missing
