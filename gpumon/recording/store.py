"""The file that is written: entries, stretches and marks, thinned as they age."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from gpumon.history.extremes import Numbers
from gpumon.model.sample import Sample
from gpumon.recording.about import SCHEMA, About, completed
from gpumon.recording.codec import Codec
from gpumon.recording.mark import Mark
from gpumon.recording.marking import Marking
from gpumon.recording.schema import (
    APPLICATION_ID,
    DICTIONARY_BYTES,
    FEW_PAGES,
    TABLES,
    Entry,
    NameTakenError,
    RecordingError,
    pack,
    to_text,
)
from gpumon.recording.thinning import TIERS, WHOLE_SECONDS, Stretch, Thinning, to_blob

# The last hour with the whole hour of history that a diagnosis may use.
FULL_SECONDS = 2 * 3600.0
_THIN_SECONDS = 60.0
_DICTIONARY_SECONDS = 600.0


class RecordingFile:
    """One recording as its writer has it. One thread at a time; it knows no clock.

    Every method but the first may raise sqlite3.Error: then nothing more can be written, and what was
    committed stays.
    """

    def __init__(self, path: Path, about: About) -> None:
        """Make the file, for its owner only. Raises RecordingError; a file that is there is left alone."""
        self.path = path
        self.about = replace(about, schema=SCHEMA)
        self._entries: Codec[Entry] = Codec(Entry)
        self._abouts: Codec[About] = Codec(About)
        self._series: dict[tuple[str, str], int] = {}
        self._marking = Marking()
        self._thinning = Thinning(self)
        self._dictionary: tuple[int, bytes, float, object] = (0, b"", 0.0, None)
        self._minute: int | None = None
        self._next_thin_seconds: float | None = None
        self._entry = 0
        self._has_left_out = False
        self._is_on_disk = False
        self.samples = 0
        _make(path)
        try:
            self._database = _database(path)
            self._begin_file()
        except sqlite3.Error as error:
            path.unlink(missing_ok=True)
            raise RecordingError(f"cannot write {path}: {error}") from error

    def number(self, metric: str, label: str) -> int:
        """Return the number of a series, a new one at its first sight."""
        number = self._series.setdefault((metric, label), len(self._series) + 1)
        self._database.execute("INSERT OR IGNORE INTO series VALUES (?, ?, ?)", (number, metric, label))
        return number

    def append(self, entry: Entry, *, is_marked: bool = False) -> None:
        """Write one entry; it is safe after the next `commit`.

        With `is_marked` its marks are there already.
        """
        self._begin()
        sample = entry.sample
        for stretch in self._thinning.add(sample):
            self._write_stretch(stretch)
        self._write_entry(entry)
        report = entry.report()
        if report is not None:
            for mark in () if is_marked else self._marking.read(report):
                self.mark(mark)
            about = completed(self.about, report)
            if about is not self.about:
                self.tell(about)
        self.samples += 1
        moment = sample.instant.monotonic_seconds
        if self._next_thin_seconds is None:
            self._next_thin_seconds = moment + _THIN_SECONDS
        elif moment >= self._next_thin_seconds:
            self._next_thin_seconds = moment + _THIN_SECONDS
            self._thin(moment)

    def append_numbers(self, numbers: Numbers) -> None:
        """Write the numbers of the next samples, which are left out as if they had been thinned away."""
        self._begin()
        for stretch in self._thinning.add_numbers(numbers):
            self._write_stretch(stretch)
        self._has_left_out = True

    def take_over(self, marks: Sequence[Mark], marking: Marking) -> None:
        """Write marks that were made before the recording, and make the next ones with `marking`."""
        for mark in marks:
            self.mark(mark)
        self._marking = marking

    def tell(self, about: About) -> None:
        """Replace the metadata."""
        self._begin()
        self.about = about
        text = to_text(self._abouts.encode(about)).decode()
        self._database.execute("UPDATE about SET about = ?", (text,))

    def mark(self, mark: Mark) -> None:
        """Write one mark."""
        self._begin()
        self._database.execute(
            "INSERT INTO marks (unix_seconds, monotonic_seconds, kind, text, name) VALUES (?, ?, ?, ?, ?)",
            (mark.unix_seconds, mark.monotonic_seconds, mark.kind.value, mark.text, mark.id),
        )

    def commit(self) -> None:
        """Make everything so far safe from the death of this process."""
        if self._database.in_transaction:
            self._database.execute("COMMIT")
            if not self._is_on_disk:
                # Waits for the disk, as whoever made the file did not: now a power cut leaves the head there.
                self._database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                self._is_on_disk = True

    def end(self) -> None:
        """Write what is not over yet, and leave one file without anything beside it."""
        self._begin()
        for stretch in self._thinning.close():
            self._write_stretch(stretch)
        self.commit()
        # While someone reads it, it stays three files: nothing is lost, and it is not waited for.
        self._database.execute("PRAGMA busy_timeout = 100")
        with suppress(sqlite3.OperationalError):
            self._database.execute("PRAGMA journal_mode = DELETE")

    def close(self) -> None:
        """Give the file back; what was not committed is dropped."""
        if self._database.in_transaction:
            self._database.rollback()
        self._database.close()

    def _begin_file(self) -> None:
        execute = self._database.execute
        # The dashboard makes the file: it does not wait for the disk. What is made by half is deleted.
        execute("PRAGMA synchronous = OFF")
        execute("PRAGMA journal_mode = OFF")
        execute("BEGIN")
        execute(f"PRAGMA application_id = {APPLICATION_ID}")
        execute(f"PRAGMA user_version = {SCHEMA}")
        for table in TABLES:
            execute(table)
        shape = {**self._entries.shape, **self._abouts.shape}
        about = to_text(self._abouts.encode(self.about)).decode()
        execute("INSERT INTO about VALUES (1, ?, ?)", (about, to_text(shape).decode()))
        execute("COMMIT")
        # Only now, so that the head of the file is in the file itself.
        execute("PRAGMA journal_mode = WAL")
        # Survives the death of the process; a power cut may take the last seconds, never the file.
        execute("PRAGMA synchronous = NORMAL")

    def _begin(self) -> None:
        if not self._database.in_transaction:
            self._database.execute("BEGIN")

    def _write_entry(self, entry: Entry) -> None:
        sample = entry.sample
        text = to_text(self._entries.encode(entry))
        moment = sample.instant.monotonic_seconds
        minute = int(moment // WHOLE_SECONDS)
        number, dictionary = self._dictionary_for(sample, text)
        # A number that is missing tells a reader that samples were left out there.
        self._entry += 2 if self._has_left_out else 1
        self._has_left_out = False
        self._database.execute(
            "INSERT INTO entries (id, monotonic_seconds, unix_seconds, whole, dictionary, entry)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                self._entry,
                moment,
                sample.instant.unix_seconds,
                minute != self._minute,
                number,
                pack(text, dictionary),
            ),
        )
        self._minute = minute

    def _dictionary_for(self, sample: Sample, text: bytes) -> tuple[int, bytes]:
        """Return the text that the entry is packed with: an earlier one of the same things."""
        number, dictionary, made_seconds, likeness = self._dictionary
        moment = sample.instant.monotonic_seconds
        here = (len(sample.gpus), tuple(reading.training.id for reading in sample.trainings))
        if not number or here != likeness or moment - made_seconds > _DICTIONARY_SECONDS:
            number, dictionary = number + 1, text[-DICTIONARY_BYTES:]
            self._dictionary = (number, dictionary, moment, here)
            self._database.execute("INSERT INTO dictionaries VALUES (?, ?)", (number, pack(dictionary)))
        return number, dictionary

    def _write_stretch(self, stretch: Stretch) -> None:
        if stretch.cells:
            self._database.execute(
                "INSERT INTO stretches (tier, start_seconds, end_seconds, numbers) VALUES (?, ?, ?, ?)",
                (stretch.tier, stretch.start_seconds, stretch.end_seconds, to_blob(stretch.cells)),
            )

    def _thin(self, moment: float) -> None:
        self._database.execute(
            "DELETE FROM entries WHERE whole = 0 AND monotonic_seconds < ?", (moment - FULL_SECONDS,)
        )
        coarsest = TIERS[-1].seconds
        for number, tier in enumerate(TIERS):
            if tier.kept_seconds is not None:
                # Where a coarse stretch begins, so that no time lies between two tiers.
                oldest = (moment - tier.kept_seconds) // coarsest * coarsest
                self._database.execute(
                    "DELETE FROM stretches WHERE tier = ? AND start_seconds < ?", (number, oldest)
                )


def _make(path: Path) -> None:
    """Make an empty file that only its owner may read; SQLite gives its companions the same rights."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise RecordingError(f"{path} is a directory: give the name of a new file") from None
        raise NameTakenError(f"there is a file {path} already: give another name") from None
    except OSError as error:
        raise RecordingError(f"cannot write {path}: {error.strerror or error}") from error


def _database(path: Path) -> sqlite3.Connection:
    # Made by the caller, so that it hears of an error; used by the writer's thread from then on.
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    database.execute(FEW_PAGES)
    return database
