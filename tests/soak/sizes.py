"""What the memory of a soak is made of: objects, caches, and what the allocators hold."""

from __future__ import annotations

import functools
import gc
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from textual.cache import FIFOCache, LRUCache

from tests.soak.heap import glibc, python
from tests.soak.ledger import FIRST_FLAT_DAY, DayEnd, row, rss_bytes

_LruCache = type(functools.lru_cache(lambda: None))
# Of each kind so many are told.
_TOP = 25


@dataclass(frozen=True, slots=True)
class Sizes:
    """Memory at one moment.

    `objects` are counts by type, `caches` entries by cache (of `functools.lru_cache` by function, of
    Textual's together by class), `heap` bytes of glibc and of Python's own allocator.
    """

    rss_bytes: int
    objects: Mapping[str, int]
    caches: Mapping[str, int]
    heap: Mapping[str, int]


def sizes() -> Sizes:
    """Return what the memory of this process is made of. On Linux with glibc 2.33 or later."""
    gc.collect()
    resident_bytes = rss_bytes()
    every = gc.get_objects()
    objects = Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in every)
    caches = dict(_caches(every))
    del every
    return Sizes(resident_bytes, objects, caches, {**glibc(), **python()})


def difference(before: Sizes, after: Sizes) -> str:
    """Return in lines what has become more from one moment to the other, the most first."""
    lines = [f"RSS: {after.rss_bytes - before.rss_bytes:+d} ({after.rss_bytes})"]
    for title, old, new in (
        ("heap", before.heap, after.heap),
        ("caches", before.caches, after.caches),
        ("objects", before.objects, after.objects),
    ):
        grown = sorted(((new[name] - old.get(name, 0), name) for name in new), reverse=True)[:_TOP]
        lines += [f"{title}: {count:+d} {name} ({new[name]})" for count, name in grown if count]
    return "\n".join(lines)


class SizesLog:
    """Writes at the end of each day what has grown since the second day of the process."""

    def __init__(self, file: TextIO) -> None:
        """Write to `file`."""
        self._file = file
        self._first: Sizes | None = None
        self._traced: tracemalloc.Snapshot | None = None

    def __call__(self, end: DayEnd) -> None:
        """Tell of the day that has ended."""
        print(row(end), file=self._file, flush=True)
        now = sizes()
        traced = tracemalloc.take_snapshot() if tracemalloc.is_tracing() else None
        if self._first is None or end.day_of_process <= FIRST_FLAT_DAY:
            self._first, self._traced = now, traced
            return
        print(difference(self._first, now), file=self._file)
        if traced is not None and self._traced is not None:
            for line in traced.compare_to(self._traced, "lineno")[:_TOP]:
                print(f"traced: {line}", file=self._file)
        self._file.flush()


def _caches(every: Sequence[Any]) -> Iterator[tuple[str, int]]:
    together: Counter[str] = Counter()
    for each in every:
        # Not isinstance: it asks an object for its class, and some objects do not answer.
        kind = type(each)
        if kind is _LruCache:
            name = f"{getattr(each, '__module__', '')}.{getattr(each, '__qualname__', '')}"
            info = each.cache_info()
            yield f"{name} of {info.maxsize}", info.currsize
        elif kind is LRUCache or kind is FIFOCache:
            together[f"{kind.__name__} of {each._maxsize}"] += len(each)
    yield from together.items()
