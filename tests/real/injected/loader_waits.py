"""The truth about waiting for data: when each `next()` of a DataLoader began and ended.

The file named by LOADER_WAITS_FILE gets one record of 32 bytes a call: start and end (CLOCK_MONOTONIC
seconds; end 0 while the call lasts), which loader (in the order of first use), its batch size, its workers.
A call costs two `pwrite`s more, about 5 µs. The one named by LOADER_INNER_WAITS_FILE gets the same of the
part of `next()` that fetches the batch: whoever takes the time of `next()` itself finds no less than that,
and no more than the first one has.
"""

from __future__ import annotations

import itertools
import os
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

RECORD = struct.Struct("<ddiii4x")


def after_import(dataloader: Any) -> None:
    """Wrap `next()` of both kinds of iterators, and what fetches the batch, where a file is named for it."""
    loaders = itertools.count()
    for path, method in (
        (os.environ.get("LOADER_WAITS_FILE"), "__next__"),
        (os.environ.get("LOADER_INNER_WAITS_FILE"), "_next_data"),
    ):
        if not path:
            continue
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        offsets = itertools.count(step=RECORD.size)
        # Not in the class that they share: what others put around its `next()`, before or after, is inside.
        for name in ("_SingleProcessDataLoaderIter", "_MultiProcessingDataLoaderIter"):
            iterator = getattr(dataloader, name)
            setattr(iterator, method, _stamped(iterator, method, file, offsets, loaders))


def _stamped(
    iterator: Any, method: str, file: int, offsets: Iterator[int], loaders: Iterator[int]
) -> Callable[[Any], Any]:
    """The method of this class, recorded."""
    # Looked up at each call where it is inherited: others may wrap it later.
    original = vars(iterator).get(method)

    def __next__(self: Any) -> Any:  # noqa: N807 - it takes such a method's place and shows in stack dumps
        if not hasattr(self, "_truth"):
            self._truth = (next(loaders), _batch_size(self._index_sampler), self._num_workers)
        offset, start = next(offsets), time.monotonic()
        os.pwrite(file, RECORD.pack(start, 0.0, *self._truth), offset)
        try:
            return original(self) if original else getattr(super(iterator, self), method)()
        finally:
            os.pwrite(file, RECORD.pack(start, time.monotonic(), *self._truth), offset)

    return __next__


def _batch_size(sampler: Any) -> int:
    """The batch size of a batch sampler, also of one that YOLOv5 wraps to repeat it; 0 if unknown."""
    while sampler is not None and not hasattr(sampler, "batch_size"):
        sampler = getattr(sampler, "sampler", None)
    return int(getattr(sampler, "batch_size", 0))
