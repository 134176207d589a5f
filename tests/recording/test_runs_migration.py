"""A database of runs that an older gpumon made."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_about import about_text
from gpumon.recording.runs_run import RunsError, RunState
from tests.recording.prior_scene import MORE_WORKERS
from tests.recording.runs_scene import ABOUT, PROCESS, block

# As the first schema was: kept here, so that it stays what it was.
_FIRST_TABLES = (
    (
        "CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL, pid INTEGER NOT NULL,"
        " start_ticks INTEGER NOT NULL, about TEXT NOT NULL, first_seen_unix_seconds REAL NOT NULL,"
        " last_seen_unix_seconds REAL NOT NULL, first_epoch INTEGER, last_epoch INTEGER,"
        " ending TEXT NOT NULL, ending_text TEXT NOT NULL, block_seconds REAL NOT NULL,"
        " UNIQUE (boot, pid, start_ticks))"
    ),
    (
        "CREATE TABLE blocks (run INTEGER NOT NULL, number INTEGER NOT NULL, seen_seconds REAL NOT NULL,"
        " steady_seconds REAL NOT NULL, rate_seconds REAL NOT NULL, images REAL NOT NULL,"
        " images_low REAL NOT NULL, images_high REAL NOT NULL, wait_seconds REAL NOT NULL,"
        " waited_seconds REAL NOT NULL, waited_low_seconds REAL NOT NULL, waited_high_seconds REAL NOT NULL,"
        " looks REAL NOT NULL, memory_peak_bytes INTEGER, has_validation INTEGER NOT NULL,"
        " PRIMARY KEY (run, number)) WITHOUT ROWID"
    ),
    "PRAGMA application_id = 1735421298",
    "PRAGMA user_version = 1",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a database of the first schema with one run of one block."""
    place = tmp_path / "runs.sqlite"
    with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        for statement in _FIRST_TABLES:
            raw.execute(statement)
        raw.execute(
            "INSERT INTO runs VALUES (7, ?, ?, ?, ?, 1.7e9, 1.7e9, 0, 3, 'killed', 'killed', 10.0)",
            (PROCESS.boot, PROCESS.pid, PROCESS.start_ticks, about_text(ABOUT)),
        )
        raw.execute(
            "INSERT INTO blocks VALUES (7, 1, 10, 10, 10, 1000, 1000, 1000, 10, 1, 1, 1, 200, 5368709120, 1)"
        )
    return place


def _schema(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as raw:
        return int(raw.execute("PRAGMA user_version").fetchone()[0])


def test_an_old_file_is_brought_up_to_date_and_loses_nothing(path: Path) -> None:
    """Its runs are as they were, and predictions are kept from now on."""
    database = RunsDatabase(path)
    (run,) = database.runs()
    assert (7, ABOUT, (block(1),), (), None) == (run.id, run.about, run.blocks, run.predictions, run.proof)

    database.write(PROCESS, ABOUT, RunState(1.7e9 + 9), [block(2)], predictions=[MORE_WORKERS])
    database.close()

    assert 2 == _schema(path)
    again = RunsDatabase(path)
    (run,) = again.runs()
    again.close()
    assert (7, 2, (MORE_WORKERS,)) == (run.id, len(run.blocks), run.predictions)


def test_an_old_file_can_be_read_as_it_is(path: Path) -> None:
    """`gpumon runs` changes nothing: it shows the runs, without predictions or proofs."""
    database = RunsDatabase(path, readonly=True)
    (run,) = database.runs()

    assert (7, (), None, ()) == (run.id, run.predictions, run.proof, database.proofs())
    assert [7] == [number for number, _, _ in database.abouts()]
    database.close()
    assert 1 == _schema(path)


def test_two_gpumons_may_bring_it_up_to_date_at_once(path: Path) -> None:
    """The second one finds it done."""
    one, other = RunsDatabase(path), RunsDatabase(path)

    assert [7] == [run.id for run in other.runs()]
    one.close()
    other.close()


def test_a_file_that_only_says_that_it_is_old_is_one_sentence(tmp_path: Path) -> None:
    """A number in a file is no table: what is missing is told."""
    place = tmp_path / "runs.sqlite"
    with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as raw:
        for statement in (*_FIRST_TABLES[2:], "PRAGMA user_version = 2"):
            raw.execute(statement)

    with pytest.raises(RunsError, match="is damaged or no database"):
        tuple(RunsDatabase(place).runs())
