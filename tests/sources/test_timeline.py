"""The timeline file of a virtual GPU: written by one process, read by any, trusted by none."""

from __future__ import annotations

import os
import stat
import struct
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpumon.sources.timeline import (
    HEADER_BYTES,
    MAX_CAPACITY,
    SLOT_BYTES,
    TimelineError,
    TimelineReader,
    TimelineWriter,
)


def _writer(path: Path, capacity: int = 4) -> TimelineWriter:
    return TimelineWriter(path, name="Virtual", uuid="GPU-v", memory_total_bytes=100, capacity=capacity)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a timeline is to be written."""
    return tmp_path / "gpu.timeline"


def test_a_fresh_timeline_is_an_idle_gpu(path: Path) -> None:
    """Name, size and writer are known from the first moment on, and nothing has happened yet."""
    _writer(path)
    header = TimelineReader(str(path)).header()

    assert ("Virtual", "GPU-v", 100, os.getpid()) == (
        header.name,
        header.uuid,
        header.memory_total_bytes,
        header.pid,
    )
    assert (0, 0.0, 0) == (header.written, header.busy_since, header.memory_used_bytes)


def test_the_file_is_private(path: Path) -> None:
    """Nobody else may read or write it."""
    _writer(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_old_timeline_is_replaced(path: Path) -> None:
    """A training started again begins anew, and a reader of the old file keeps what it has."""
    _writer(path).end(1.0, 2.0)
    reader = TimelineReader(str(path))
    _writer(path)

    assert (1, 0) == (reader.header().written, TimelineReader(str(path)).header().written)


def test_a_beginning_is_seen_at_once(path: Path) -> None:
    """Work under way counts before it ends."""
    writer = _writer(path)
    writer.begin(5.0)

    assert TimelineReader(str(path)).header().busy_since == 5.0


def test_an_end_is_an_interval_and_idleness(path: Path) -> None:
    """What has ended is no longer under way."""
    writer = _writer(path)
    writer.begin(5.0)
    writer.end(5.0, 6.0)
    reader = TimelineReader(str(path))
    header = reader.header()

    assert ([(5.0, 6.0)], 0.0) == (reader.intervals(0, header), header.busy_since)


@given(st.integers(0, 20), st.integers(0, 20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_intervals_from_any_number_on(path: Path, written: int, since: int) -> None:
    """A reader gets what it has not seen yet, as far as the ring still holds it, in order."""
    writer = _writer(path, capacity=4)
    for number in range(written):
        writer.end(float(number), number + 0.5)
    expected = [(float(number), number + 0.5) for number in range(max(since, written - 4), written)]

    with closing(TimelineReader(str(path))) as reader:
        assert expected == reader.intervals(since, reader.header())


def test_memory_and_sensors_are_kept(path: Path) -> None:
    """What the training sets is what the reader finds."""
    writer = _writer(path)
    writer.memory(50, 10, 40)
    writer.sensors(61.0, 141.0, 1.8e9)
    header = TimelineReader(str(path)).header()

    assert (50, 100, 10, 40) == (
        header.memory_used_bytes,
        header.memory_total_bytes,
        header.memory_reserved_bytes,
        header.process_memory_used_bytes,
    )
    assert (61.0, 141.0, 1.8e9) == (header.temperature_celsius, header.power_watts, header.sm_clock_hertz)


def test_a_long_name_is_cut(path: Path) -> None:
    """A name longer than its field does not spoil the fields after it."""
    TimelineWriter(path, name="N" * 200, uuid="U" * 200, memory_total_bytes=1)
    header = TimelineReader(str(path)).header()

    assert (63, 47, 1) == (len(header.name), len(header.uuid), header.memory_total_bytes)


def test_an_absent_file_is_told(path: Path) -> None:
    """The reason is a sentence, and no traceback."""
    with pytest.raises(TimelineError, match="No such file"):
        TimelineReader(str(path))


@pytest.mark.parametrize("content", [b"", b"x", b"x" * HEADER_BYTES, b"GPUMONVG" + bytes(HEADER_BYTES)])
def test_a_file_of_something_else_is_refused(path: Path, content: bytes) -> None:
    """Too short, another format, or a header of zeros: all are told as such."""
    path.write_bytes(content)

    with pytest.raises(TimelineError):
        TimelineReader(str(path))


def test_another_version_is_refused(path: Path) -> None:
    """A layout of the future is not read as this one."""
    _writer(path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, 8, 2)
    path.write_bytes(content)

    with pytest.raises(TimelineError, match="of this version"):
        TimelineReader(str(path))


@pytest.mark.parametrize("capacity", [0, 5, 1 << 31])
def test_a_capacity_that_the_file_has_not_is_refused(path: Path, capacity: int) -> None:
    """The header cannot make a reader look behind the end of the file."""
    _writer(path, capacity=4)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, 12, capacity)
    path.write_bytes(content)

    with pytest.raises(TimelineError):
        TimelineReader(str(path))


@pytest.mark.parametrize("kind", ["directory", "fifo", "device"])
def test_what_is_no_regular_file_is_refused(path: Path, kind: str) -> None:
    """A path of somebody else may name anything; nothing blocks and nothing is read from a device."""
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")

    with pytest.raises(TimelineError):
        TimelineReader(str(path))


def test_a_huge_file_is_refused(path: Path) -> None:
    """What is read is bounded, however long the file is said to be."""
    _writer(path)
    os.truncate(path, HEADER_BYTES + (MAX_CAPACITY + 1) * SLOT_BYTES)

    with pytest.raises(TimelineError):
        TimelineReader(str(path))


@pytest.mark.parametrize("size", [0, 100, HEADER_BYTES, HEADER_BYTES + SLOT_BYTES + 8])
def test_a_file_that_is_cut_short_later_is_told(path: Path, size: int) -> None:
    """A writer may do anything to its file while gpumon has it open: an error, never a crash."""
    writer = _writer(path)
    for second in range(4):
        writer.end(float(second), second + 0.5)
    reader = TimelineReader(str(path))
    os.truncate(path, size)

    with pytest.raises(TimelineError, match="cut short"):
        reader.intervals(0, reader.header())


@given(st.binary(min_size=HEADER_BYTES - 16, max_size=HEADER_BYTES - 16))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_after_a_good_beginning_are_read_or_refused(path: Path, rest: bytes) -> None:
    """A broken writer cannot make the reader raise anything but its own error, or fetch without bounds."""
    _writer(path, capacity=4)
    content = bytearray(path.read_bytes())
    content[16:HEADER_BYTES] = rest
    path.write_bytes(content)

    with closing(TimelineReader(str(path))) as reader:
        assert 4 >= len(reader.intervals(0, reader.header()))
