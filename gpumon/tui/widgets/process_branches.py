"""The processes of a training as a tree: who started whom, some branches folded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gpumon.paint.glyphs import Glyphs

if TYPE_CHECKING:
    from gpumon.model.process import ProcessId, ProcessReading

# Deeper than this the role would have no room beside the lines.
_MOST_LINE_CELLS = 8


class Branch(NamedTuple):
    """A process with the lines that join it to its parent, and how many below it are folded away."""

    process: ProcessReading
    lines: str = ""
    hidden: int = 0


def branches(
    processes: Sequence[ProcessReading],
    glyph: Glyphs,
    folded: Collection[ProcessId] = (),
    *,
    newest_first: bool = False,
) -> Iterator[Branch]:
    """Yield parents before their children, siblings as they were started; nothing below those in `folded`."""
    roots, children = _family(processes, newest_first=newest_first)
    seen: set[int] = set()
    stack = [(process, "", "") for process in reversed(roots)]
    while stack:
        process, lines, stem = stack.pop()
        if process.id.pid in seen:
            continue
        seen.add(process.id.pid)
        below = children.get(process.id.pid, [])
        hidden = 0
        if below and process.id in folded:
            before = len(seen)
            _see_all(below, children, seen)
            hidden, below = len(seen) - before, []
        yield Branch(process, lines[-_MOST_LINE_CELLS:], hidden)
        for index, child in reversed(list(enumerate(below))):
            last = index == len(below) - 1
            mark = glyph.last_branch if last else glyph.branch
            stack.append((child, f"{stem}{mark} ", stem + ("   " if last else glyph.stem + " ")))
    # A loop of parents (PIDs used again between two reads) has no root.
    yield from (Branch(process) for process in processes if process.id.pid not in seen)


def parent_of(process: ProcessReading, processes: Sequence[ProcessReading]) -> ProcessReading | None:
    """Return the parent of a process, where it is one of `processes`."""
    return next(
        (other for other in processes if other.id.pid == process.parent_pid and other.id != process.id), None
    )


def _family(
    processes: Sequence[ProcessReading], *, newest_first: bool
) -> tuple[list[ProcessReading], dict[int, list[ProcessReading]]]:
    """Return those whose parent is none of them, and the children of each PID."""
    pids = {process.id.pid for process in processes}
    roots: list[ProcessReading] = []
    children: dict[int, list[ProcessReading]] = {}
    for process in sorted(processes, key=lambda process: process.id.pid, reverse=newest_first):
        is_root = process.parent_pid not in pids or process.parent_pid == process.id.pid
        (roots if is_root else children.setdefault(process.parent_pid, [])).append(process)
    return roots, children


def _see_all(
    processes: Sequence[ProcessReading], children: Mapping[int, Sequence[ProcessReading]], seen: set[int]
) -> None:
    """Add processes and all below them to `seen`."""
    left = [process.id.pid for process in processes]
    while left:
        pid = left.pop()
        if pid not in seen:
            seen.add(pid)
            left += [child.id.pid for child in children.get(pid, ())]
