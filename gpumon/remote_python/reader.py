"""The reader of one interpreter's memory: where, in which layout, and what is known from earlier reads."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from gpumon.remote_python.layout import Layout
from gpumon.remote_python.memory import Memory, MemoryGone, TornRead
from gpumon.remote_python.record import Record

if TYPE_CHECKING:
    from gpumon.remote_python.code_object import Code
    from gpumon.remote_python.names import Names
    from gpumon.remote_python.type_object import RemoteType

T = TypeVar("T")
K = TypeVar("K")

# A torn read is repeated at once: of 2005 samples in busy transitions none was torn five times.
RETRIES = 4
# A cache is emptied when it is full. Of what a hostile process can make large, few are kept: a stack has
# some 30 functions, and their tables of lines and variables are small.
MOST_CACHED = 20_000
MOST_LARGE_CACHED = 256


class Reader:
    """Reads words, repeats torn reads, and keeps what does not change.

    `seconds` is a clock that never goes back. `torn_reads` counts the reads that were repeated, `lost_reads`
    those given up. The caches go by address; who uses an entry checks it against the memory first, since
    addresses are used again.
    """

    __slots__ = (
        "code_type",
        "codes",
        "layout",
        "line_tables",
        "local_places",
        "lost_reads",
        "memory",
        "metatypes",
        "names",
        "places",
        "records",
        "reused",
        "seconds",
        "texts",
        "torn_reads",
        "types",
    )

    def __init__(self, memory: Memory, layout: Layout, seconds: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self.memory = memory
        self.layout = layout
        self.records = Records(layout)
        self.torn_reads = 0
        self.lost_reads = 0
        self.codes: dict[int, Code] = {}
        self.code_type: int | None = None
        # Where a code object was seen in the place of another one.
        self.reused: dict[int, None] = {}
        self.line_tables: dict[Code, bytes] = {}
        self.local_places: dict[Code, dict[str, tuple[int, bool]]] = {}
        self.types: dict[int, RemoteType] = {}
        self.metatypes: dict[int, bool] = {}
        # Strings that are keys of dicts, by address; where a key stood in a table of keys the last time.
        self.texts: dict[int, str] = {}
        self.places: dict[tuple[int, str], int] = {}
        # What tables of keys have, by their address: see names.py.
        self.names: dict[int, Names] = {}

    def word(self, address: int) -> int:
        """Return the unsigned 64-bit number at `address`. Raises TornRead."""
        return int.from_bytes(self.memory.read(address, 8), "little")

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Return `count` unsigned 64-bit numbers. Raises TornRead."""
        return struct.unpack(f"<{count}Q", self.memory.read(address, 8 * count)) if count else ()

    def attempt(self, read: Callable[[], T]) -> T | None:
        """Return what `read` returns, repeated when torn; None if that does not help or all is gone."""
        for _ in range(1 + RETRIES):
            try:
                return read()
            except MemoryGone:  # noqa: PERF203 - one turn is the rule
                break
            except TornRead:
                self.torn_reads += 1
        self.lost_reads += 1
        return None


def keep(cache: dict[K, T], key: K, value: T, most: int = MOST_CACHED) -> T:
    """Put `value` into a cache that is emptied when it holds `most` entries, and return it."""
    if len(cache) >= most:
        cache.clear()
    cache[key] = value
    return value


class Records:
    """The structs that are read field by field, as a layout has them."""

    __slots__ = ("code", "frame", "keys", "mapping", "thread", "type")

    def __init__(self, layout: Layout) -> None:
        frame, code, thread = layout.frame, layout.code, layout.thread
        kind = layout.type
        keys = layout.mapping
        # previous, code, instruction, owner
        self.frame = Record(
            (frame.previous, "Q"),
            (frame.code, "Q"),
            (frame.instruction, "q" if frame.instruction_bytes == 8 else "i"),
            *([(frame.owner, "B")] if frame.owner is not None else []),
        )
        # type, first line, flags, name, file name
        self.code = Record(
            (layout.object.type, "Q"),
            (code.first_line, "i"),
            (code.flags, "I"),
            (code.name, "Q"),
            (code.filename, "Q"),
        )
        # next, interpreter, pthread, native id, frame
        self.thread = Record(
            (thread.next, "Q"),
            (thread.interpreter, "Q"),
            (thread.thread_id, "Q"),
            (thread.frame, "Q"),
            *([(thread.native_id, "Q")] if thread.native_id is not None else []),
        )
        # metatype, name, basic size, item size, flags, base, offset of the dict
        self.type = Record(
            (layout.object.type, "Q"),
            (kind.name, "Q"),
            (kind.basicsize, "q"),
            (kind.itemsize, "q"),
            (kind.flags, "Q"),
            (kind.base, "Q"),
            (kind.dictoffset, "q"),
        )
        # used, keys, values
        self.mapping = Record((keys.used, "Q"), (keys.keys, "Q"), (keys.values, "Q"))
        # size or its logarithm, entries; bytes of the index and kind of the keys
        if keys.keys_index_bytes is None or keys.keys_kind is None:
            self.keys = Record((keys.keys_size, "Q"), (keys.keys_entry_count, "Q"))
        else:
            self.keys = Record(
                (keys.keys_size, "B"),
                (keys.keys_entry_count, "Q"),
                (keys.keys_index_bytes, "B"),
                (keys.keys_kind, "B"),
            )
