"""Bounded reads and kept descriptors."""

from __future__ import annotations

import os
from pathlib import Path

from gpumon.model.measure import Missing
from gpumon.sources.proc_file import Absent, Denied, KeptFile, read_file, read_link, read_names, unreadable
from tests.sources.children import child_in
from tests.sources.fake_proc import open_descriptors


def test_a_read_is_cut_at_its_limit(tmp_path: Path) -> None:
    """No file is read further than asked for."""
    (tmp_path / "big").write_bytes(b"x" * 10_000)
    assert read_file(str(tmp_path / "big"), 4000) == b"x" * 4000
    assert KeptFile(str(tmp_path / "big"), 4000).read() == b"x" * 4000


def test_a_file_of_many_pieces_is_read_whole() -> None:
    """The kernel answers a long file in pieces of about a page; all of them come back."""
    answer = KeptFile("/proc/kallsyms", 50_000).read()
    assert isinstance(answer, bytes)
    assert len(answer) == 50_000


def test_a_missing_file_is_absent(tmp_path: Path) -> None:
    """A file that is not there is Missing with its path, by all ways to read."""
    path = str(tmp_path / "none")
    for found in (read_file(path, 10), KeptFile(path).read(), read_link(path), read_names(path)):
        assert isinstance(found, Absent)
        assert found.reason == f"{path} does not exist"


def test_a_directory_in_the_place_of_a_file_is_missing(tmp_path: Path) -> None:
    """A broken tree does not raise."""
    assert isinstance(read_file(str(tmp_path), 10), Missing)
    assert isinstance(KeptFile(str(tmp_path)).read(), Missing)


def test_a_fifo_in_the_place_of_a_file_does_not_block(tmp_path: Path) -> None:
    """A FIFO without a writer would block an ordinary open for good."""
    os.mkfifo(tmp_path / "fifo")
    assert isinstance(read_file(str(tmp_path / "fifo"), 10), Missing)


def test_a_path_with_a_nul_is_missing() -> None:
    """The operating system refuses such a path with another exception than for other paths."""
    assert isinstance(read_file("/proc/\0/stat", 10), Missing)


def test_a_kept_file_sees_new_content(tmp_path: Path) -> None:
    """One descriptor reads what is in the file at each read."""
    path = tmp_path / "counter"
    path.write_text("1")
    file = KeptFile(str(path))
    assert file.read() == b"1"
    path.write_text("22")
    assert file.read() == b"22"
    file.close()


def test_a_kept_file_of_a_killed_process_becomes_absent() -> None:
    """Its descriptor fails with ESRCH, its path is gone: that is Missing, not an exception."""
    with child_in("nanosleep") as pid:
        file = KeptFile(f"/proc/{pid}/stat")
        assert isinstance(file.read(), bytes)
    assert isinstance(file.read(), Absent)


def test_a_closed_kept_file_opens_anew(tmp_path: Path) -> None:
    """Closing gives the descriptor back and does no harm."""
    (tmp_path / "a").write_text("1")
    file = KeptFile(str(tmp_path / "a"))
    file.read()
    before = open_descriptors()
    file.close()
    file.close()
    assert open_descriptors() == before - 1
    assert file.read() == b"1"
    file.close()


def test_a_file_that_is_not_kept_holds_no_descriptor(tmp_path: Path) -> None:
    """With keep=False nothing stays open between reads."""
    (tmp_path / "a").write_text("1")
    before = open_descriptors()
    file = KeptFile(str(tmp_path / "a"), keep=False)
    assert file.read() == b"1"
    assert open_descriptors() == before


def test_a_refusal_is_denied_and_its_path_is_cleaned() -> None:
    """The reason names the file, without what could move a cursor."""
    missing = unreadable(PermissionError(13, "Permission denied"), "/proc/1/\x1b[2Jio")
    assert isinstance(missing, Denied)
    assert missing.reason == "no permission to read /proc/1/io"


def test_why_a_file_was_not_read_makes_no_other_reading() -> None:
    """A sample that is read from a recording, where all of them are Missing, equals the live one."""
    reasons: list[Missing] = [Absent("gone"), Denied("gone"), Missing("gone")]
    assert all(one == other for one in reasons for other in reasons)
    assert len(set(reasons)) == 1
    assert Absent("gone") != Missing("here")
    assert Absent("gone") != "gone"
