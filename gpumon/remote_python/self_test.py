"""Whether the layout fits: what every Python process shows must be there and make sense."""

from __future__ import annotations

from gpumon.remote_python.errors import LayoutUnknown, NotRunning
from gpumon.remote_python.frame import MOST_FRAMES, Frame
from gpumon.remote_python.thread import Thread

READS = 20
ENOUGH_GOOD_READS = 18
# What the outermost frame of a thread may be: a script or import; `python -m` (runpy.py); a thread, also of
# a process that was forked from one (threading.py); the end of a program (threading.py, atexit).
_ROOTS = frozenset({"<module>", "_run_module_as_main", "_bootstrap", "_shutdown", "_exitfunc"})


def check_layout(main: Thread | None) -> None:
    """Read the main thread's stack 20 times.

    Raises LayoutUnknown unless 18 of them are good, NotRunning if there is no stack.
    """
    if main is None:
        raise NotRunning("the interpreter has no threads: it is starting or ending")
    complaint, good, empty = "its stack cannot be read", 0, 0
    for _ in range(READS):
        frames = main.frames()
        if frames is None:
            continue
        if not frames:
            empty += 1
            continue
        wrong = _what_is_wrong(frames)
        if wrong is None:
            good += 1
        else:
            complaint = wrong
    if good >= ENOUGH_GOOD_READS:
        return
    if empty > READS - ENOUGH_GOOD_READS:
        raise NotRunning("the interpreter runs no Python code: it is starting or ending")
    raise LayoutUnknown(f"of {READS} looks at the main thread only {good} made sense: {complaint}")


def _what_is_wrong(frames: tuple[Frame, ...]) -> str | None:
    for frame in frames:
        if not frame.name or not frame.name.isprintable():
            return "a function has no name"
        if not frame.file or not frame.file.isprintable():
            return "a function is from no file"
    root = frames[-1]
    if len(frames) < MOST_FRAMES and root.name not in _ROOTS:
        return f"the outermost function is {root.name[:60]}"
    name = root.global_("__name__")
    if name is None or not name.str:
        return "the module of the outermost function has no name"
    line = root.line
    if line is not None and not 0 <= line < 1 << 24:
        return "a line number is impossible"
    return None
