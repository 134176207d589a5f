"""What py-spy writes: stacks with counts, a dump with variables, and errors."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from gpumon.model.text import clean
from gpumon.model.training import Phase
from gpumon.sources.interpreter_marks import FrameMarks, LoopLocals, is_between, judge
from gpumon.sources.interpreter_reading import LoopReading, PhaseLooks

_MOST = 1_000_000_000_000
# Where a main thread begins: a script, or `python -m` (CPython's runpy.py). All others: in threading.py.
_MAIN_BEGINS = ("<module>", "_run_module_as_main")
_COUNTS = (
    "epoch",
    "start_epoch",
    "epochs",
    "batch_index",
    "batch_number",
    "batches",
    "batch_size",
    "imgsz",
    "workers",
    "warmup_batches",
)


def parse_stacks(text: str, pid: int, marks: FrameMarks) -> tuple[PhaseLooks, ...]:
    """Return the looks at the main thread in what `py-spy record --format raw --threads` wrote.

    A line is `thread (TID): NAME;function (file);... COUNT`, the outermost function first. Lines that are
    not like that are left out.
    """
    found: dict[Phase, list[int]] = {}
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        if not count.isascii() or not count.isdigit() or not frames:
            continue
        if not _is_main(thread, pid, _frame(frames[0])[0]):
            continue
        phase, waits = judge(map(_frame, frames), marks)
        counts = found.setdefault(phase, [0, 0])
        counts[0] += min(int(count), 1_000_000)
        counts[1] += min(int(count), 1_000_000) if waits else 0
    return tuple(PhaseLooks(phase, looks, waits) for phase, (looks, waits) in found.items())


def _is_main(thread: str, pid: int, begins: str) -> bool:
    """Tell whether a thread is the main one. Up to CPython 3.10 its number is pthread's, not the kernel's."""
    if thread.startswith("thread (0x"):
        return begins in _MAIN_BEGINS
    return thread.startswith(f"thread ({pid})") or thread.endswith(": MainThread")


def _frame(text: str) -> tuple[str, str]:
    """Return function and file of `Class.function (file)` or `function (file:line)`."""
    name, _, rest = text.partition(" (")
    file = rest.removesuffix(")")
    path, colon, line = file.rpartition(":")
    return _plain(name), path if colon and line.isdigit() else file


def _plain(name: str) -> str:
    """Return a function's name without the class that py-spy puts before it."""
    return name.rpartition(".")[2]


def parse_dump(text: str, pid: int, marks: FrameMarks) -> LoopReading | None:
    """Return the loop's variables in what `py-spy dump --json --locals` wrote, None without a loop in it.

    Only plain variables: attributes of objects are not shown.
    """
    try:
        threads = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for thread in threads if isinstance(threads, list) else ():
        if isinstance(thread, dict):
            found = thread.get("frames")
            frames = [f for f in found if isinstance(f, dict)] if isinstance(found, list) else []
            if _is_main_dumped(thread, pid, frames):
                return _loop(frames, marks)
    return None


def _is_main_dumped(thread: dict[str, Any], pid: int, frames: Sequence[dict[str, Any]]) -> bool:
    if thread.get("os_thread_id") is None and frames and _plain(str(frames[-1].get("name"))) in _MAIN_BEGINS:
        return True
    return pid in (thread.get("os_thread_id"), thread.get("thread_id"))


def _loop(frames: Sequence[dict[str, Any]], marks: FrameMarks) -> LoopReading | None:
    """Return the variables of the loop's frame; frames stand with the innermost first."""
    stack = [(_plain(str(frame.get("name"))), str(frame.get("filename"))) for frame in frames]
    for place, (name, file) in enumerate(stack):
        if any(mark.fits(name, file) for mark in marks.loop):
            variables = _variables(frames[place].get("locals"))
            below = stack[place - 1] if place else None
            handing_over = (below is not None and is_between(*below)) or judge(stack, marks)[0] not in (
                Phase.TRAIN,
                Phase.UNKNOWN,
            )
            return _reading(variables, marks.locals, is_handing_over=handing_over)
    return None


def _variables(local: object) -> dict[str, float]:
    found: dict[str, float] = {}
    for entry in local if isinstance(local, list) else ():
        if isinstance(entry, dict):
            try:
                value = float(str(entry.get("repr"))[:40])
            except ValueError:
                continue
            if math.isfinite(value) and abs(value) < _MOST:
                found[str(entry.get("name"))] = value
    return found


def _reading(variables: dict[str, float], names: LoopLocals, *, is_handing_over: bool) -> LoopReading:
    def find(meaning: str) -> float | None:
        return next((variables[name] for name in getattr(names, meaning) if name in variables), None)

    counts: dict[str, Any] = {
        meaning: int(value)
        for meaning in _COUNTS
        if (value := find(meaning)) is not None and value >= 0 and value == int(value)
    }
    return LoopReading(**counts, accumulate=find("accumulate"), is_handing_over=is_handing_over)


def first_error(text: str) -> str:
    """Return the first line that begins with `Error:`, without that word: a backtrace in Rust follows it."""
    for line in text.splitlines():
        if line.startswith("Error:"):
            return clean(line.removeprefix("Error:").strip(), 200)
    return ""
