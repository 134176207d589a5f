"""A PyTorch training that keeps its own truth about every `next()`, tells it as JSON, and waits.

usage: train.py [--workers N] [--method fork|spawn|forkserver] [--epochs E] [--accumulate A] [--sleep-ms S]
                [--persistent] [--endless] [--validate] [--own-sampler] [--crash-at N] [--threaded]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")

import torch  # noqa: E402 - the filter comes first
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler  # noqa: E402
from torch.utils.data.dataloader import (  # noqa: E402
    _MultiProcessingDataLoaderIter,
    _SingleProcessDataLoaderIter,
)

IMAGES, BATCH, HEIGHT, WIDTH = 46, 4, 24, 40


class Pictures:
    """Random pictures, each after a while."""

    def __init__(self, count: int, seconds: float) -> None:
        self.count, self.seconds = count, seconds

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Any, int]:
        time.sleep(self.seconds)
        return torch.rand(3, HEIGHT, WIDTH), index % 3


class ForEver:
    """A batch sampler that repeats another one, as YOLOv5's does: it has no length and no batch size."""

    def __init__(self, sampler: Any) -> None:
        self.sampler = sampler

    def __iter__(self) -> Iterator[list[int]]:
        while True:
            yield from iter(self.sampler)


class Drawing(SequentialSampler):  # type: ignore[misc] # torch is Any here
    """A sampler of the training's own that draws a number when its length is asked for."""

    def __len__(self) -> int:
        random.random()  # noqa: S311
        return int(super().__len__())


class Truth:
    """What one loop over a loader really did.

    `wait_ns` is the time around `next()`, `inner_ns` that around the part of torch's `next()` that gets the
    batch: whoever takes the time of `next()` itself finds no less than the one and no more than the other.
    """

    current: Truth | None = None

    def __init__(self) -> None:
        self.batches = self.samples = self.wait_ns = self.inner_ns = self.passes = 0

    def stamped(self, batches: Iterator[Any], count: int | None = None) -> Iterator[Any]:
        """Yield the batches of one pass, or so many, with the time each took."""
        self.passes += 1
        while count is None or count > 0:
            Truth.current = self
            start = time.monotonic_ns()
            try:
                batch = next(batches)
            except StopIteration:
                self.wait_ns += time.monotonic_ns() - start
                return
            self.wait_ns += time.monotonic_ns() - start
            self.batches += 1
            self.samples += len(batch[0])
            count = None if count is None else count - 1
            yield batch


def stamp_inside(iterator_class: Any) -> None:
    """Have the time taken in which an iterator of torch's gets its next batch."""
    original = iterator_class._next_data

    def _next_data(self: Any) -> Any:
        truth = Truth.current
        start = time.monotonic_ns()
        try:
            return original(self)
        finally:
            if truth is not None:
                truth.inner_ns += time.monotonic_ns() - start

    iterator_class._next_data = _next_data


def main() -> None:
    """Train as asked, tell the truth, wait until stdin is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--method", default="fork")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--sleep-ms", type=float, default=1.0)
    parser.add_argument("--persistent", action="store_true")
    parser.add_argument("--endless", action="store_true")
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--own-sampler", action="store_true")
    parser.add_argument("--crash-at", type=int)
    parser.add_argument("--threaded", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(7)
    random.seed(7)
    for iterator_class in (_SingleProcessDataLoaderIter, _MultiProcessingDataLoaderIter):
        stamp_inside(iterator_class)
    if options.threaded:
        thread = threading.Thread(target=train, args=(options,))
        thread.start()
        thread.join()
    else:
        train(options)
    for _ in sys.stdin:
        pass


def loader_of(options: argparse.Namespace, images: int, **more: Any) -> Any:
    """Return a loader of so many pictures."""
    if options.workers:
        more.update(multiprocessing_context=options.method, persistent_workers=options.persistent)
    return DataLoader(Pictures(images, options.sleep_ms / 1000), num_workers=options.workers, **more)


def train(options: argparse.Namespace) -> None:
    """Train, and tell the truth of both loaders, the losses and the random state at the end."""
    if options.own_sampler:
        sampler = Drawing(Pictures(IMAGES, 0))
        loader = loader_of(options, IMAGES, batch_sampler=BatchSampler(sampler, BATCH, drop_last=False))
    else:
        loader = loader_of(options, IMAGES, batch_size=BATCH, shuffle=True)
    length = -(-IMAGES // BATCH)
    if options.endless:
        object.__setattr__(loader, "batch_sampler", ForEver(loader.batch_sampler))
        endless = iter(loader)
    val_loader = loader_of(options, 10, batch_size=5)
    model = torch.nn.Linear(3 * HEIGHT * WIDTH, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    truth, val_truth = Truth(), Truth()
    losses, steps = [], 0
    for _ in range(options.epochs):
        batches = truth.stamped(endless, length) if options.endless else truth.stamped(iter(loader))
        for number, (images, labels) in enumerate(batches):
            loss = torch.nn.functional.cross_entropy(model(images.flatten(1)), labels)
            loss.backward()
            losses.append(loss.item().hex())
            if number % options.accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
                steps += 1
            if truth.batches == options.crash_at:
                raise RuntimeError("the training has crashed")
        if options.validate:
            for images, _ in val_truth.stamped(iter(val_loader)):
                model(images.flatten(1))
    told = {"train": vars(truth), "val": vars(val_truth), "steps": steps, "losses": losses}
    told["random"] = [random.random().hex(), torch.rand(1).item().hex()]  # noqa: S311
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
