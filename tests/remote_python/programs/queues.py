"""A program with queues of multiprocessing: it says how full they are, and waits for its input to end."""

from __future__ import annotations

import json
import multiprocessing
import sys


def work() -> None:
    """Hold queues of known length."""
    context = multiprocessing.get_context("fork")
    empty = context.Queue()
    three = context.Queue()
    bounded = context.Queue(5)
    mutex = context.RLock()
    for number in range(4):
        three.put(number)
    bounded.put("one")
    three.get()
    print(json.dumps({"empty": 0, "three": 3, "bounded": 1}), flush=True)
    sys.stdin.read()
    del empty, mutex


if __name__ == "__main__":
    work()
