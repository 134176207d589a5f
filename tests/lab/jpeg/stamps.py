"""The training's own record of its waits, in the layout that tests.real.truth reads."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_RECORD = struct.Struct("<ddiii4x")


class Stamps:
    """The record of every `next()`; loader 0 is the training's, 1 the validation's."""

    def __init__(self, path: Path) -> None:
        """Create the file."""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._offset = 0

    def next(self, batches: Iterator[Any], loader: int, batch_size: int, workers: int) -> Any:
        """Return the next batch; the record's end is 0 while it is waited for, then it has its true size."""
        start = time.monotonic()
        os.pwrite(self._file, _RECORD.pack(start, 0.0, loader, batch_size, workers), self._offset)
        batch = next(batches)
        end = time.monotonic()
        os.pwrite(self._file, _RECORD.pack(start, end, loader, len(batch[0]), workers), self._offset)
        self._offset += _RECORD.size
        return batch


def stamps_of(rank: int) -> str:
    """Return the name of the file with the stamps of a rank."""
    return f"waits.bin.{rank}" if rank else "waits.bin"
