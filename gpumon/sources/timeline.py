"""The timeline of a virtual GPU: a small shared file that a demo or lab training writes while it runs.

Layout (little endian): a header of 256 bytes, then `capacity` slots of two doubles (start and end of a
busy interval, Unix seconds); interval n stands in slot n % capacity. One process writes, any may read.
"""

from __future__ import annotations

import mmap
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"GPUMONVG"
VERSION = 1
HEADER_BYTES = 256
SLOT_BYTES = 16
# A reader never maps more than this: the file may be somebody else's.
MAX_CAPACITY = 1 << 16
ENVIRONMENT_VARIABLE = "GPUMON_VIRTUAL_GPU"

_HEADER = struct.Struct("<8sIIQQQQIIdddd64s48sQ")
_SLOT = struct.Struct("<dd")
_WRITTEN_OFFSET = 16
_MEMORY_OFFSET = 24
_BUSY_SINCE_OFFSET = 56
_SENSORS_OFFSET = 64
_PROCESS_MEMORY_OFFSET = 200


class TimelineError(Exception):
    """The file is not a timeline, or cannot be read."""


@dataclass(frozen=True, slots=True)
class TimelineHeader:
    """What the header says. `busy_since` is 0.0 while the GPU is idle."""

    capacity: int
    written: int
    memory_used_bytes: int
    memory_total_bytes: int
    memory_reserved_bytes: int
    pid: int
    busy_since: float
    temperature_celsius: float
    power_watts: float
    sm_clock_hertz: float
    name: str
    uuid: str
    process_memory_used_bytes: int


class TimelineWriter:
    """The virtual GPU as the training sees it: begin and end of work, memory, sensors."""

    def __init__(
        self, path: Path, *, name: str, uuid: str, memory_total_bytes: int, capacity: int = 4096
    ) -> None:
        """Create the file (0600) at `path`; an old one is replaced."""
        self._capacity = capacity
        self._written = 0
        size = HEADER_BYTES + capacity * SLOT_BYTES
        fresh = path.with_name(path.name + ".new")
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, size)
            self._map = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)
        _HEADER.pack_into(
            self._map, 0, MAGIC, VERSION, capacity, 0, 0, memory_total_bytes, 0, os.getpid(), 0,
            0.0, 0.0, 0.0, 0.0, name.encode()[:63], uuid.encode()[:47], 0,
        )  # fmt: skip
        # Renamed when complete, so that a reader never sees half a header.
        fresh.replace(path)

    def begin(self, unix_seconds: float) -> None:
        """The GPU starts to work."""
        struct.pack_into("<d", self._map, _BUSY_SINCE_OFFSET, unix_seconds)

    def end(self, start_unix_seconds: float, end_unix_seconds: float) -> None:
        """The GPU has worked from `start` to `end` and is idle again."""
        _SLOT.pack_into(
            self._map,
            HEADER_BYTES + (self._written % self._capacity) * SLOT_BYTES,
            start_unix_seconds,
            end_unix_seconds,
        )
        self._written += 1
        struct.pack_into("<Q", self._map, _WRITTEN_OFFSET, self._written)
        struct.pack_into("<d", self._map, _BUSY_SINCE_OFFSET, 0.0)

    def memory(self, used_bytes: int, reserved_bytes: int, process_bytes: int) -> None:
        """Set the device memory in use, what the driver reserves, and what this process holds."""
        (total,) = struct.unpack_from("<Q", self._map, _MEMORY_OFFSET + 8)
        struct.pack_into("<QQQ", self._map, _MEMORY_OFFSET, used_bytes, total, reserved_bytes)
        struct.pack_into("<Q", self._map, _PROCESS_MEMORY_OFFSET, process_bytes)

    def sensors(self, temperature_celsius: float, power_watts: float, sm_clock_hertz: float) -> None:
        """Set what the sensors show."""
        struct.pack_into("<ddd", self._map, _SENSORS_OFFSET, temperature_celsius, power_watts, sm_clock_hertz)

    def close(self) -> None:
        """Unmap the file; it stays on disk."""
        self._map.close()


class TimelineReader:
    """A timeline opened by somebody else, read-only and bounded.

    Read and not mapped: a writer that cuts a mapped file short would kill the reader (SIGBUS).
    """

    def __init__(self, path: str) -> None:
        """Open the file at `path`; raises TimelineError if it is not a timeline."""
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise TimelineError(f"cannot be opened: {error.strerror}") from error
        try:
            self._check()
            self.header()
        except TimelineError:
            self.close()
            raise

    def _check(self) -> None:
        found = os.fstat(self._descriptor)
        most = HEADER_BYTES + MAX_CAPACITY * SLOT_BYTES
        if not stat.S_ISREG(found.st_mode) or not HEADER_BYTES <= found.st_size <= most:
            raise TimelineError("is not a virtual GPU's timeline")
        self._slots = (found.st_size - HEADER_BYTES) // SLOT_BYTES

    def _read(self, size: int, offset: int) -> bytes:
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise TimelineError(f"cannot be read: {error.strerror}") from error

    def header(self) -> TimelineHeader:
        """Return the header; raises TimelineError if it is not one."""
        content = self._read(HEADER_BYTES, 0)
        if len(content) < HEADER_BYTES:
            raise TimelineError("was cut short")
        (
            magic, version, capacity, written, used, total, reserved, pid, _flags,
            busy_since, temperature, power, clock, name, uuid, process_bytes,
        ) = _HEADER.unpack_from(content)  # fmt: skip
        if magic != MAGIC or version != VERSION or not 0 < capacity <= self._slots:
            raise TimelineError("is not a virtual GPU's timeline of this version")
        return TimelineHeader(
            capacity, written, used, total, reserved, pid, busy_since, temperature, power, clock,
            _text(name), _text(uuid), process_bytes,
        )  # fmt: skip

    def is_replaced(self) -> bool:
        """Tell whether there is another file at the path by now, as where the training was started again."""
        try:
            return not os.path.samestat(os.stat(self._path), os.fstat(self._descriptor))  # noqa: PTH116
        except OSError:
            return False

    def intervals(self, since: int, header: TimelineHeader) -> list[tuple[float, float]]:
        """Return the busy intervals from number `since` on, as far as they are still there."""
        first = max(since, header.written - header.capacity)
        count = header.written - first
        if count <= 0:
            return []
        start = first % header.capacity
        before_the_end = min(count, header.capacity - start)
        found = self._read(before_the_end * SLOT_BYTES, HEADER_BYTES + start * SLOT_BYTES)
        found += self._read((count - before_the_end) * SLOT_BYTES, HEADER_BYTES)
        if len(found) < count * SLOT_BYTES:
            raise TimelineError("was cut short")
        return [(start, end) for start, end in _SLOT.iter_unpack(found)]

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def _text(padded: bytes) -> str:
    return padded.split(b"\0", 1)[0].decode("utf-8", "replace")
