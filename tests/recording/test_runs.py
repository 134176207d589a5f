"""The database of runs as a file: what stays in it, and what it says of files it cannot use."""

from __future__ import annotations

import os
import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_about import AboutError, about_text, read_about
from gpumon.recording.runs_run import RunEnd, RunProcess, RunsError, RunState
from gpumon.recording.runs_schema import MOST_BLOCKS
from tests.recording.runs_scene import ABOUT, PROCESS, about, block

SEEN = RunState(1.7e9, epoch=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a database may be made, in a folder that is not there yet."""
    return tmp_path / "data" / "runs.sqlite"


def test_a_run_is_read_as_it_was_written(path: Path) -> None:
    """Everything that was kept comes back."""
    database = RunsDatabase(path)
    database.write(PROCESS, ABOUT, SEEN, [block(7), block(8, 110.0)])

    run = next(database.runs())

    assert (PROCESS, ABOUT, (block(7), block(8, 110.0))) == (run.process, run.about, run.blocks)
    assert (RunEnd.OPEN, 1.7e9, 2, 2) == (
        run.end,
        run.first_seen_unix_seconds,
        run.first_epoch,
        run.last_epoch,
    )


def test_only_its_owner_may_read_the_file(path: Path) -> None:
    """File and folder are closed to others, whatever the umask."""
    before = os.umask(0)
    try:
        RunsDatabase(path).close()
    finally:
        os.umask(before)

    assert (0o600, 0o700) == (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode))


def test_the_same_process_continues_its_run(path: Path) -> None:
    """A gpumon opened a second time adds to the run that it saw before."""
    first = RunsDatabase(path)
    first.write(PROCESS, ABOUT, SEEN, [block(1)])
    first.close()
    second = RunsDatabase(path)
    second.write(PROCESS, about(workers=4), RunState(1.7e9 + 500, epoch=9), [block(40)])

    (run,) = second.runs()

    assert [1, 40] == [each.number for each in run.blocks]
    assert (2, 9, 1.7e9, 1.7e9 + 500) == (
        run.first_epoch,
        run.last_epoch,
        run.first_seen_unix_seconds,
        run.last_seen_unix_seconds,
    )


@pytest.mark.parametrize(
    "other", [replace(PROCESS, boot="boot-2"), replace(PROCESS, start_ticks=2), replace(PROCESS, pid=4001)]
)
def test_another_process_is_another_run(path: Path, other: RunProcess) -> None:
    """A PID that was used again, or a machine that was started again, does not continue a run."""
    database = RunsDatabase(path)
    database.write(PROCESS, ABOUT, SEEN, [block(1)])
    database.write(other, ABOUT, SEEN, [block(1)])

    assert [2, 1] == [run.id for run in database.runs()]


def test_runs_are_numbered_without_gaps(path: Path) -> None:
    """However often a run is added to, the next one has the next number."""
    database = RunsDatabase(path)
    for number in range(4):
        database.write(PROCESS, ABOUT, SEEN, [block(number)])
    database.write(replace(PROCESS, pid=4001), ABOUT, SEEN, [block(1)])

    assert [2, 1] == [run.id for run in database.runs()]


def test_two_gpumons_on_one_training_do_not_count_twice(path: Path) -> None:
    """Of two blocks of one time the one that saw more stays."""
    one, other = RunsDatabase(path), RunsDatabase(path)
    one.write(PROCESS, ABOUT, SEEN, [block(5, seconds=10.0)])
    other.write(PROCESS, ABOUT, SEEN, [block(5, seconds=4.0), block(6, seconds=4.0)])

    assert [10.0, 4.0] == [each.seen_seconds for each in next(one.runs()).blocks]


def test_an_end_once_seen_stays(path: Path) -> None:
    """A second gpumon that has not noticed the end yet does not take it back."""
    database = RunsDatabase(path)
    database.write(PROCESS, ABOUT, replace(SEEN, end=RunEnd.KILLED, end_text="killed"), [])
    database.write(PROCESS, ABOUT, SEEN, [block(1)])

    assert (RunEnd.KILLED, "killed") == (next(database.runs()).end, next(database.runs()).end_text)


def test_a_long_run_stays_small_and_loses_nothing(path: Path) -> None:
    """Too many blocks become half as many of twice the length, with the same sums and the same peak."""
    database = RunsDatabase(path)
    blocks = [block(number, peak=number) for number in range(MOST_BLOCKS + 2)]

    length = database.write(PROCESS, ABOUT, SEEN, blocks)
    run = next(database.runs())

    assert (20.0, 20.0) == (length, run.block_seconds)
    assert len(run.blocks) == (MOST_BLOCKS + 2) // 2
    assert sum(each.images for each in blocks) == sum(each.images for each in run.blocks)
    assert max(each.memory_peak_bytes or 0 for each in run.blocks) == MOST_BLOCKS + 1


def test_blocks_of_the_old_length_find_their_place(path: Path) -> None:
    """A gpumon that does not know yet that blocks are longer now writes to the right time."""
    database = RunsDatabase(path)
    database.write(PROCESS, ABOUT, SEEN, [block(number) for number in range(MOST_BLOCKS + 2)])

    database.write(PROCESS, ABOUT, SEEN, [block(301, seconds=10.0)], 10.0)

    assert next(database.runs()).blocks[-1].number == 150


def test_a_newer_schema_is_refused(path: Path) -> None:
    """A file of a newer gpumon is left alone, with a sentence that says what to do."""
    RunsDatabase(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 9")
    raw.close()

    with pytest.raises(RunsError, match="has schema 9; this gpumon reads schema 2"):
        RunsDatabase(path)


def test_another_sqlite_file_is_left_alone(path: Path) -> None:
    """A database of something else is neither read nor changed."""
    path.parent.mkdir()
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE mine (a)")
    raw.close()

    with pytest.raises(RunsError, match="is no database of runs"):
        RunsDatabase(path)
    with sqlite3.connect(path) as raw:
        tables = raw.execute("SELECT name FROM sqlite_master").fetchall()
    raw.close()
    assert tables == [("mine",)]


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough" * 40, b"SQLite format 3\0" + b"\xff" * 900]
)
def test_garbage_is_one_sentence(path: Path, content: bytes) -> None:
    """A damaged file is named, and not overwritten."""
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(RunsError, match="move it away to begin a new one"):
        RunsDatabase(path)
    assert content == path.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE runs SET about = '{\"name\": 5}'",
        "UPDATE runs SET about = replace(about, '8.0', replace(hex(zeroblob(200)), '0', '9'))",
        "UPDATE runs SET first_seen_unix_seconds = 9e999",
        "UPDATE runs SET block_seconds = 'long'",
        "UPDATE blocks SET images = 9e999",
        "UPDATE blocks SET looks = 'many'",
    ],
)
def test_a_damaged_row_is_one_sentence(path: Path, damage: str) -> None:
    """What is no description, time or number names its run."""
    database = RunsDatabase(path)
    database.write(PROCESS, ABOUT, SEEN, [block(1)])
    with sqlite3.connect(path) as raw:
        raw.execute(damage)
    raw.close()

    with pytest.raises(RunsError, match=r"run 1 in .* cannot be understood"):
        tuple(database.runs())


def test_a_full_disk_is_one_sentence_and_the_rest_stays(path: Path) -> None:
    """What does not fit is refused whole; what was there can be read."""
    database = RunsDatabase(path)
    database.write(PROCESS, ABOUT, SEEN, [block(1)])
    pages = database._database.execute("PRAGMA page_count").fetchone()[0]
    database._database.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(RunsError, match="cannot be written: the disk is full"):
        database.write(replace(PROCESS, pid=5), replace(ABOUT, command=("x" * 4000,) * 40), SEEN, [block(2)])
    assert [1] == [run.id for run in database.runs()]


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path: Path) -> None:
    """What stands in the way is said in words of the system."""
    (tmp_path / "data").write_text("a file")

    with pytest.raises(RunsError, match="cannot be opened"):
        RunsDatabase(tmp_path / "data" / "runs.sqlite")


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    """Nobody's link makes gpumon write elsewhere."""
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RunsError):
        RunsDatabase(path)
    assert not (tmp_path / "elsewhere").exists()


def test_reading_makes_no_file(path: Path) -> None:
    """A list of runs where there are none leaves nothing behind."""
    with pytest.raises(RunsError, match="there is no database of runs"):
        RunsDatabase(path, readonly=True)
    assert not path.parent.exists()


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    """A text that is no description is refused, and nothing else happens."""
    with pytest.raises(AboutError):
        read_about(text)


def test_hostile_names_are_cleaned_on_the_way_back() -> None:
    """Escape sequences that somebody wrote into the file do not reach a terminal."""
    hostile = about_text(replace(ABOUT, name="\x1b]0;owned\x07train\u202e.py"))

    assert read_about(hostile).name == "train.py"
