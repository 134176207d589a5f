"""The layout of the file, and how an entry lies in it."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any

from gpumon.model.report import Attachment, Report, TrainingReport
from gpumon.model.sample import Sample
from gpumon.model.text import clean

# "gpmn": what `file` and a reader know a recording by (PRAGMA application_id).
APPLICATION_ID = 0x67706D6E
# Keep the statements as they are: a reader compares them with those in the file.
TABLES: tuple[str, ...] = (
    "CREATE TABLE about (id INTEGER PRIMARY KEY, about TEXT NOT NULL, shape TEXT NOT NULL)",
    "CREATE TABLE dictionaries (id INTEGER PRIMARY KEY, dictionary BLOB NOT NULL)",
    (
        "CREATE TABLE entries (id INTEGER PRIMARY KEY, monotonic_seconds REAL NOT NULL,"
        " unix_seconds REAL NOT NULL, whole INTEGER NOT NULL, dictionary INTEGER NOT NULL,"
        " entry BLOB NOT NULL)"
    ),
    "CREATE INDEX entries_by_time ON entries (monotonic_seconds)",
    "CREATE INDEX entries_to_thin ON entries (monotonic_seconds) WHERE whole = 0",
    "CREATE TABLE series (id INTEGER PRIMARY KEY, metric TEXT NOT NULL, label TEXT NOT NULL)",
    (
        "CREATE TABLE stretches (id INTEGER PRIMARY KEY, tier INTEGER NOT NULL, start_seconds REAL NOT NULL,"
        " end_seconds REAL NOT NULL, numbers BLOB NOT NULL)"
    ),
    "CREATE INDEX stretches_by_time ON stretches (tier, start_seconds)",
    (
        "CREATE TABLE marks (id INTEGER PRIMARY KEY, unix_seconds REAL NOT NULL,"
        " monotonic_seconds REAL NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, name TEXT NOT NULL)"
    ),
)
# Below 0 in KiB. SQLite's own 2 MB of each file would fill within days, in blocks of 4 KB among others.
FEW_PAGES = "PRAGMA cache_size = -256"
# What deflate looks back at.
DICTIONARY_BYTES = 32 * 1024
# A sample of 8 GPUs, 128 cores and 64 workers is 40 kB.
_LARGEST_PLAIN_BYTES = 8 * 1024 * 1024
LARGEST_BLOB_BYTES = 4 * 1024 * 1024
# The quickest: the next one takes twice the time for a tenth of the size.
_LEVEL = 1
# A path may be 4096 characters long.
_LARGEST_SENTENCE = 4400


class RecordingError(Exception):
    """A recording that cannot be written or read, in one sentence: of a path only what is harmless."""

    def __init__(self, sentence: str) -> None:
        super().__init__(clean(sentence, _LARGEST_SENTENCE))


class NameTakenError(RecordingError):
    """There is a file of that name already."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a sample, and what was told of it live. Samples from before the recording have no word."""

    sample: Sample
    attachment: Attachment | None = None
    trainings: tuple[TrainingReport, ...] = ()

    def report(self) -> Report | None:
        """Return what was told live, or None where nothing was."""
        return None if self.attachment is None else Report(self.sample, self.attachment, self.trainings)


def pack(data: bytes, dictionary: bytes = b"") -> bytes:
    """Return the bytes compressed; `dictionary` is text that is likely to occur in them."""
    packer = zlib.compressobj(_LEVEL, zdict=dictionary) if dictionary else zlib.compressobj(_LEVEL)
    return packer.compress(data) + packer.flush()


def unpack(data: bytes, dictionary: bytes = b"") -> bytes:
    """Return what was packed. Raises RecordingError for garbage, and for what would fill the memory."""
    unpacker = zlib.decompressobj(zdict=dictionary) if dictionary else zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, _LARGEST_PLAIN_BYTES)
    except zlib.error as error:
        raise RecordingError("the recording is broken: a row does not unpack") from error
    if not unpacker.eof:
        raise RecordingError("the recording is broken: a row is cut short or too large")
    return plain


def to_text(plain: Any) -> bytes:
    """Return plain lists as JSON. Numbers that are not finite stand as NaN and Infinity."""
    try:
        return json.dumps(plain, separators=(",", ":"), check_circular=False).encode("ascii")
    except (TypeError, ValueError) as error:
        raise RecordingError(f"this cannot be written: {error}") from error


def from_text(text: bytes | str) -> Any:
    """Return the plain lists of a JSON text. Raises RecordingError for garbage."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordingError("the recording is broken: a row is no JSON") from error
