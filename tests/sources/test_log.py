"""Following a log that others write, rotate, truncate and fill with anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.clock import Instant
from gpumon.model.measure import Missing
from gpumon.model.text import is_clean
from gpumon.sources.log import LogReading, LogTail

NOW = Instant(1000.0, 10.0)


def read(tail: LogTail) -> LogReading:
    reading = tail.read(NOW)
    assert isinstance(reading, LogReading)
    return reading


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_only_new_lines_are_read(tmp_path: Path) -> None:
    """A second reading returns what was written since the first, and nothing else."""
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\n")
    tail = LogTail(str(path))
    assert read(tail).lines == ("one", "two")
    append(path, b"three\n")
    assert read(tail).lines == ("three",)
    assert read(tail).lines == ()
    tail.close()


def test_bar_redrawn_with_carriage_returns_is_split_and_its_newest_state_is_partial(tmp_path: Path) -> None:
    """Each redrawing of a progress bar is a line; the newest one has no end yet."""
    path = tmp_path / "log"
    path.write_bytes("\r  1%|▏| 1/9 00:01\r  2%|▎| 2/9 00:02".encode())
    tail = LogTail(str(path))
    reading = read(tail)
    assert reading.lines == ("  1%|▏| 1/9 00:01",)
    assert reading.partial == "  2%|▎| 2/9 00:02"
    tail.close()


def test_half_a_line_is_finished_by_the_next_reading(tmp_path: Path) -> None:
    """A line read in two pieces, cut within a character, is one line in the end."""
    path = tmp_path / "log"
    whole = "loss ✅ done\n".encode()
    path.write_bytes(whole[:6])
    tail = LogTail(str(path))
    assert read(tail).lines == ()
    append(path, whole[6:])
    assert read(tail).lines == ("loss ✅ done",)
    tail.close()


def test_first_reading_begins_near_the_end(tmp_path: Path) -> None:
    """Of a long log only the last bytes are read at first, from the first whole line on, and its head."""
    path = tmp_path / "log"
    path.write_bytes(b"".join(b"line %06d\n" % number for number in range(1000)))
    tail = LogTail(str(path), first_bytes=100)
    reading = read(tail)
    assert reading.lines[0] == "line 000992"
    assert reading.lines[-1] == "line 000999"
    assert reading.head[0] == "line 000000"
    append(path, b"more\n")
    assert read(tail).head == ()
    tail.close()


def test_too_much_at_once_is_skipped_and_said(tmp_path: Path) -> None:
    """A log that grows faster than it may be read loses its middle, and the reading says how much."""
    path = tmp_path / "log"
    path.write_bytes(b"a\n")
    tail = LogTail(str(path), read_bytes=100)
    read(tail)
    append(path, b"x" * 500 + b"\n" + b"newest\n")
    reading = read(tail)
    assert reading.skipped_bytes == 408
    assert reading.lines == ("newest",)
    tail.close()


def test_truncated_log_is_read_from_its_start(tmp_path: Path) -> None:
    """A log that became shorter was written anew."""
    path = tmp_path / "log"
    path.write_bytes(b"old line that is long\n")
    tail = LogTail(str(path))
    read(tail)
    path.write_bytes(b"new\n")
    reading = read(tail)
    assert reading.restarted
    assert reading.lines == ("new",)
    tail.close()


def test_rotated_log_gives_the_rest_of_the_old_file_first(tmp_path: Path) -> None:
    """Lines written before the file was renamed are not lost."""
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    tail = LogTail(str(path))
    read(tail)
    append(path, b"two\n")
    path.rename(tmp_path / "log.1")
    path.write_bytes(b"three\n")
    reading = read(tail)
    assert reading.restarted
    assert reading.lines == ("two", "three")
    tail.close()


def test_deleted_log_is_followed_until_another_takes_its_name(tmp_path: Path) -> None:
    """What is written to a log after it was deleted is still read; then comes the new one from its start."""
    path = tmp_path / "log"
    with path.open("ab", buffering=0) as file:
        file.write(b"one\n")
        tail = LogTail(str(path))
        read(tail)
        path.unlink()
        file.write(b"two\n")
        assert read(tail).lines == ("two",)
    path.write_bytes(b"three\n")
    assert read(tail).lines == ("three",)
    tail.close()


def test_last_words_are_read_after_the_process_is_gone(tmp_path: Path) -> None:
    """A log followed through /proc/PID/fd keeps what its process wrote before it ended."""
    with (tmp_path / "log").open("ab") as file:
        child = subprocess.Popen(
            ["sh", "-c", "echo begin >&2; read word; echo crashed >&2"], stdin=subprocess.PIPE, stderr=file
        )
    tail = LogTail(f"/proc/{child.pid}/fd/2")
    while read(tail).size_bytes == 0:
        pass
    child.communicate(b"go\n", timeout=30)
    assert "crashed" in read(tail).lines
    tail.close()


def test_log_that_is_not_there_is_missing_until_it_is(tmp_path: Path) -> None:
    """There is a reason while there is no log, and its first line is read when there is one."""
    path = tmp_path / "log"
    tail = LogTail(str(path))
    missing = tail.read(NOW)
    assert isinstance(missing, Missing)
    assert "does not exist" in missing.reason
    path.write_bytes(b"one\n")
    assert read(tail).lines == ("one",)
    tail.close()


def test_fifos_and_devices_are_refused(tmp_path: Path) -> None:
    """Opening a FIFO would wake its writer: it is never opened."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (str(fifo), "/dev/null", str(tmp_path)):
        missing = LogTail(path).read(NOW)
        assert isinstance(missing, Missing)
        assert "not a regular file" in missing.reason


def test_descriptor_of_a_process_is_followed(tmp_path: Path) -> None:
    """A path below /proc/PID/fd names the file, also when it has been deleted since."""
    path = tmp_path / "log"
    with path.open("ab", buffering=0) as file:
        tail = LogTail(f"/proc/{os.getpid()}/fd/{file.fileno()}")
        path.unlink()
        file.write(b"still here\n")
        assert read(tail).lines == ("still here",)
        tail.close()


def test_line_without_an_end_does_not_grow_in_memory(tmp_path: Path) -> None:
    """A megabyte without a line end becomes one line, cut to a limit."""
    path = tmp_path / "log"
    path.write_bytes(b"")
    tail = LogTail(str(path))
    read(tail)
    for _ in range(3):
        append(path, b"x" * 300_000)
        assert len(read(tail).partial) == 4096
    append(path, b"\nnext\n")
    lines = read(tail).lines
    assert [len(line) for line in lines] == [4096, 4]
    tail.close()


def test_escape_sequences_and_nul_do_not_pass(tmp_path: Path) -> None:
    """What could move a cursor or style a screen is removed, and the holes of a truncated file too."""
    path = tmp_path / "log"
    path.write_bytes(b"\0" * 5000 + b"\x1b[2J\x1b]0;title\x07red\x1b[31m text\x9b\n")
    tail = LogTail(str(path))
    assert read(tail).lines == ("red text\N{REPLACEMENT CHARACTER}",)
    tail.close()


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_any_bytes_become_harmless_lines(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    """Whatever is written piece by piece, every line is clean and none is empty."""
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes(b"")
    tail = LogTail(str(path))
    for piece in pieces:
        append(path, piece)
        for line in read(tail).lines:
            assert line
            assert is_clean(line.replace("\N{REPLACEMENT CHARACTER}", "?"))
    tail.close()
