"""What the soak takes for a defect of the database of runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gpumon.recording.runs_run import RunsError, RunState
from tests.recording.runs_scene import ABOUT, PROCESS, block
from tests.soak.runs import Runs

SEEN = RunState(1000.0)


def _filled(runs: Runs, path: Path) -> None:
    """Write a run, then one for which the file may not grow."""
    database = runs.open(path)
    try:
        database.write(PROCESS, ABOUT, SEEN, [block(1)])
        pages = database._database.execute("PRAGMA page_count").fetchone()[0]
        database._database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(RunsError, match="the disk is full"):
            database.write(PROCESS, ABOUT, SEEN, [block(number) for number in range(2, 200)])
    finally:
        database.close()


@pytest.mark.parametrize(("is_full", "told"), [(True, 0), (False, 1)])
def test_a_write_may_fail_on_a_full_disk_only(tmp_path: Path, is_full: bool, told: int) -> None:
    """Then it is what the keeper has to say; with room on the disk it is a defect besides."""
    defects: list[str] = []
    runs = Runs(lambda: is_full, defects.append)
    _filled(runs, tmp_path / "runs.sqlite")

    assert "the disk is full" in runs.trouble
    assert [runs.trouble] * told == defects


def test_a_file_that_cannot_be_opened_is_a_defect(tmp_path: Path) -> None:
    """Nothing of the soak stands in its way."""
    path = tmp_path / "runs.sqlite"
    sqlite3.connect(path).execute("CREATE TABLE other (one INTEGER)").connection.close()
    defects: list[str] = []

    with pytest.raises(RunsError):
        Runs(lambda: False, defects.append).open(path)
    assert len(defects) == 1


def test_a_write_that_succeeds_ends_the_trouble(tmp_path: Path) -> None:
    """What the keeper says afterwards would be a defect."""
    path = tmp_path / "runs.sqlite"
    runs = Runs(lambda: True, lambda _: None)
    _filled(runs, path)
    database = runs.open(path)
    database.write(PROCESS, ABOUT, SEEN, [block(2)])
    database.close()

    assert runs.trouble == ""
