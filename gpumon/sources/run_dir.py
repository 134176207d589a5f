"""The files of a run: results, checkpoints and marks of progress."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean
from gpumon.sources.proc_file import unreadable
from gpumon.sources.regular_file import open_regular

READ_BYTES = 4 * 1024 * 1024
TAIL_BYTES = 64 * 1024
_HEADER_BYTES = 16 * 1024
_CELLS = 128
_ROW_TIMES = 64
# How far apart the sizes of the same checkpoint of two epochs may be. Without the optimizer it has a quarter.
_SAME_SIZE_RATIO = 0.01
_UNREAD = Missing("not there yet")
# YOLOv5 v5.0 writes results.txt: no header, the training bar's columns, then the validation's.
_TXT_COLUMNS = (
    "epoch",
    "gpu_mem",
    "train/box_loss",
    "train/obj_loss",
    "train/cls_loss",
    "train/total_loss",
    "labels",
    "img_size",
    "metrics/precision",
    "metrics/recall",
    "metrics/mAP_0.5",
    "metrics/mAP_0.5:0.95",
    "val/box_loss",
    "val/obj_loss",
    "val/cls_loss",
)


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file as its directory tells: when it was last written, and its size."""

    unix_seconds: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RunDirReading:
    """What lies in a run directory.

    `columns` is the header of results.csv (results.txt of v5.0: its fixed columns); `newest` the newest
    whole row as (column, value), without cells that are no numbers; `rows` how many rows it has.
    `row_times` are (rows, Unix seconds) as rows were seen to arrive, from the file's own times.
    `last_most_bytes` is the largest last.pt that was seen, and `last_most_rows` how many rows there were when
    so much was seen first: it is short while it is written, and at the end, when the optimizer is taken out.
    `started_unix_seconds` is when opt.yaml or args.yaml was written; `first_batch` is the picture of the
    first training batch, `plot` the picture of all results, drawn when a training ends.
    """

    path: str
    columns: tuple[str, ...] = ()
    newest: tuple[tuple[str, float], ...] = ()
    rows: Maybe[int] = 0
    row_times: tuple[tuple[int, float], ...] = ()
    started_unix_seconds: Maybe[float] = _UNREAD
    results: Maybe[FileSeen] = _UNREAD
    last: Maybe[FileSeen] = _UNREAD
    last_size_before_bytes: int | None = None
    last_most_bytes: int | None = None
    last_most_rows: int = 0
    best: Maybe[FileSeen] = _UNREAD
    first_batch: Maybe[FileSeen] = _UNREAD
    plot: Maybe[FileSeen] = _UNREAD


class RunDirSource:
    """A reader of one run directory, whatever the size of its files.

    `path` may lie below /proc/PID/root. results.csv is read once from its start, then only what is new.
    """

    def __init__(self, path: str, *, read_bytes: int = READ_BYTES) -> None:
        self._directory = str(Path(path))
        self._table = _Table(read_bytes)
        self._last_size: int | None = None
        self._last_size_before: int | None = None
        self._last_most: int | None = None
        self._last_most_rows = 0

    def read(self, now: Instant) -> Maybe[RunDirReading]:
        """Return what lies there at `now`, or why the directory cannot be read."""
        del now
        try:
            os.stat(self._directory)  # noqa: PTH116 - as below
        except OSError as error:
            return unreadable(error, self._directory)
        results, name = self._seen("results.csv"), "results.csv"
        if isinstance(results, Missing):
            old = self._seen("results.txt")
            if isinstance(old, FileSeen):
                results, name = old, "results.txt"
        if isinstance(results, FileSeen):
            self._table.read(f"{self._directory}/{name}", results)
        last = self._seen("weights/last.pt")
        if isinstance(last, FileSeen) and last.size_bytes != self._last_size:
            self._last_size_before, self._last_size = self._last_size, last.size_bytes
            self._keep_most(last.size_bytes)
        started = self._seen("opt.yaml")
        if isinstance(started, Missing):
            started = self._seen("args.yaml")
        table = self._table
        return RunDirReading(
            path=clean(self._directory),
            columns=table.columns,
            newest=table.newest,
            rows=table.rows if table.is_counted else Missing("results.csv is still being counted"),
            row_times=table.row_times,
            started_unix_seconds=started if isinstance(started, Missing) else started.unix_seconds,
            results=results,
            last=last,
            last_size_before_bytes=self._last_size_before,
            last_most_bytes=self._last_most,
            last_most_rows=self._last_most_rows,
            best=self._seen("weights/best.pt"),
            first_batch=self._seen("train_batch0.jpg"),
            plot=self._seen("results.png"),
        )

    def _keep_most(self, size_bytes: int) -> None:
        # From epoch to epoch it differs by some bytes, which is no news.
        if self._last_most is None or size_bytes > self._last_most * (1 + _SAME_SIZE_RATIO):
            self._last_most_rows = self._table.rows
        self._last_most = max(size_bytes, self._last_most or 0)

    def close(self) -> None:
        """Do nothing: no file stays open between readings."""

    def _seen(self, name: str) -> Maybe[FileSeen]:
        path = f"{self._directory}/{name}"
        try:
            status = os.stat(path)  # noqa: PTH116 - half a dozen each second, in a third of the time
        except FileNotFoundError:
            return Missing(f"no {name.rpartition('/')[2]} yet")
        except OSError as error:
            return unreadable(error, path)
        return FileSeen(status.st_mtime, status.st_size)


class _Table:
    """results.csv or results.txt, read incrementally."""

    def __init__(self, read_bytes: int) -> None:
        self._read_bytes = read_bytes
        self._forget()

    def _forget(self) -> None:
        self._identity: tuple[int, int] | None = None
        self._offset = 0
        self._pending = b""
        self._seen: FileSeen | None = None
        self.columns: tuple[str, ...] = ()
        self.newest: tuple[tuple[str, float], ...] = ()
        self.rows = 0
        self.is_counted = True
        self.row_times: tuple[tuple[int, float], ...] = ()

    def read(self, path: str, seen: FileSeen) -> None:
        """Take in what is new in `path`, whose directory entry says `seen`."""
        if seen == self._seen:
            return
        try:
            descriptor = open_regular(path)
        except OSError:
            return
        try:
            status = os.fstat(descriptor)
            identity = (status.st_dev, status.st_ino)
            if self._identity not in (None, identity) or status.st_size < self._offset:
                self._forget()
            self._identity = identity
            self._take(descriptor, status.st_size, is_text=path.endswith(".txt"))
            # Unfinished counting goes on at the next reading although the file does not change.
            self._seen = FileSeen(status.st_mtime, status.st_size) if self.is_counted else None
            if self.is_counted and self.rows and (not self.row_times or self.row_times[-1][0] != self.rows):
                self.row_times = (*self.row_times, (self.rows, status.st_mtime))[-_ROW_TIMES:]
        except OSError:
            self._seen = None
        finally:
            os.close(descriptor)

    def _take(self, descriptor: int, size: int, *, is_text: bool) -> None:
        if not self.columns:
            if is_text:
                self.columns = _TXT_COLUMNS
            else:
                first, end, _ = os.pread(descriptor, _HEADER_BYTES, 0).partition(b"\n")
                self.columns = tuple(_cells(first)) if end else ()
        data = os.pread(descriptor, min(self._read_bytes, max(size - self._offset, 0)), self._offset)
        self._offset += len(data)
        lines = (self._pending + data).split(b"\n")
        self._pending = lines.pop()[:_HEADER_BYTES]
        self._take_lines(lines, is_text=is_text)
        self.is_counted = self._offset >= size
        if not self.is_counted:
            tail = os.pread(descriptor, TAIL_BYTES, max(size - TAIL_BYTES, 0)).split(b"\n")[1:-1]
            counted = self.rows
            self._take_lines(tail, is_text=is_text)
            self.rows = counted

    def _take_lines(self, lines: list[bytes], *, is_text: bool) -> None:
        for line in lines:
            row = _row(self.columns, line, is_text=is_text)
            if row:
                self.rows += 1
                self.newest = row


def _cells(line: bytes, *, is_text: bool = False) -> list[str]:
    text = clean(line[:_HEADER_BYTES].decode("utf-8", "replace"))
    cells = text.split() if is_text else text.split(",")
    return [cell.strip()[:80] for cell in cells[:_CELLS]]


def _row(columns: tuple[str, ...], line: bytes, *, is_text: bool) -> tuple[tuple[str, float], ...]:
    """Return the numbers of a row; none where it is the header, empty, or text."""
    cells = _cells(line, is_text=is_text)
    if is_text and cells:
        cells[0] = cells[0].partition("/")[0]
    numbers = ((column, _number(cell)) for column, cell in zip(columns, cells, strict=False))
    return tuple((column, value) for column, value in numbers if value is not None)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
