"""The training loop of a main thread: which frame it is, and its variables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
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


@dataclass(frozen=True, slots=True)
class LoopVariables:
    """What a loop's function holds at one moment, by path (see LoopLocals), as far as a path leads anywhere.

    Variables themselves are of one moment; what is behind them is read right after, those of an object
    together.
    """

    found: Mapping[str, Object]

    def first(self, paths: tuple[str, ...]) -> Object | None:
        """Return what the first of the paths leads to that leads anywhere but to None."""
        return next((one for path in paths if (one := self.found.get(path)) and not one.is_none), None)

    def of_place(self, names: LoopLocals) -> list[Object]:
        """Return the variables that tell the place in the run, and change while it goes on."""
        paths = (*names.epoch, *names.batch_index, *names.batch_number)
        return [one for path in paths if "." not in path and (one := self.found.get(path)) is not None]


def read_variables(frame: Frame, paths: Iterable[str]) -> LoopVariables:
    """Return what these paths lead to from a frame on."""
    words = [tuple(path.split(".")) for path in paths]
    found: dict[tuple[str, ...], Object] = {}
    for name, one in frame.variables(path[0] for path in words).items():
        found[name,] = one
    for depth in range(1, max(map(len, words), default=0)):
        # By what they are attributes of: those of one object are read together.
        wanted: dict[tuple[str, ...], list[str]] = {}
        for path in words:
            if len(path) > depth and path[:depth] in found:
                wanted.setdefault(path[:depth], []).append(path[depth])
        for holder, names in wanted.items():
            for name, one in (found[holder].attrs(tuple(dict.fromkeys(names))) or {}).items():
                path = *holder, name
                found[path] = one
    return LoopVariables({".".join(path): one for path, one in found.items()})


def paths_of(names: LoopLocals) -> tuple[str, ...]:
    """Return all paths to the loop's variables, but for those to its iterator."""
    choices = [getattr(names, field.name) for field in fields(names) if field.name != "iterator"]
    return tuple(path for choice in choices for path in choice)


def read_loop(variables: LoopVariables, names: LoopLocals, *, is_handing_over: bool) -> LoopReading:
    """Return the loop's variables; what is not there, or no number, is None."""
    counts: dict[str, Any] = {name: _whole(variables.first(getattr(names, name))) for name in _COUNTS}
    amp = variables.first(names.amp)
    bar = variables.first(names.bar_text)
    text = None if bar is None or bar.str is None else clean(bar.str, _MOST_CHARACTERS)
    return LoopReading(
        **counts,
        accumulate=_number(variables.first(names.accumulate)),
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
