"""Whether the layout fits: what every Python process shows must be there and make sense."""

from __future__ import annotations

from gpumon.remote_python.errors import LayoutUnknown, NotRunning
from gpumon.remote_python.frame import Frame
from gpumon.remote_python.stack import MOST_FRAMES
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
    complaint, good, idle = "its stack cannot be read", 0, ""
    for _ in range(READS):
        frames = main.frames()
        if frames is None:
            continue
        if not frames:
            idle = "it runs no Python code"
            continue
        wrong = _what_is_wrong(frames)
        name = frames[-1].global_variable("__name__")
        if wrong is not None:
            complaint = wrong
        elif name is not None and name.is_none:
            # Py_FinalizeEx() sets the variables of modules to None.
            idle = "its modules are cleared"
        elif name is None or not name.str:
            complaint = "the module of the outermost function has no name"
        elif len(frames) < MOST_FRAMES and frames[-1].name not in _ROOTS:
            idle = f"its outermost function is {frames[-1].name[:60]}"
        else:
            good += 1
    if good >= ENOUGH_GOOD_READS:
        return
    if idle:
        raise NotRunning(f"the interpreter is starting or ending: {idle}")
    raise LayoutUnknown(f"of {READS} looks at the main thread only {good} made sense: {complaint}")


def _what_is_wrong(frames: tuple[Frame, ...]) -> str | None:
    for frame in frames:
        if not frame.name or not frame.name.isprintable():
            return "a function has no name"
        if not frame.file or not frame.file.isprintable():
            return "a function is from no file"
    line = frames[-1].line
    if line is not None and not 0 <= line < 1 << 24:
        return "a line number is impossible"
    return None
