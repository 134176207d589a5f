"""The log of a training, followed read-only where it is a regular file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe
from gpumon.model.text import clean
from gpumon.sources.proc_file import unreadable
from gpumon.sources.regular_file import open_regular

FIRST_BYTES = 256 * 1024
HEAD_BYTES = 64 * 1024
READ_BYTES = 1024 * 1024
LINE_CHARACTERS = 4096
_LINE_BYTES = LINE_CHARACTERS * 4
_ENDS = re.compile(rb"[\r\n]+")
# What progress bars are drawn with (box drawing, block elements) is as harmless as printable ASCII;
# all else goes the slow way through `clean`.
_SUSPECT = re.compile("[^ -~─-▟]")


@dataclass(frozen=True, slots=True)
class LogReading:
    """What is new in a log. Lines are cleaned, split at CR and LF, and never empty.

    `partial` is the text after the last line end: where a progress bar is redrawn with CR in front, its
    newest state stands there. `head` are the first lines of the file, given once, with the first
    reading, where the file is longer than what was read of its end. `restarted` tells that the file was
    truncated or replaced since the last reading; `skipped_bytes` is what was too much to read.
    """

    lines: tuple[str, ...] = ()
    partial: str = ""
    head: tuple[str, ...] = ()
    size_bytes: int = 0
    modified_unix_seconds: float = 0.0
    restarted: bool = False
    skipped_bytes: int = 0


class LogTail:
    """A reader that follows one file from near its end, a bounded number of bytes at a time.

    `path` may be any path of a regular file, also /proc/PID/fd/2 and one below /proc/PID/root.
    """

    def __init__(self, path: str, *, first_bytes: int = FIRST_BYTES, read_bytes: int = READ_BYTES) -> None:
        self._path = path
        self._first_bytes = first_bytes
        self._read_bytes = read_bytes
        self._descriptor: int | None = None
        self._identity: tuple[int, int] | None = None
        self._offset = 0
        self._pending = b""
        self._within_line = False

    def read(self, now: Instant) -> Maybe[LogReading]:
        """Return what is new since the last reading, or why there is none."""
        del now
        try:
            return self._follow()
        except OSError as error:
            self.close()
            return unreadable(error, self._path)

    def close(self) -> None:
        """Close the file; the next reading opens it again where it was."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _follow(self) -> LogReading:
        lines: list[str] = []
        head: tuple[str, ...] = ()
        restarted = False
        if self._descriptor is not None and self._is_replaced():
            # Rotated: the old file may have grown until it was renamed.
            lines.extend(self._grown(self._descriptor, os.fstat(self._descriptor).st_size)[0])
            self.close()
            self._start_at(0)
            restarted = True
        if self._descriptor is None:
            self._descriptor = open_regular(self._path)
        status = os.fstat(self._descriptor)
        identity = (status.st_dev, status.st_ino)
        if self._identity is None:
            head = self._begin(self._descriptor, status.st_size)
        elif status.st_size < self._offset or (identity != self._identity and not restarted):
            self._start_at(0)
            restarted = True
        self._identity = identity
        more, skipped = self._grown(self._descriptor, status.st_size)
        lines.extend(more)
        return LogReading(
            lines=tuple(lines),
            partial="" if self._within_line else _cleaned(self._pending),
            head=head,
            size_bytes=status.st_size,
            modified_unix_seconds=status.st_mtime,
            restarted=restarted,
            skipped_bytes=skipped,
        )

    def _is_replaced(self) -> bool:
        """Tell whether the path names another file than the one that is open.

        A path that names none any more does not replace it: a deleted log is still written to, and the
        last words of a process are read after /proc/PID/fd is gone with it.
        """
        try:
            named = Path(self._path).stat()
        except OSError:
            return False
        return (named.st_dev, named.st_ino) != self._identity

    def _begin(self, descriptor: int, size: int) -> tuple[str, ...]:
        start = max(size - self._first_bytes, 0)
        self._start_at(start)
        if start == 0:
            return ()
        data = os.pread(descriptor, min(HEAD_BYTES, start), 0)
        return _lines(_ENDS.split(data)[:-1])

    def _start_at(self, offset: int) -> None:
        self._offset = offset
        self._pending = b""
        # What comes before the first line end belongs to a line whose beginning was not read.
        self._within_line = offset > 0

    def _grown(self, descriptor: int, size: int) -> tuple[tuple[str, ...], int]:
        """Read up to `size`; return the finished lines and how many bytes were left out."""
        skipped = max(size - self._offset - self._read_bytes, 0)
        if skipped:
            self._start_at(self._offset + skipped)
        data = os.pread(descriptor, max(size - self._offset, 0), self._offset)
        if not data:
            return (), skipped
        self._offset += len(data)
        pieces = _ENDS.split(self._pending + data)
        self._pending = pieces.pop()[:_LINE_BYTES]
        if pieces and self._within_line:
            del pieces[0]
            self._within_line = False
        return _lines(pieces), skipped


def _lines(pieces: list[bytes]) -> tuple[str, ...]:
    cleaned = (_cleaned(piece) for piece in pieces if piece)
    return tuple(line for line in cleaned if line)


def _cleaned(piece: bytes) -> str:
    text = piece[:_LINE_BYTES].replace(b"\0", b"").decode("utf-8", "replace")
    if _SUSPECT.search(text) is None:
        return text[:LINE_CHARACTERS]
    return clean(text, LINE_CHARACTERS)
