"""A real DataLoader of which some items never come, and which says how many batches wait for its loop.

usage: ready.py LATE [LATE ...]

Two workers load items in turn, one a batch, those named LATE never. "next" takes a batch in another thread,
since it may not return; "until N" answers once N batches wait in the queue or out of turn, "held N" once N
wait out of turn alone.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import warnings
from typing import Any

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")

from torch.utils.data import DataLoader  # noqa: E402 - the filter comes first

_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.01


class Items:
    """Numbers; the late ones are waited for in vain."""

    def __init__(self, late: set[int]) -> None:
        self._late = late

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, index: int) -> int:
        if index in self._late:
            time.sleep(3600)
        return index


def ready(batches: Any) -> int:
    """Return how many batches wait for the loop, as torch and multiprocessing know it themselves."""
    size: int = batches._data_queue.qsize()
    return size + held(batches)


def held(batches: Any) -> int:
    """Return how many of them have been received before their turn."""
    return sum(1 for task in tuple(batches._task_info.values()) if len(task) == 2)


def loop(late: set[int]) -> None:
    """Do what the lines of the input say."""
    batches = iter(DataLoader(Items(late), batch_size=1, num_workers=2))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        word, _, number = line.strip().partition(" ")
        if word == "next":
            threading.Thread(target=next, args=(batches,), daemon=True).start()
            continue
        count = held if word == "held" else ready
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while count(batches) != int(number) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        print(json.dumps(ready(batches)), flush=True)


if __name__ == "__main__":
    loop({int(word) for word in sys.argv[1:]})
