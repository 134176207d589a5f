"""A training on the stand-in for torch, for any Python from 3.8 on. It tells what it did, and waits.

usage: loop.py WHAT ...   each WHAT is one of the functions below; one line of JSON after each.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import torch


def told(**what: object) -> None:
    """Tell something and wait until there is a line to read, or no more input."""
    print(json.dumps(what), flush=True)
    sys.stdin.readline()


def stack(items: list[int]) -> list[Any]:
    """Make a batch of pictures and labels."""
    return [torch.Tensor(len(items), 3, 8, 16), torch.Tensor(len(items))]


def new_loader(count: int = 10) -> Any:
    """Return a loader of so many items in threes."""
    dataloader, _ = torch.load("utils.data.dataloader", "cuda")
    return dataloader.DataLoader(range(count), 3, stack)


def epochs() -> None:
    """Two passes with a step after each batch."""
    (optimizer_module,) = torch.load("optim.optimizer")
    loader, optimizer = new_loader(), optimizer_module.SGD()
    batches = 0
    for _ in range(2):
        for _ in loader:
            optimizer.step()
            batches += 1
    told(batches=batches)


def scaler() -> None:
    """Five steps through a scaler, two of them skipped, then one with scaling off."""
    names = ("optim.optimizer", "cuda.amp.grad_scaler", "amp.grad_scaler")
    optimizer_module, older, newer = torch.load(*names)
    optimizer, scaler = optimizer_module.SGD(), older.GradScaler()
    for scaler.found_inf in (False, True, False, True, False):
        scaler.step(optimizer)
    newer.GradScaler(enabled=False).step(optimizer)
    told()


def fused() -> None:
    """A scaler with an optimizer that decides on the GPU."""
    optimizer_module, newer = torch.load("optim.optimizer", "amp.grad_scaler")
    newer.GradScaler().step(optimizer_module.FusedAdam())
    told()


def many() -> None:
    """Forty loaders, of which the first is used again at the end."""
    first = new_loader()
    for loader in [first, *[new_loader() for _ in range(40)], first]:
        for _ in loader:
            pass
    told()


def cuda() -> None:
    """A batch, and the allocator's peaks reset before the next look at it."""
    loader = new_loader()
    next(iter(loader))
    told()
    figures = json.loads(os.environ["TORCH_STAND_IN_CUDA"])
    os.environ["TORCH_STAND_IN_CUDA"] = json.dumps({**figures, "allocated": 1, "allocated_peak": 1})
    time.sleep(1.1)
    next(iter(loader))
    told()


def child() -> None:
    """A forked child that trains on its own, between two passes of the parent."""
    loader = new_loader()
    list(loader)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        list(loader)
        list(new_loader())
        os.write(writing, b".")
        time.sleep(60)
        os._exit(0)
    os.read(reading, 1)
    list(loader)
    told(child=pid)


def closed() -> None:
    """All descriptors closed, one of them used again, and a fork."""
    loader = new_loader()
    list(loader)
    os.closerange(3, 64)
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(8)]
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        alive = sum(Path(f"/proc/self/fd/{file}").exists() for file in files)
        os.write(writing, b"%d" % alive)
        os._exit(0)
    alive = int(os.read(reading, 16))
    os.waitpid(pid, 0)
    list(loader)
    told(alive=alive, files=len(files))


def broken() -> None:
    """A batch whose shape cannot be read, then a loader without the attributes that torch's have."""
    (dataloader,) = torch.load("utils.data.dataloader")

    class Odd:
        @property
        def shape(self) -> object:
            raise RuntimeError("no shape")

    Odd.__name__ = "Tensor"
    batches = len(list(dataloader.DataLoader(range(6), 3, lambda _: [Odd()])))
    loader = new_loader()
    del loader.batch_sampler.sampler
    loader.batch_sampler.__class__ = type("Strange", (), {"__iter__": lambda _: iter([[0], [1]])})
    batches += len(list(loader))
    told(batches=batches)


def lists() -> None:
    """Lists of batches instead of samplers, in two passes: they cannot be told apart by a weak reference."""
    (dataloader,) = torch.load("utils.data.dataloader")

    class Data(list):  # type: ignore[type-arg]
        pass

    train, val = (dataloader.DataLoader(Data(range(9)), 3, stack) for _ in range(2))
    for loader, batches in ((train, [[0, 1], [2, 3], [4]]), (val, [[0], [1]])):
        loader.batch_sampler = batches
        for _ in range(2):
            list(loader)
    told()


def fails() -> None:
    """An error of the reporter's own in the middle of a pass."""
    (dataloader,) = torch.load("utils.data.dataloader")
    report = sys.meta_path[0]._failed.__self__  # type: ignore[attr-defined] # the one that is installed here
    original = dataloader._BaseDataLoaderIter.__next__.__wrapped__
    batches = 0
    for _ in new_loader():
        report.due_ns, report.beat = 0, lambda _: 1 / 0
        batches += 1
    told(batches=batches, is_given_back=dataloader._BaseDataLoaderIter.__next__ is original)


if __name__ == "__main__":
    warnings.simplefilter("error")
    for name in sys.argv[1:]:
        globals()[name]()
