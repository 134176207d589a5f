"""The truth about waiting for data: when each `next()` of a DataLoader began and ended.

The file named by LOADER_WAITS_FILE gets one record of 32 bytes a call: start and end (CLOCK_MONOTONIC
seconds; end 0 while the call lasts), which loader (in the order of first use), its batch size, its workers.
A call costs two `pwrite`s more, about 5 µs.
"""

from __future__ import annotations

import itertools
import os
import struct
import time
from typing import Any

RECORD = struct.Struct("<ddiii4x")


def after_import(dataloader: Any) -> None:
    """Wrap `_BaseDataLoaderIter.__next__`, if a file for the records is named."""
    path = os.environ.get("LOADER_WAITS_FILE")
    if not path:
        return
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    iterator = dataloader._BaseDataLoaderIter
    original = iterator.__next__
    loaders, offsets = itertools.count(), itertools.count(step=RECORD.size)

    def __next__(self: Any) -> Any:  # noqa: N807 - it takes this method's place and shows in stack dumps
        if not hasattr(self, "_truth"):
            self._truth = (next(loaders), _batch_size(self._index_sampler), self._num_workers)
        offset, start = next(offsets), time.monotonic()
        os.pwrite(file, RECORD.pack(start, 0.0, *self._truth), offset)
        try:
            return original(self)
        finally:
            os.pwrite(file, RECORD.pack(start, time.monotonic(), *self._truth), offset)

    iterator.__next__ = __next__


def _batch_size(sampler: Any) -> int:
    """The batch size of a batch sampler, also of one that YOLOv5 wraps to repeat it; 0 if unknown."""
    while sampler is not None and not hasattr(sampler, "batch_size"):
        sampler = getattr(sampler, "sampler", None)
    return int(getattr(sampler, "batch_size", 0))
