"""Whether the database of runs can be read, and whether a run could be added to it: told beforehand."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from gpumon.model.text import clean

_SHOWN_CHARACTERS = 300
# Its tables take 40 kB, and what is written beside them as much.
_NEW_FILE_BYTES = 128 * 1024


def is_there(path: Path) -> bool:
    """Tell whether what stands at `path` may be a database: an empty file is what a full disk leaves.

    What cannot be looked at is there: who opens it hears why.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return not stat.S_ISREG(found.st_mode) or found.st_size > 0


def check_readable(path: Path) -> None:
    """Raise RunsError where there is no database at `path`, OSError where it cannot be read.

    SQLite does not say why. Nothing is opened: closing the file would let go of the locks that this process
    holds on it (fcntl(2)).
    """
    # Whether a database is there is asked before the first frame, and this is not.
    from gpumon.recording.runs_run import RunsError

    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise RunsError(f"there is no database of runs at {_shown(path)}") from None
    if not stat.S_ISREG(mode):
        raise RunsError(f"{_shown(path)} is no file, so there is no database of runs")
    if not _may(path, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def why_not_kept(path: Path) -> str:
    """Return why no run can be added to the database at `path`, in one sentence; empty where one can.

    Nothing is opened or made. What only a write can show, as a quota that is used up, is not seen.
    """
    # What cannot be looked at counts as absent: the folder above it says why.
    there = next((one for one in (path, *path.parents) if os.path.lexists(one)), path.parent)
    reason = _against_file(path) if there == path else ""
    reason = reason or _against_folder(path.parent if there == path else there)
    return f"no run can be kept: {reason}" if reason else ""


def _against_file(file: Path) -> str:
    # Not Path's own, which raise for what may not be looked at.
    if os.path.islink(file) or not os.path.isfile(file):  # noqa: PTH113, PTH114
        return f"this is no file: {_shown(file)}"
    return "" if _may(file, os.R_OK | os.W_OK) else _refusal(file)


def _against_folder(folder: Path) -> str:
    """Return why no file can be made in a folder. SQLite makes two of its own beside its file."""
    if not os.path.isdir(folder):  # noqa: PTH112
        return f"this is no folder: {_shown(folder)}"
    if not _may(folder, os.W_OK | os.X_OK):
        return _refusal(folder)
    with suppress(OSError):
        if not has_room(os.statvfs(folder)):
            return f"the disk is full: {_shown(folder)}"
    return ""


def has_room(disk: os.statvfs_result) -> bool:
    """Tell whether a new database fits; where no blocks are counted, as on some network disks, it does."""
    return not disk.f_blocks or disk.f_bavail * disk.f_frsize >= _NEW_FILE_BYTES


def _refusal(place: Path) -> str:
    with suppress(OSError):
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            return f"the file system is read-only: {_shown(place)}"
    return f"closed to this user, or read-only: {_shown(place)}"


def _may(place: Path, rights: int) -> bool:
    return os.access(place, rights, effective_ids=True)


def _shown(path: Path) -> str:
    return clean(str(path), _SHOWN_CHARACTERS)
