"""Looking at everything that a reader can find, as deep as it goes."""

from __future__ import annotations

from collections.abc import Iterable

from gpumon.remote_python import Frame, Object, Thread

NAMES = ("epoch", "plain", "table", "mixed", "queue", "dressed", "levels", "slim", "text", "numbers", "x")
DEEPEST = 3
MOST_ITEMS = 8


def explore_threads(threads: Iterable[Thread]) -> int:
    """Look at every thread; return how many things were found."""
    return sum(explore_frames(thread.frames() or ()) for thread in threads)


def explore_frames(frames: tuple[Frame, ...]) -> int:
    """Look at every frame, its line and its variables."""
    found = 0
    for frame in frames[:20]:
        found += isinstance(frame.name, str) + isinstance(frame.file, str) + (frame.line is not None)
        for name in NAMES:
            found += explore_object(frame.local(name), DEEPEST)
        found += explore_object(frame.global_variable("__name__"), 1)
    return found


def explore_object(one: Object | None, depth: int) -> int:
    """Look at an object, and at what it holds."""
    if one is None:
        return 0
    told = (one.type_name, one.int, one.float, one.str, one.bool, one.len, one.is_none, repr(one))
    found = sum(value is not None for value in told)
    if depth:
        items = [one.item(0), one.get("k"), one.attr("name"), one.attr("child")]
        items += (one.items or ())[:MOST_ITEMS]
        for key, value in (one.entries or ())[:MOST_ITEMS]:
            items += [key, value]
        found += sum(explore_object(item, depth - 1) for item in items)
    return found
