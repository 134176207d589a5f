"""The training loop of a main thread: which frame it is, and its variables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from gpumon.model.text import clean
from gpumon.remote_python import Code, Frame, Object
from gpumon.sources.interpreter_marks import WAITING, FrameMark, LoopLocals, is_between
from gpumon.sources.interpreter_reading import LoopReading

_NO_COUNTS = {"iterator", "accumulate", "amp", "bar_text"}
_COUNTS = tuple(field.name for field in fields(LoopLocals) if field.name not in _NO_COUNTS)
_MOST_CHARACTERS = 300
_MOST = 1_000_000_000_000
_MOST_VOTES = 1000


class LoopFinder:
    """Finds the loop of a training of unknown kind: what asks for batches and stays while it computes.

    The direct caller of `__next__` need not be it: prefetchers and timers stand between. So each look
    that finds no waiting votes for the innermost of all callers that is still in the stack.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._callers: frozenset[tuple[str, str]] = frozenset()
        self._votes: Counter[tuple[str, str]] = Counter()
        self._winner: tuple[str, str] | None = None

    def learn(self, functions: Sequence[Code]) -> None:
        """Take in the stack of a thread that waits for a batch."""
        below = False
        callers = set()
        for function in functions:
            if WAITING.fits(function.name, function.file):
                below = True
            elif below and not is_between(function.name, function.file):
                callers.add((function.name, function.file))
        self._callers = frozenset(callers)

    def vote(self, functions: Sequence[Code]) -> FrameMark | None:
        """Take in the stack of a thread that does not wait; return the loop if another one is it now."""
        place = next(
            (key for function in functions if (key := (function.name, function.file)) in self._callers), None
        )
        if place is None:
            return None
        votes = self._votes
        votes[place] += 1
        if votes[place] > _MOST_VOTES:
            self._votes = Counter({caller: count // 2 for caller, count in votes.items()})
        if place == self._winner or (self._winner and votes[place] <= votes[self._winner]):
            return None
        self._winner = place
        return FrameMark(frozenset({place[0]}), place[1])


def read_loop(frame: Frame, names: LoopLocals, *, is_handing_over: bool) -> LoopReading:
    """Return the loop's variables; what is not there, or no number, is None."""
    counts: dict[str, Any] = {name: _whole(find(frame, getattr(names, name))) for name in _COUNTS}
    accumulate = _number(find(frame, names.accumulate))
    amp = find(frame, names.amp)
    bar = find(frame, names.bar_text)
    text = None if bar is None or bar.str is None else clean(bar.str, _MOST_CHARACTERS)
    return LoopReading(
        **counts,
        accumulate=accumulate,
        amp=None if amp is None else amp.bool,
        bar_text=text,
        is_handing_over=is_handing_over,
    )


def bar_total(frames: tuple[Frame, ...]) -> int | None:
    """Return how many batches a progress bar between `__next__` and the loop expects, None without one."""
    for frame in frames:
        if frame.name == "__iter__" and "/tqdm/" in frame.file:
            bar = frame.local("self")
            return _whole(None if bar is None else bar.attr("total"))
    return None


def find(frame: Frame, paths: tuple[str, ...]) -> Object | None:
    """Return what the first of the paths leads to that leads anywhere, None where none does."""
    for path in paths:
        first, *attributes = path.split(".")
        found = frame.local(first)
        for name in attributes:
            if found is None:
                break
            found = found.attr(name)
        if found is not None and not found.is_none:
            return found
    return None


def _whole(found: Object | None) -> int | None:
    value = _number(found)
    return int(value) if value is not None and value == int(value) and 0 <= value < _MOST else None


def _number(found: Object | None) -> float | None:
    if found is None or found.bool is not None:
        return None
    if found.int is not None:
        return float(found.int) if abs(found.int) < _MOST else None
    # YOLOv5's accumulate is a numpy.float64 while it warms up.
    return found.float if found.float is not None and math.isfinite(found.float) else None
