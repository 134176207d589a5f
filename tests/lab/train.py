"""A plain PyTorch training whose loader and computation cost what is asked, with its own truth.

usage: train.py --batch-size B --workers W --load-ms L --wait-ms S --compute-ms C --truth FILE [--ddp]

Each image costs a worker L ms of CPU (decompressing, as decoding does) and S ms of sleep (as remote storage
does); each batch costs the main process C ms of computing. Rank 0 writes a record of 32 bytes to FILE for
each `next()` of the loader, in the layout that tests.real.truth reads. It trains until it is killed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import random
import signal
import struct
import time
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")

import torch  # noqa: E402 - the filter comes first
from torch import distributed  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

_RECORD = struct.Struct("<ddiii4x")
_PR_SET_PDEATHSIG = 1
_IMAGES = 100_000
_SIDE = 32


class Pictures:
    """Pictures whose decoding takes `cpu_seconds` each, give or take 15 %, after `wait_seconds` of sleep."""

    def __init__(self, cpu_seconds: float, wait_seconds: float) -> None:
        self._cpu_seconds = cpu_seconds
        self._wait_seconds = wait_seconds
        self._compressed = zlib.compress(random.Random(1).randbytes(1 << 12) * 16)  # noqa: S311 - pixels

    def __len__(self) -> int:
        return _IMAGES

    def __getitem__(self, index: int) -> tuple[Any, int]:
        factor = 0.85 + 0.3 * (index * 7919 % 1000) / 1000
        if self._wait_seconds:
            time.sleep(self._wait_seconds * factor)
        end = time.thread_time() + self._cpu_seconds * factor
        while time.thread_time() < end:
            zlib.decompress(self._compressed)
        return torch.full((3, _SIDE, _SIDE), index % 255, dtype=torch.uint8), index % 10


class Truth:
    """The record of every `next()`; only rank 0 keeps one."""

    def __init__(self, path: Path, batch_size: int, workers: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600) if _rank() == 0 else -1
        self._settings = (0, batch_size, workers)
        self._offset = 0

    def stamp(self, batches: Iterator[Any]) -> Any:
        """Return the next batch; the record's end is 0 while it is waited for."""
        start = time.monotonic()
        self._write(start, 0.0)
        batch = next(batches)
        self._write(start, time.monotonic())
        self._offset += _RECORD.size
        return batch

    def _write(self, start: float, end: float) -> None:
        if self._file >= 0:
            os.pwrite(self._file, _RECORD.pack(start, end, *self._settings), self._offset)


def main() -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--load-ms", type=float, default=1.0)
    parser.add_argument("--wait-ms", type=float, default=0.0)
    parser.add_argument("--compute-ms", type=float, default=10.0)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--ddp", action="store_true")
    options = parser.parse_args()
    # A rank ends with its launcher, and a training with the tests that started it, however they end.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    torch.set_num_threads(1)
    if options.ddp:
        distributed.init_process_group("gloo")
    with contextlib.suppress(KeyboardInterrupt):
        train(options)


def train(options: argparse.Namespace) -> None:
    """Loop over batches; all ranks meet after each batch, as gradients do."""
    loader = DataLoader(
        Pictures(options.load_ms / 1000, options.wait_ms / 1000),
        batch_size=options.batch_size,
        num_workers=options.workers,
        shuffle=True,
    )
    truth = Truth(options.truth, options.batch_size, options.workers)
    model = torch.nn.Linear(3 * _SIDE * _SIDE, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    batches = iter(loader)
    while True:
        images, labels = truth.stamp(batches)
        end = time.monotonic() + options.compute_ms / 1000
        loss = torch.nn.functional.cross_entropy(model(images.flatten(1) / 255.0), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if options.ddp:
            distributed.all_reduce(loss.detach())
        while time.monotonic() < end:
            torch.rand(1000).sum()


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


if __name__ == "__main__":
    main()
