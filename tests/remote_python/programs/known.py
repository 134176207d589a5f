"""A program whose frames and objects are known, for every Python from 3.8 on.

It says in JSON the stack of its main thread as it sees it itself, then waits for its input to end.
"""

from __future__ import annotations

import collections
import functools
import json
import sys
import threading
from types import FrameType
from typing import Any, Iterator  # noqa: UP035 - Python 3.8 runs it


class Plain:
    """An instance with a few attributes: its class shares their names among instances."""

    def __init__(self, depth: int) -> None:
        self.epoch = 3
        self.name = "plain"
        self.ratio = 0.25
        self.child = Plain(depth - 1) if depth else None
        self.items = [depth]


class Dressed(Plain):
    """An instance whose __dict__ was asked for, and then grew."""

    def __init__(self) -> None:
        super().__init__(0)
        self.__dict__["late"] = "comer"
        for number in range(40):
            setattr(self, f"extra_{number}", number)


class Counter(int):
    """A number with attributes: its dict stands behind digits."""

    mark = ""


class Share(float):
    """A float of a class of one's own, as numpy.float64 is."""


class Slim(tuple):  # type: ignore[type-arg]  # noqa: SLOT001 - Python 3.8; it has a dict behind its items
    """A tuple with attributes."""

    mark = ""


class Cold(Exception):  # noqa: N818 - an instance of a C type with a dict
    """An exception with attributes."""

    mark = ""


def where(frame: FrameType | None) -> list[list[Any]]:
    """Return name and line of every frame, the innermost first."""
    stack: list[list[Any]] = []
    while frame is not None:
        stack.append([frame.f_code.co_name, frame.f_lineno])
        frame = frame.f_back
    return stack


def wait(lines: list[int]) -> None:
    """Say the stack and wait; the line that waits is the one below the one that asked."""
    asked = where(sys._getframe())
    asked[0][1] += 2
    say(asked, lines); sys.stdin.read()  # fmt: skip  # noqa: E702 - one line, so that the stack stays true


def say(stack: list[list[Any]], lines: list[int]) -> None:
    """Write the truth as one line of JSON."""
    print(json.dumps({"stack": stack, "lines": lines, "thread": threading.get_native_id()}), flush=True)


def steps(lines: list[int]) -> Iterator[int]:
    """Yield once, then wait within the second turn."""
    yield len(lines)
    wait(lines)


def compare(left: int, right: int) -> int:
    """Compare from within C: sorted() calls it back."""
    for _ in steps([left, right]):
        pass
    return left - right


def descend(levels: int) -> None:
    """Recurse, then let C call back into Python."""
    if levels:
        descend(levels - 1)
    else:
        sorted([2, 1], key=functools.cmp_to_key(compare))


def work(epoch: int, text: str, *rest: int, flag: bool = True, **more: int) -> None:
    """Hold one local variable of every kind that the reader understands."""
    zero, negative, digit, huge = 0, -12345678901, 2**30 - 1, 2**100
    enormous = 2**4000
    ratio, infinite, share = 1.5, float("-inf"), Share(2.5)
    nothing, yes, no = None, True, False
    latin, wide, wider, empty, long = "h\u00e9llo", "\u65e5\u672c", "\U0001f600x", "", "x" * 5000
    data = b"bytes"
    mixed, pair, void = [1, "a", 2.0, None, [2]], (1, "b"), ()
    table, numbers = {"k": 1, "other": [1], 3: 4, "gone": 0}, {number: str(number) for number in range(300)}
    del table["gone"]
    queue, ring = collections.deque(range(200)), collections.deque("abc", maxlen=2)
    queue.popleft()
    ordered, default = collections.OrderedDict(a=1), collections.defaultdict(int, b=2)
    plain, dressed, counter, slim, cold = Plain(2), Dressed(), Counter(7), Slim((1, 2, 3)), Cold("x")
    counter.mark, slim.mark, cold.mark = "c", "s", "e"
    kind, module, code = Plain, sys, work.__code__
    shared = 5

    def use() -> tuple[int, int, str]:
        """Make cells of a local variable and of an argument."""
        return shared, epoch, text

    use()
    descend(5)
    print(rest, flag, more, zero, negative, digit, huge, enormous, ratio, infinite, share, nothing, yes, no)
    print(latin, wide, wider, empty, long, data, mixed, pair, void, numbers, queue, ring, ordered, default)
    print(plain, dressed, kind, module, code)


if __name__ == "__main__":
    threading.Thread(target=threading.Event().wait, name="idle", daemon=True).start()
    answer = 42
    work(2, "hello", 8, 9, flag=False, extra=1)
