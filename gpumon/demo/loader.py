"""A DataLoader of our own with PyTorch's shape: worker processes, prefetch 2, delivery in order.

What is seen from outside is what PyTorch shows: workers named pt_data_worker that poll their index
queue for 5 s, batches handed over as file descriptors of shared memory, and a thread pt_data_pin between
them and the training loop.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import multiprocessing
import os
import queue
import random
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

from gpumon.demo.scenario import DataCost

PREFETCH = 2
# torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL
STATUS_CHECK_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1
_BLOCK_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Task:
    """One batch to make: its number in the loader, and how many images it has."""

    number: int
    images: int


def name_thread(name: str) -> None:
    """Give the calling thread a name that /proc shows."""
    with contextlib.suppress(OSError):
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name)


class ImageWork:
    """What a worker does for one image: decode-like CPU work, storage latency, real disk reads."""

    def __init__(self, cost: DataCost, seed: int) -> None:
        """Prepare the work; opens the storage file where the scenario has one."""
        self._cost = cost
        self._random = random.Random(seed)  # noqa: S311 - jitter
        self._picture = zlib.compress(self._random.randbytes(1 << 14) * 4)
        self._buffer = mmap.mmap(-1, _BLOCK_BYTES)
        self._blocks = 0
        self._storage = self._open(cost.storage) if cost.direct_reads else -1

    def image(self) -> None:
        """Make one image."""
        end = time.thread_time() + self._cost.cpu_seconds * self._random.uniform(0.85, 1.15)
        for _ in range(self._cost.direct_reads if self._storage >= 0 else 0):
            self._read_block()
        if self._cost.wait_seconds:
            time.sleep(self._cost.wait_seconds * self._random.uniform(0.85, 1.15))
        while time.thread_time() < end:
            zlib.decompress(self._picture)

    def _open(self, storage: str) -> int:
        try:
            descriptor = os.open(storage, os.O_RDONLY | os.O_DIRECT)
        except OSError:
            # A file system without O_DIRECT (tmpfs): ordinary reads, dropped from the page cache.
            descriptor = os.open(storage, os.O_RDONLY)
        self._blocks = os.fstat(descriptor).st_size // _BLOCK_BYTES
        return descriptor

    def _read_block(self) -> None:
        offset = self._random.randrange(self._blocks) * _BLOCK_BYTES
        os.preadv(self._storage, [self._buffer], offset)
        os.posix_fadvise(self._storage, offset, _BLOCK_BYTES, os.POSIX_FADV_DONTNEED)


def crowded(cost: DataCost, workers: int, cores: int) -> DataCost:
    """Return what an image costs where more workers than cores slow each other."""
    excess = max(0.0, workers / cores - 1.0)
    return replace(cost, cpu_seconds=cost.cpu_seconds * (1.0 + cost.crowding * excess))


def _worker(
    index_queue: Any, data_queue: Any, *, cost: DataCost, image_bytes: int, seed: int, parent: int
) -> None:
    """Make batches until told to stop or the training is gone."""
    # The workers end with the training, also when it is killed.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    name_thread("pt_data_worker")
    work = ImageWork(cost, seed)
    while os.getppid() == parent:
        try:
            task = index_queue.get(timeout=STATUS_CHECK_SECONDS)
        except queue.Empty:
            continue
        if task is None:
            break
        for _ in range(task.images):
            work.image()
        # Two tensors a batch, images and targets, as file descriptors: what PyTorch's workers send.
        shared = [_shared_memory(image_bytes * task.images), _shared_memory(task.images * 24)]
        data_queue.put((task.number, task.images, [DupFd(descriptor) for descriptor in shared]))
        for descriptor in shared:
            os.close(descriptor)
    data_queue.cancel_join_thread()


def _shared_memory(size: int) -> int:
    descriptor = os.memfd_create("torch_demo")
    os.ftruncate(descriptor, size)
    os.pwrite(descriptor, b"\1", size - 1)
    return descriptor


class DemoLoader:
    """Delivers batches in order from worker processes that live for the whole run (InfiniteDataLoader)."""

    def __init__(
        self, cost: DataCost, *, images: int, batch_size: int, workers: int, image_bytes: int, pin: bool
    ) -> None:
        """Start the workers; they begin to prefetch at once, as YOLOv5's do."""
        context = multiprocessing.get_context("fork")
        cost = crowded(cost, workers, len(os.sched_getaffinity(0)))
        self.workers = workers
        self._sizes = [min(batch_size, images - first) for first in range(0, images, batch_size)]
        self._inline = ImageWork(cost, 0) if workers == 0 else None
        self._index_queues = [context.Queue() for _ in range(workers)]
        self._data_queue = context.Queue()
        self._processes = [
            context.Process(
                target=_worker,
                args=(indices, self._data_queue),
                kwargs={"cost": cost, "image_bytes": image_bytes, "seed": seed + 1, "parent": os.getpid()},
                daemon=True,
            )
            for seed, indices in enumerate(self._index_queues)
        ]
        for process in self._processes:
            process.start()
        self._sent = 0
        self._received = 0
        self._ready: dict[int, int] = {}
        self._take: Callable[[], tuple[int, int]] = self._from_pin_thread(pin)
        for _ in range(PREFETCH * workers):
            self._send()

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return len(self._sizes)

    def __iter__(self) -> Iterator[int]:
        """Yield the number of images of each batch of one epoch."""
        for size in self._sizes:
            yield self._inline_batch(size) if self._inline is not None else self._next()

    def close(self) -> None:
        """End the workers."""
        for indices in self._index_queues:
            indices.put(None)
        for process in self._processes:
            process.join(timeout=2.0)
            if process.is_alive():
                process.kill()

    def _inline_batch(self, size: int) -> int:
        assert self._inline is not None  # noqa: S101 - only called without workers
        for _ in range(size):
            self._inline.image()
        return size

    def _send(self) -> None:
        task = Task(self._sent, self._sizes[self._sent % len(self._sizes)])
        self._index_queues[self._sent % self.workers].put(task)
        self._sent += 1

    def _next(self) -> int:
        while self._received not in self._ready:
            number, images = self._take()
            self._ready[number] = images
        images = self._ready.pop(self._received)
        self._received += 1
        self._send()
        return images

    def _receive(self) -> tuple[int, int]:
        while True:
            try:
                number, images, shared = self._data_queue.get(timeout=STATUS_CHECK_SECONDS)
            except queue.Empty:
                continue
            for handle in shared:
                os.close(handle.detach())
            return number, images

    def _from_pin_thread(self, pin: bool) -> Callable[[], tuple[int, int]]:
        if not pin or not self.workers:
            return self._receive
        pinned: queue.Queue[tuple[int, int]] = queue.Queue()

        def copy() -> None:
            name_thread("pt_data_pin")
            # Ends with the process (a daemon); a closed queue at exit is no error worth a trace.
            with contextlib.suppress(OSError, EOFError):
                while True:
                    pinned.put(self._receive())

        def take() -> tuple[int, int]:
            while True:
                try:
                    return pinned.get(timeout=STATUS_CHECK_SECONDS)
                except queue.Empty:  # noqa: PERF203 - once in 5 s
                    continue

        threading.Thread(target=copy, daemon=True).start()
        return take
