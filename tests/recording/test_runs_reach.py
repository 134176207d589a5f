"""What is said beforehand of a database of runs that cannot be read, or to which nothing can be added."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_reach import has_room, why_not_kept
from gpumon.recording.runs_run import RunsError
from gpumon.tui.runs_reading import read_runs
from tests.sources.other_user import as_nobody


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a database may be, in a folder that is there."""
    (tmp_path / "gpumon").mkdir()
    return tmp_path / "gpumon" / "runs.sqlite"


@pytest.fixture
def world_readable(path: Path) -> Iterator[None]:
    """Let everybody into the folders of the test, which pytest closes."""
    closed = [folder for folder in path.parents if folder.stat().st_mode & 0o005 == 0]
    for folder in closed:
        folder.chmod(0o755)
    yield
    for folder in closed:
        folder.chmod(0o700)


def test_where_a_run_can_be_kept_nothing_is_said(path: Path, tmp_path: Path) -> None:
    """Before there is a file, before there are its folders, and once it is there."""
    before = [why_not_kept(path), why_not_kept(tmp_path / "new" / "gpumon" / "runs.sqlite")]
    RunsDatabase(path).close()

    assert ["", "", ""] == [*before, why_not_kept(path)]
    assert not (tmp_path / "new").exists()


def test_an_empty_file_is_no_broken_database(path: Path) -> None:
    """A full disk leaves one where a database was to be made: there are no runs yet."""
    path.touch()

    assert read_runs(path, "boot-1").trouble.startswith("no runs yet")


def test_a_file_in_place_of_a_folder_is_named(tmp_path: Path) -> None:
    """No runs yet, and none to come."""
    (tmp_path / "gpumon").write_text("a file")
    path = tmp_path / "gpumon" / "runs.sqlite"

    assert f"no run can be kept: this is no folder: {tmp_path / 'gpumon'}" == why_not_kept(path)
    assert "cannot be opened: not a directory" in read_runs(path, "boot-1").trouble


@pytest.mark.parametrize("kind", ["a folder", "a link"])
def test_what_stands_in_the_place_of_the_file_is_named(path: Path, kind: str) -> None:
    """A folder, or somebody's link, which would not be followed."""
    if kind == "a folder":
        path.mkdir()
    else:
        path.symlink_to(path.parent / "elsewhere")

    assert f"no run can be kept: this is no file: {path}" == why_not_kept(path)
    assert "no runs yet" not in read_runs(path, "boot-1").trouble


def test_a_folder_without_rights_is_no_empty_list(path: Path) -> None:
    """Whether there are runs cannot be told: that is said instead of "no runs yet"."""
    RunsDatabase(path).close()
    path.parent.chmod(0o700)
    with as_nobody():
        closed, found = why_not_kept(path), read_runs(path, "boot-1")

    assert closed.startswith("no run can be kept: closed to this user, or read-only: /")
    assert f"the database of runs {path} cannot be opened: permission denied" == found.trouble


def test_a_file_without_rights_is_told_by_the_system(path: Path, world_readable: None) -> None:
    """SQLite would say only that it cannot be opened."""
    del world_readable
    RunsDatabase(path).close()
    path.chmod(0o600)
    with as_nobody(), pytest.raises(RunsError, match="cannot be opened: permission denied"):
        RunsDatabase(path, readonly=True)


def test_a_list_that_cannot_grow_is_shown_with_the_reason(path: Path, world_readable: None) -> None:
    """What is there can be read: nothing is lost, and nothing is added."""
    del world_readable
    RunsDatabase(path).close()
    path.chmod(0o644)
    with as_nobody():
        found = read_runs(path, "boot-1")

    assert ((), f"no run can be kept: closed to this user, or read-only: {path}") == (
        found.runs,
        found.trouble,
    )


@pytest.mark.parametrize(
    ("blocks", "available", "has"), [(16, 0, False), (16, 15, False), (1 << 20, 1 << 10, True), (0, 0, True)]
)
def test_a_disk_without_room_for_a_new_file_is_full(blocks: int, available: int, has: bool) -> None:
    """By what is free to this user, in blocks of 4 KiB; a disk that counts none may have any."""
    disk = os.statvfs_result((4096, 4096, blocks, available, available, 0, 0, 0, 0, 255))

    assert has == has_room(disk)
