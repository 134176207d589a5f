"""The files that a process sees, read with bounds: its mount namespace may be another one than ours."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Protocol, TypeAlias

from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import is_clean
from gpumon.sources.regular_file import open_regular

TEXT_LIMIT_BYTES = 256 * 1024
_NAMES_LIMIT = 5000
_LINKS_LIMIT = 40
_MAPS_LIMIT_BYTES = 8 * 1024 * 1024


class FileView(Protocol):
    """Files as one process sees them. Paths are absolute, in that process's view."""

    def read_text(self, path: str, limit_bytes: int = TEXT_LIMIT_BYTES, *, head: bool = False) -> Maybe[str]:
        """Return the text of a regular file of at most `limit_bytes` (or its `head`), or why not."""
        ...

    def names(self, path: str) -> tuple[str, ...]:
        """Return the names in a directory, sorted; none where it cannot be read."""
        ...

    def modified_unix_seconds(self, path: str) -> float | None:
        """Return when `path` was last written, or None where it cannot be seen."""
        ...

    def exists(self, path: str) -> bool:
        """Tell whether `path` can be seen."""
        ...

    def log_path(self) -> Maybe[str]:
        """Return the file that the process's stderr, else its stdout, goes to."""
        ...

    def has_loaded(self, library: str) -> bool | None:
        """Tell whether a file whose name contains `library` is mapped; None where that is hidden."""
        ...

    def real_path(self, path: str) -> str:
        """Return `path` without symbolic links, still in that process's view."""
        ...

    def host_path(self, path: str) -> str:
        """Return the path under which this process can open what the other one calls `path`."""
        ...


FileViewFactory: TypeAlias = Callable[[int], FileView]


class ProcessFiles:
    """The files of a process through /proc/PID/root, or by their own path where that is closed to us.

    Symbolic links are followed by hand: the kernel would resolve an absolute one against our root.
    """

    def __init__(self, pid: int, proc_root: str = "/proc") -> None:
        """Look at the root of process `pid`."""
        self._process = f"{proc_root}/{pid}"
        root = f"{self._process}/root"
        self._root = root if os.access(f"{root}/", os.X_OK) else ""

    def host_path(self, path: str) -> str:
        """Return the path under which this process can open what the other one calls `path`."""
        return f"{self._root}{self.real_path(path)}"

    def real_path(self, path: str) -> str:
        """Return `path` without symbolic links, still in that process's view."""
        at: list[str] = []
        pending = path.split("/")[::-1]
        links = 0
        while pending:
            part = pending.pop()
            if part in ("", "."):
                continue
            if part == "..":
                del at[-1:]
                continue
            target = _link(f"{self._root}/{'/'.join([*at, part])}") if links < _LINKS_LIMIT else None
            if target is None:
                at.append(part)
                continue
            links += 1
            if target.startswith("/"):
                at.clear()
            pending.extend(target.split("/")[::-1])
        return f"/{'/'.join(at)}"

    def read_text(self, path: str, limit_bytes: int = TEXT_LIMIT_BYTES, *, head: bool = False) -> Maybe[str]:
        """Return the text of a regular file of at most `limit_bytes` (or its `head`), or why not."""
        try:
            descriptor = open_regular(self.host_path(path))
        except (OSError, ValueError) as error:
            return Missing(f"cannot be read: {_reason(error)}")
        try:
            if not head and os.fstat(descriptor).st_size > limit_bytes:
                return Missing(f"larger than {limit_bytes} bytes")
            data = os.pread(descriptor, limit_bytes + 1, 0)
        except OSError as error:
            return Missing(f"cannot be read: {_reason(error)}")
        finally:
            os.close(descriptor)
        return data[:limit_bytes].decode("utf-8", "replace")

    def names(self, path: str) -> tuple[str, ...]:
        """Return the names in a directory, sorted, at most 5000; none where it cannot be read."""
        found: list[str] = []
        try:
            with os.scandir(self.host_path(path)) as entries:
                for entry in entries:
                    if len(found) >= _NAMES_LIMIT:
                        break
                    if is_clean(entry.name):
                        found.append(entry.name)
        except (OSError, ValueError):
            return ()
        return tuple(sorted(found))

    def modified_unix_seconds(self, path: str) -> float | None:
        """Return when `path` was last written, or None where it cannot be seen."""
        status = _status(self.host_path(path))
        return None if status is None else status.st_mtime

    def exists(self, path: str) -> bool:
        """Tell whether `path` can be seen."""
        return _status(self.host_path(path)) is not None

    def log_path(self) -> Maybe[str]:
        """Return the file that the process's stderr, else its stdout, goes to."""
        reasons: list[str] = []
        for descriptor, name in ((2, "stderr"), (1, "stdout")):
            path = self._descriptor(descriptor, name)
            if not isinstance(path, Missing):
                return path
            reasons.append(path.reason)
        return Missing(reasons[0])

    def _descriptor(self, descriptor: int, name: str) -> Maybe[str]:
        link = f"{self._process}/fd/{descriptor}"
        target = _link(link)
        status = _status(link)
        if target is None or status is None:
            return Missing(f"where its {name} goes cannot be read")
        if not stat.S_ISREG(status.st_mode):
            kind = "a pipe" if stat.S_ISFIFO(status.st_mode) else "a terminal or a device"
            return Missing(f"its {name} goes to {kind}, not to a file")
        named = _status(self.host_path(target))
        if named is None or (named.st_dev, named.st_ino) != (status.st_dev, status.st_ino):
            return Missing(f"the file its {name} goes to was removed")
        if not is_clean(target):
            return Missing(f"the path of its {name} holds characters that cannot be shown")
        return target

    def has_loaded(self, library: str) -> bool | None:
        """Tell whether a file whose name contains `library` is mapped; None where that is hidden."""
        wanted = library.encode()
        try:
            with open(f"{self._process}/maps", "rb") as maps:  # noqa: PTH123 - /proc
                return any(wanted in line for line in maps.readlines(_MAPS_LIMIT_BYTES))
        except OSError:
            return None


def _link(path: str) -> str | None:
    """Return where a symbolic link points, or None where `path` is none."""
    try:
        return os.readlink(path)  # noqa: PTH115 - bytes of other people, no Path semantics
    except (OSError, ValueError):
        return None


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - see _link
    except (OSError, ValueError):
        return None


def _reason(error: OSError | ValueError) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return (text or "not a path").lower()
