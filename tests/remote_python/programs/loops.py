"""A program within its loops: over numbers, over an iterator that is counted, and over one as it is."""

from __future__ import annotations

import sys
from typing import Iterator  # noqa: UP035 - Python 3.8 runs it


class Batches:
    """An iterator of one's own."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __iter__(self) -> Iterator[str]:
        """Return itself."""
        return self

    def __next__(self) -> str:
        """Return its name."""
        return self.name


def fit(epochs: int) -> None:
    """Loop within loops, with a variable that an inner function uses."""
    kept = 5
    mine = Batches("by hand")

    def use() -> int:
        return kept

    for epoch in range(epochs):
        for number, batch in enumerate(Batches("counted")):
            for plain in Batches("plain"):
                rest(epoch, number, batch + plain, next(mine), use)


def rest(*told: object) -> None:
    """Say that it is there, and wait for the input to end."""
    print("null", flush=True)
    sys.stdin.read()
    del told


for _ in (7, 8):
    fit(2)
