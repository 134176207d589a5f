"""Reads a recording. The file may come from anyone: it is opened read-only and believed in nothing."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator, Sequence
from math import inf, isfinite
from pathlib import Path
from typing import Any

from gpumon.history.extremes import Extremes
from gpumon.model.report import Report
from gpumon.model.sample import Sample
from gpumon.model.text import clean
from gpumon.model.training import Training
from gpumon.recording.about import SCHEMA, About
from gpumon.recording.codec import Codec, CodecError
from gpumon.recording.mark import Mark, MarkKind
from gpumon.recording.schema import (
    APPLICATION_ID,
    LARGEST_BLOB_BYTES,
    TABLES,
    Entry,
    RecordingError,
    from_text,
    unpack,
)
from gpumon.recording.thinning import TIERS, cell_of, cells_of

# Rows read at once: no reading transaction is left open, which would keep a live file from shrinking.
_PAGE_ROWS = 64
_MOST_MARKS = 200_000
_MOST_SERIES = 65_535
# 16 GPUs, 1024 cores, 100 disks and 200 trainings; what is more would only fill the memory of a history.
_MOST_SHOWN_SERIES = 8192
# How far the length of a stretch may be from that of its kind.
_LENGTH_SECONDS = 0.001
_KEPT_DICTIONARIES = 4

Row = tuple[Any, ...]
Thinned = tuple[float, float, float, float, float]


class Recording:
    """A recording that can be read. Methods may be called from any thread and raise RecordingError.

    Times are monotonic seconds of the recorded machine. From `full_from_seconds` on every sample is there;
    before it one a minute.
    """

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        """Read the head of an open database; `open_recording` is the door."""
        self.path = path
        self._database = database
        self._lock = threading.Lock()
        self._dictionaries: dict[int, bytes] = {}
        about, shape = self._head()
        try:
            self.about = Codec(About, shape).decode(about)
            self._samples: Codec[Sample] = Codec(Sample, shape, steady=(Training,))
            self._entries: Codec[Entry] = Codec(Entry, shape, steady=(Training,))
        except CodecError as error:
            raise self._broken(error) from error
        first, last = self._rows("SELECT min(monotonic_seconds), max(monotonic_seconds) FROM entries")[0]
        self.is_empty = first is None
        started = self.about.started.monotonic_seconds
        self.first_seconds = started if first is None else _real(first)
        self.last_seconds = started if last is None else _real(last)
        self.full_from_seconds = self._full_from()

    @property
    def prior(self) -> str:
        """What earlier runs taught of the trainings, as gpumon.recording.learned reads it; empty: nothing."""
        return self.about.prior

    def samples(self, start: float = -inf, end: float = inf) -> Iterator[Sample]:
        """Yield the samples from `start` to `end`, oldest first."""
        for plain in self._plain_entries(start, end):
            yield self._decoded(self._samples, plain[0])

    def reports(self, start: float = -inf, end: float = inf) -> Iterator[Report]:
        """Yield what was told live from `start` to `end`, oldest first."""
        for plain in self._plain_entries(start, end):
            report = self._decoded(self._entries, plain).report()
            if report is not None:
                yield report

    def series(self) -> tuple[tuple[str, str], ...]:
        """Return every measure that was recorded, as (metric, label)."""
        return tuple((metric, label) for _, metric, label in self._series_rows())

    def thinned(self, metric: str, label: str, start: float = -inf, end: float = inf) -> tuple[Thinned, ...]:
        """Return (start, end, low, mean, high) of stretches that touch the time asked for, in order.

        Each stretch is the finest that there is: 10 s in the newest day, then 60 s, then 600 s.
        """
        rows = self._rows("SELECT id FROM series WHERE metric = ? AND label = ?", metric, label)
        keys = frozenset(row[0] for row in rows)
        if not keys:
            return ()
        read = ((low, high, cell_of(blob, keys)) for low, high, blob in self._finest(start, end))
        return tuple((low, high, *cell) for low, high, cell in read if cell is not None)

    def stretches(self, start: float = -inf, end: float = inf) -> Iterator[Extremes]:
        """Yield low, mean and high of all measures, by stretches that touch the time asked for, in order.

        Each is the finest that there is. Of a file with more series than a machine can have, the first
        ones that come; numbers that are not finite are left out.
        """
        names = {number: (metric, label) for number, metric, label in self._series_rows()}
        taken: dict[int, tuple[str, str]] = {}
        before = -inf
        for low, high, blob in self._finest(start, end):
            if low < before:
                raise self._broken("its stretches overlap")
            before = high
            cells: dict[tuple[str, str], tuple[float, float, float]] = {}
            for key, lowest, mean, highest in cells_of(blob):
                if key not in taken and key in names and len(taken) < _MOST_SHOWN_SERIES:
                    taken[key] = names[key]
                if key in taken and isfinite(lowest + mean + highest):
                    cells[taken[key]] = (lowest, mean, highest)
            yield Extremes(low, high, cells)

    def marks(self) -> tuple[Mark, ...]:
        """Return all marks in order."""
        rows = self._rows(
            "SELECT unix_seconds, monotonic_seconds, kind, text, name FROM marks ORDER BY id LIMIT ?",
            _MOST_MARKS,
        )
        kinds = {kind.value: kind for kind in MarkKind}
        return tuple(
            Mark(_real(unix), _real(monotonic), kinds[kind], _text(text), _text(name))
            for unix, monotonic, kind, text, name in rows
            if kind in kinds
        )

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> Recording:  # noqa: PYI034 - Self came with Python 3.11
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _head(self) -> tuple[Any, dict[str, Sequence[str]]]:
        tables = {row[0] for row in self._rows("SELECT sql FROM sqlite_master LIMIT 100")}
        if tables != set(TABLES):
            raise self._broken("its tables are not those of a recording")
        rows = self._rows("SELECT about, shape FROM about LIMIT 1")
        if not rows:
            raise self._broken("it says nothing about itself")
        about, shape = (from_text(_text(text, LARGEST_BLOB_BYTES)) for text in rows[0])
        if not isinstance(shape, dict) or not all(
            isinstance(names, list) and all(isinstance(name, str) for name in names)
            for names in shape.values()
        ):
            raise self._broken("it does not say how it was written")
        return about, shape

    def _full_from(self) -> float:
        """Return the moment after the last sample that was thinned away; the first one where none was."""
        # Rows are numbered without a break as they come, and only thinning removes some.
        rows = self._rows(
            "SELECT monotonic_seconds FROM entries AS entry WHERE NOT EXISTS"
            " (SELECT 1 FROM entries WHERE id = entry.id - 1) ORDER BY id DESC LIMIT 1"
        )
        return _real(rows[0][0]) if rows else self.last_seconds

    def _plain_entries(self, start: float, end: float) -> Iterator[Any]:
        place = (start, -1)
        while True:
            rows = self._rows(
                "SELECT monotonic_seconds, id, dictionary,"
                " CASE WHEN length(entry) <= ? THEN entry END FROM entries"
                " WHERE (monotonic_seconds, id) > (?, ?) AND monotonic_seconds <= ?"
                " ORDER BY monotonic_seconds, id LIMIT ?",
                *(LARGEST_BLOB_BYTES, *place, end, _PAGE_ROWS),
            )
            for moment, number, dictionary, blob in rows:
                place = (_real(moment), number)
                plain = from_text(unpack(self._blob(blob), self._dictionary(dictionary)))
                if not isinstance(plain, list) or not plain:
                    raise self._broken("a row holds no sample")
                yield plain
            if len(rows) < _PAGE_ROWS:
                return

    def _series_rows(self) -> list[tuple[int, str, str]]:
        rows = self._rows("SELECT id, metric, label FROM series ORDER BY id LIMIT ?", _MOST_SERIES)
        return [(number, _text(metric), _text(label)) for number, metric, label in rows]

    def _finest(self, start: float, end: float) -> Iterator[tuple[float, float, bytes]]:
        """Yield the stretches that touch a time, of each moment the finest, oldest first."""
        limit = inf
        limits = [limit]
        for tier in range(len(TIERS) - 1):
            first = self._rows("SELECT min(start_seconds) FROM stretches WHERE tier = ?", tier)[0][0]
            limit = limit if first is None else min(limit, _real(first))
            limits.append(limit)
        for tier in reversed(range(len(TIERS))):
            # A coarser one counts where it ends before everything finer begins.
            for low, high, blob in self._stretches(tier, start, min(end, limits[tier])):
                # Not true of what is no number either.
                if not abs(high - low - TIERS[tier].seconds) < _LENGTH_SECONDS:
                    raise self._broken("a stretch has not the length of its kind")
                if high <= limits[tier]:
                    yield low, high, self._blob(blob)

    def _stretches(self, tier: int, start: float, end: float) -> Iterator[Row]:
        place = (-inf, -1)
        while True:
            rows = self._rows(
                "SELECT start_seconds, id, end_seconds, CASE WHEN length(numbers) <= ? THEN numbers END"
                " FROM stretches WHERE tier = ? AND (start_seconds, id) > (?, ?) AND start_seconds < ?"
                " AND start_seconds > ? ORDER BY start_seconds, id LIMIT ?",
                *(LARGEST_BLOB_BYTES, tier, *place, end, start - TIERS[tier].seconds, _PAGE_ROWS),
            )
            for low, number, high, blob in rows:
                place = (_real(low), number)
                yield _real(low), _real(high), blob
            if len(rows) < _PAGE_ROWS:
                return

    def _dictionary(self, number: Any) -> bytes:
        if number not in self._dictionaries:
            rows = self._rows(
                "SELECT CASE WHEN length(dictionary) <= ? THEN dictionary END FROM dictionaries WHERE id = ?",
                *(LARGEST_BLOB_BYTES, number),
            )
            if not rows:
                raise self._broken("a row refers to what is not there")
            if len(self._dictionaries) >= _KEPT_DICTIONARIES:
                del self._dictionaries[next(iter(self._dictionaries))]
            self._dictionaries[number] = unpack(self._blob(rows[0][0]))
        return self._dictionaries[number]

    def _blob(self, value: Any) -> bytes:
        if type(value) is not bytes:
            raise self._broken("a row is missing or too large")
        return value

    def _decoded(self, codec: Codec[Any], plain: Any) -> Any:
        try:
            return codec.decode(plain)
        except CodecError as error:
            raise self._broken(error) from error

    def _rows(self, statement: str, *values: Any) -> list[Row]:
        try:
            with self._lock:
                return self._database.execute(statement, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
            raise self._broken(_what_is_wrong(error)) from error

    def _broken(self, why: object) -> RecordingError:
        return RecordingError(f"{self.path} is broken: {why}")


def open_recording(path: Path) -> Recording:
    """Open a recording, also one that is being written. Raises RecordingError with one sentence."""
    _check_head(path)
    uri = path.absolute().as_uri() + "?mode=ro"
    if not os.access(path.absolute().parent, os.W_OK) and not Path(f"{path}-wal").exists():
        # Where nothing can be made beside it, SQLite must be told that nobody writes.
        uri += "&immutable=1"
    try:
        database = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5.0)
    except sqlite3.Error as error:
        raise RecordingError(f"cannot read {path}: {_what_is_wrong(error)}") from error
    try:
        for pragma in ("query_only = 1", "trusted_schema = 0", "cell_size_check = 1", "mmap_size = 0"):
            database.execute(f"PRAGMA {pragma}")
        return Recording(path, database)
    except sqlite3.Error as error:
        database.close()
        raise RecordingError(f"cannot read {path}: {_what_is_wrong(error)}") from error
    except RecordingError:
        database.close()
        raise


def _check_head(path: Path) -> None:
    """Look at the first bytes: whether it is a recording at all, and one that this gpumon reads."""
    try:
        # Without waiting for a writer where it is a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            head = os.pread(descriptor, 100, 0) if is_file else b""
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror or error}") from error
    # https://www.sqlite.org/fileformat2.html#the_database_header
    if head[:16] != b"SQLite format 3\x00" or int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        raise RecordingError(f"{path} is not a recording of gpumon")
    schema = int.from_bytes(head[60:64], "big")
    if schema > SCHEMA:
        raise RecordingError(
            f"{path} was made by a newer gpumon: its schema is {schema}, this one reads up to {SCHEMA}"
        )
    if schema < 1:
        raise RecordingError(f"{path} is broken: its schema is {schema}")


def _what_is_wrong(error: Exception) -> str:
    """Return what SQLite says of a file in words that help: which page or column is bad helps nobody."""
    text = str(error)
    if any(words in text for words in ("malformed", "decode", "not a database", "corrupt", "disk I/O")):
        return "it is damaged or cut short"
    return "another program holds it" if "locked" in text else clean(text, 200)


def _real(value: Any) -> float:
    if type(value) not in (int, float):
        raise RecordingError("the recording is broken: a time is no number")
    return float(value)


def _text(value: Any, limit: int = 4096) -> str:
    if type(value) is not str or len(value) > limit:
        raise RecordingError("the recording is broken: a text is none, or too long")
    return clean(value, limit)
