"""A plain PyTorch training whose loader and computation cost what is asked, with its own truth.

usage: train.py --batch-size B --workers W --load-ms L --wait-ms S --compute-ms C --truth FILE
                [--rank-wait-ms X] [--rounds R] [--read-kb K --data FILE] [--images N] [--pin]
                [--start fork|spawn] [--ddp] [--asleep]

Each image costs a worker L ms of CPU (decompressing, as decoding does), S ms of sleep (as remote storage
does; X ms more for each rank before) and K kB read from a file past the page cache; each batch costs the
main process R rounds of computing and then as many as fit into the rest of C ms (with --asleep it sleeps
for the rest, as a main thread may that waits for its GPU). An epoch has N images, and workers of its own.
With --pin a thread copies batches as it does for a GPU: torch is told that there is one, and to clone tensors
instead of pinning them. Each rank writes a record of 32 bytes to FILE (rank 1 and later to FILE.RANK) for
each `next()` of the loader, in the layout that tests.real.truth reads. It trains until it is killed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import itertools
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

    def __init__(self, options: argparse.Namespace) -> None:
        self._cpu_seconds = options.load_ms / 1000
        self._wait_seconds = (options.wait_ms + options.rank_wait_ms * _rank()) / 1000
        self._read_bytes = options.read_kb * 1024
        self._data = options.data
        self._images = options.images
        self._compressed = zlib.compress(random.Random(1).randbytes(1 << 12) * 16)  # noqa: S311 - pixels

    def __len__(self) -> int:
        return int(self._images)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        factor = 0.85 + 0.3 * (index * 7919 % 1000) / 1000
        if self._wait_seconds:
            time.sleep(self._wait_seconds * factor)
        if self._read_bytes:
            self._read(index)
        end = time.thread_time() + self._cpu_seconds * factor
        while time.thread_time() < end:
            zlib.decompress(self._compressed)
        return torch.full((3, _SIDE, _SIDE), index % 255, dtype=torch.uint8), index % 10

    def _read(self, index: int) -> None:
        """Read a part of the file from the disk itself."""
        file = os.open(self._data, os.O_RDONLY)
        try:
            size = os.fstat(file).st_size
            offset = index * 7919 * 4096 % max(size - self._read_bytes, 1)
            os.posix_fadvise(file, offset, self._read_bytes, os.POSIX_FADV_DONTNEED)
            os.pread(file, self._read_bytes, offset)
        finally:
            os.close(file)


class Truth:
    """The record of every `next()` of one rank."""

    def __init__(self, path: Path, batch_size: int, workers: int) -> None:
        own = path if _rank() == 0 else path.with_name(f"{path.name}.{_rank()}")
        self._file = os.open(own, os.O_WRONLY | os.O_CREAT, 0o600)
        self._settings = (0, batch_size, workers)
        self._offset = 0

    def stamp(self, batches: Iterator[Any]) -> Any:
        """Return the next batch; the record's end is 0 while it is waited for."""
        self._write(time.monotonic(), 0.0)
        # The record's own write is no wait.
        start = time.monotonic()
        batch = next(batches)
        self._write(start, time.monotonic())
        self._offset += _RECORD.size
        return batch

    def _write(self, start: float, end: float) -> None:
        os.pwrite(self._file, _RECORD.pack(start, end, *self._settings), self._offset)


def main() -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--load-ms", type=float, default=1.0)
    parser.add_argument("--wait-ms", type=float, default=0.0)
    parser.add_argument("--rank-wait-ms", type=float, default=0.0)
    parser.add_argument("--compute-ms", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--read-kb", type=int, default=0)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--images", type=int, default=_IMAGES)
    parser.add_argument("--pin", action="store_true")
    parser.add_argument("--start", choices=("fork", "spawn"), default="fork")
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--ddp", action="store_true")
    parser.add_argument("--asleep", action="store_true")
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
    if options.pin:
        pretend_to_pin()
    loader = DataLoader(
        Pictures(options),
        batch_size=options.batch_size,
        num_workers=options.workers,
        shuffle=True,
        pin_memory=options.pin,
        multiprocessing_context=options.start if options.workers else None,
    )
    truth = Truth(options.truth, options.batch_size, options.workers)
    model = torch.nn.Linear(3 * _SIDE * _SIDE, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    for epoch in itertools.count():  # noqa: B007 - read from outside
        batches = iter(loader)
        for _ in range(len(loader)):
            images, labels = truth.stamp(batches)
            end = time.monotonic() + options.compute_ms / 1000
            loss = torch.nn.functional.cross_entropy(model(images.flatten(1) / 255.0), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if options.ddp:
                distributed.all_reduce(loss.detach())
            for _ in range(options.rounds):
                torch.rand(1000).sum()
            if options.asleep:
                time.sleep(max(0.0, end - time.monotonic()))
            while time.monotonic() < end:
                torch.rand(1000).sum()
        del batches


def pretend_to_pin() -> None:
    """Make torch's loader start its real pinning thread: without a GPU it clones what it would pin."""
    torch.accelerator.is_available = lambda: True
    torch.accelerator.current_accelerator = lambda: None
    torch.accelerator.current_device_index = lambda: 0
    torch.accelerator.set_device_index = lambda _: None
    torch.Tensor.pin_memory = lambda tensor: tensor.clone()


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


if __name__ == "__main__":
    main()
