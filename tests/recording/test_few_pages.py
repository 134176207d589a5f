"""SQLite keeps few pages of a file that stays open for weeks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from gpumon.recording.runs import RunsDatabase
from gpumon.recording.store import RecordingFile
from tests.recording.scene import ABOUT


def _kept_kib(database: sqlite3.Connection) -> int:
    return -int(database.execute("PRAGMA cache_size").fetchone()[0])


def test_of_a_database_of_runs_a_quarter_of_a_megabyte_is_kept(tmp_path: Path) -> None:
    """It grows with each training, and SQLite by itself keeps two megabytes of it."""
    database = RunsDatabase(tmp_path / "runs.sqlite")

    assert 256 == _kept_kib(database._database)
    database.close()


def test_of_a_recording_a_quarter_of_a_megabyte_is_kept(tmp_path: Path) -> None:
    """It grows with each sample."""
    file = RecordingFile(tmp_path / "a.gpumon", ABOUT)

    assert 256 == _kept_kib(file._database)
    file.close()
