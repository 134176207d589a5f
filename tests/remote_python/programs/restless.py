"""A program that changes all it has, all the time.

What it holds at any moment keeps to these rules: `pair` is (n, -n), `count` a multiple of 3, `label`
"label-<n>", `row` holds multiples of 5, `box` has "key-<n>" with 7 times n, `thing.left` is a multiple of
11 and `thing.name` "thing-<n>", `queue` holds "q<n>", and a function "fresh_<n>" is from the file
"fresh_<n>.py".
"""

from __future__ import annotations

import collections
import random
import threading
from typing import Any, Iterator  # noqa: UP035 - Python 3.8 runs it

QUICK = 1000


class Thing:
    """An instance whose attributes come and go."""

    def __init__(self, number: int) -> None:
        self.left = 11 * number
        self.name = f"thing-{number}"


def numbers(count: int) -> Iterator[int]:
    """Yield some numbers from a frame that is not on the stack."""
    for number in range(count):
        text = str(number) * 3
        yield len(text) + number


def fresh(number: int) -> Any:
    """Compile and run a function that never was before, and forget it."""
    body = "    b = [a] * 3\n    return sum(b) + sum(i for i in b)\n"
    source = f"def fresh_{number}(a):\n{body}result = fresh_{number}(1)\n"
    space: dict[str, Any] = {}
    exec(compile(source, f"fresh_{number}.py", "exec"), space)  # noqa: S102 - that is the point
    return space["result"]


def descend(levels: int, number: int) -> int:
    """Recurse and come back."""
    held = [number] * levels
    return descend(levels - 1, number) + len(held) if levels else number


def spin(number: int) -> None:
    """Run shortly in a thread of its own."""
    sum(numbers(number % 50))


def churn() -> None:
    """Change everything for good."""
    pair, count, label = (0, 0), 0, "label-0"
    row: list[int] = []
    box: dict[str, int] = {}
    thing = Thing(0)
    queue: collections.deque[str] = collections.deque(maxlen=300)
    for number in range(1 << 60):
        pair, count, label = (number, -number), 3 * number, f"label-{number}"
        row.append(5 * number)
        if number % 7 == 0:
            row = row[-random.randrange(40) :]  # noqa: S311 - no secret
        if number % 11 == 0:
            row.clear()
        box[f"key-{number % 97}"] = 7 * (number % 97)
        box.pop(f"key-{(number * 31) % 97}", None)
        if number % 50 == 0:
            box = {}
        thing.left += 11
        thing.name = f"thing-{number}"
        if number % 13 == 0:
            thing = Thing(number)
        if number % 26 == 0:
            thing.__dict__["more"] = number
        queue.append(f"q{number}")
        if number % 17 == 0:
            queue.popleft()
        for _ in numbers(number % 5):
            fresh(number)
        descend(number % 20, number)
        sorted([3, 1, 2], key=lambda one: -one)
        if number % QUICK == 0:
            threading.Thread(target=spin, args=(number,)).start()
    print(pair, count, label, thing, queue)


if __name__ == "__main__":
    print("{}", flush=True)
    churn()
