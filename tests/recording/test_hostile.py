"""Files that are no recordings, broken ones, and those made to do harm."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from gpumon.recording.begin import about_of
from gpumon.recording.reader import open_recording
from gpumon.recording.schema import RecordingError
from gpumon.recording.thinning import Cell, to_blob
from gpumon.recording.writer import Recorder
from gpumon.settings import Settings
from tests.recording.scene import report_at, write
from tests.unit.full_report import FULL_GPU

_SECONDS = 30


def _read(path: Path) -> int:
    """Read everything that a recording offers; return the number of samples."""
    with open_recording(path) as recording:
        recording.marks()
        recording.series()
        recording.thinned("gpu_busy_ratio", FULL_GPU.uuid)
        for _ in recording.stretches():
            pass
        for report in recording.reports():
            assert report.sample.hostname.isprintable()
        return sum(1 for _ in recording.samples())


def _recorded(folder: Path) -> Path:
    path = folder / "a.gpumon"
    write(path, [report_at(second) for second in range(_SECONDS)])
    return path


def _other_database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE about (about TEXT)")


_OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (str, "No such file or directory"),
    "empty": (lambda path: path.touch(), "is not a recording of gpumon"),
    "text": (lambda path: path.write_text("SQLite format 3, they say"), "is not a recording of gpumon"),
    "a folder": (lambda path: path.mkdir(), "is not a recording of gpumon"),
    "a pipe": (os.mkfifo, "is not a recording of gpumon"),
    "another database": (_other_database, "is not a recording of gpumon"),
}


@pytest.mark.parametrize("name", _OTHERS)
def test_what_is_no_recording_is_refused(tmp_path: Path, name: str) -> None:
    """One sentence that names the file."""
    make, sentence = _OTHERS[name]
    path = tmp_path / "a.gpumon"
    make(path)

    with pytest.raises(RecordingError) as caught:
        open_recording(path)
    assert str(path) in str(caught.value)
    assert sentence in str(caught.value)


def _changed(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema = 1")
        for statement in statements:
            database.execute(statement)


def test_a_recording_of_a_newer_gpumon_is_refused(tmp_path: Path) -> None:
    """It says which schema it has and which can be read."""
    path = _recorded(tmp_path)
    _changed(path, "PRAGMA user_version = 7")

    with pytest.raises(RecordingError, match="newer gpumon: its schema is 7, this one reads up to 1"):
        open_recording(path)


@pytest.mark.parametrize(
    "statements",
    [
        ("DELETE FROM about",),
        ("DROP TABLE marks",),
        ("CREATE VIEW more AS SELECT * FROM entries",),
        (
            "DROP TABLE series",
            "CREATE VIEW series AS SELECT 1 id, 'gpu_busy_ratio' metric, '' label",
        ),
        ("UPDATE about SET about = '[1, 2]'",),
        ('UPDATE about SET shape = \'{"Sample": ["sequence", "later"]}\'',),
        ("UPDATE about SET shape = 'null'",),
        ("UPDATE about SET about = replace(hex(zeroblob(200000)), '0', '[')",),
        ("UPDATE entries SET entry = zeroblob(100)",),
        ("UPDATE entries SET entry = zeroblob(20000000)",),
        ("UPDATE entries SET dictionary = 99",),
        ("UPDATE entries SET dictionary = 'one'",),
        ("UPDATE entries SET monotonic_seconds = 'soon'",),
        ("UPDATE marks SET text = zeroblob(5)",),
        ("UPDATE stretches SET numbers = x'00'",),
        ("UPDATE stretches SET end_seconds = end_seconds - 5",),
        ("UPDATE stretches SET end_seconds = 9e999",),
        ("UPDATE stretches SET start_seconds = start_seconds * 0.5, end_seconds = start_seconds * 0.5 + 10",),
    ],
)
def test_a_recording_that_was_tampered_with_is_refused(tmp_path: Path, statements: tuple[str, ...]) -> None:
    """Whatever stands in its tables, reading ends in one sentence."""
    path = _recorded(tmp_path)
    _changed(path, *statements)

    with pytest.raises(RecordingError) as caught:
        _read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", ["entries SET dictionary = 0, entry", "stretches SET numbers"])
def test_a_row_that_would_fill_the_memory_is_refused(tmp_path: Path, change: str) -> None:
    """A small row that unpacks to much more than any sample is not unpacked to its end."""
    path = _recorded(tmp_path)
    bomb, nothing = (zlib.compress(bytes(count), 9).hex() for count in (16 << 20, 0))
    # The words are this test's own.
    _changed(path, f"INSERT INTO dictionaries VALUES (0, x'{nothing}')", f"UPDATE {change} = x'{bomb}'")  # noqa: S608 - see above

    with pytest.raises(RecordingError, match="too large"):
        _read(path)


def test_more_series_than_a_machine_has_do_not_fill_the_memory(tmp_path: Path) -> None:
    """Of a file that names tens of thousands of measures, some thousands are taken."""
    path = _recorded(tmp_path)
    count = 60_000
    cells = {key: Cell(0.0, 1.0, 1, 1.0) for key in range(1, count)}
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN")
        database.executemany(
            "INSERT OR IGNORE INTO series VALUES (?, 'gpu_busy_ratio', ?)",
            ((k, f"{k}") for k in range(count)),
        )
        database.execute("UPDATE stretches SET numbers = ?", (to_blob(cells),))
        database.execute("COMMIT")

    with open_recording(path) as recording:
        labels = {name for part in recording.stretches() for name in part.cells}
    assert 1000 < len(labels) < 10_000


def test_numbers_without_end_are_left_out(tmp_path: Path) -> None:
    """A chart has no place for what is not finite."""
    path = _recorded(tmp_path)
    cells = {1: Cell(0.0, float("inf"), 1, float("inf")), 2: Cell(0.0, 0.5, 1, 1.0)}
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE stretches SET numbers = ?", (to_blob(cells),))

    with open_recording(path) as recording:
        assert {1} == {len(part.cells) for part in recording.stretches()}


def test_a_broken_file_never_ends_in_another_exception(tmp_path: Path) -> None:
    """Bytes that are flipped or missing anywhere are read around, or end in a RecordingError."""
    whole = _recorded(tmp_path).read_bytes()
    path = tmp_path / "broken.gpumon"
    numbers = random.Random(7)  # noqa: S311 - no secret
    outcomes = set()
    for _ in range(30):
        broken = bytearray(whole)
        for _ in range(numbers.choice((1, 3, 30))):
            broken[numbers.randrange(100, len(broken))] = numbers.randrange(256)
        if numbers.random() < 0.3:
            del broken[numbers.randrange(len(broken)) :]
        path.write_bytes(broken)
        try:
            _read(path)
            outcomes.add("read")
        except RecordingError:
            outcomes.add("refused")

    assert outcomes == {"read", "refused"}


def test_a_recording_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A finished recording opens in a folder that is read-only, and nothing appears beside it."""
    path = _recorded(tmp_path)
    tmp_path.chmod(0o500)
    try:
        assert _read(path) == _SECONDS
        assert [path] == list(tmp_path.iterdir())
    finally:
        tmp_path.chmod(0o700)


def test_a_recording_that_was_cut_short_is_one_plain_sentence(tmp_path: Path) -> None:
    """Which page SQLite misses helps nobody."""
    path = _recorded(tmp_path)
    path.write_bytes(path.read_bytes()[:-8192])

    with pytest.raises(RecordingError, match=r"is broken: it is damaged or cut short$"):
        _read(path)


def test_a_name_of_escape_sequences_is_told_without_them(tmp_path: Path) -> None:
    """Somebody else may have named the file: in the terminal it is text."""
    path = tmp_path / "a\x1b]0;title\x07\x1b[31m\nb.gpumon"
    with pytest.raises(RecordingError) as refused:
        open_recording(path)
    recorder = Recorder(path, about_of(Settings(), "box", report_at(0).sample.instant))
    recorder.close()

    assert str(refused.value) == f"cannot read {tmp_path}/a b.gpumon: No such file or directory"
    assert recorder.state.text == f"recorded 0 samples to {tmp_path}/a b.gpumon"
