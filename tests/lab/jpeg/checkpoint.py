"""The checkpoint of a laboratory training, on a disk as slow as is asked for."""

from __future__ import annotations

import time
from pathlib import Path

import torch

_BYTES = 4 << 20


class SlowFile:
    """A file on a disk that takes its time for what is written to it."""

    def __init__(self, path: Path, seconds: float) -> None:
        """Open it; a whole checkpoint takes `seconds`."""
        self._file = path.open("wb")
        self._seconds_per_byte = seconds / _BYTES

    def write(self, data: bytes) -> int:
        """Write; return how much."""
        time.sleep(len(data) * self._seconds_per_byte)
        return self._file.write(data)

    def flush(self) -> None:
        """Hand over what was written."""
        self._file.flush()


def save(path: Path, seconds: float) -> None:
    """Write a checkpoint by torch.save, which gpumon knows by its frame."""
    torch.save({"weights": torch.zeros(_BYTES // 4)}, SlowFile(path, seconds))
