"""A look inside one process: its interpreter through /proc/PID/mem, and the reporter in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from gpumon.doctor.facts import InterpreterFacts, ReporterFacts
from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId
from gpumon.model.reading import TrainingReading
from gpumon.model.text import clean
from gpumon.remote_python import (
    Gone,
    Interpreter,
    LayoutUnknown,
    NoPermission,
    NotPython,
    NotRunning,
    RemotePythonError,
    VersionUnknown,
)
from gpumon.reporter.wire import VARIABLE
from gpumon.sources.process_details import read_command, read_environment, read_user
from gpumon.sources.reporter import ReporterSource
from gpumon.sources.users import UserNames

_KINDS: tuple[tuple[type[RemotePythonError], str], ...] = (
    (NoPermission, "no-permission"),
    (Gone, "gone"),
    (NotPython, "not-python"),
    (NotRunning, "not-running"),
    (VersionUnknown, "version-unknown"),
    (LayoutUnknown, "layout-unknown"),
)
# Options of Python that keep sitecustomize or PYTHONPATH out, and those that take a word of their own.
_KEEPING_OUT = "IES"
_WITH_A_WORD = frozenset("WX")
_ENDS_OPTIONS = frozenset("cm")

Attach = Callable[[int, int], Interpreter]


def look_inside(
    process: ProcessId, *, allowed: bool, attach: Attach = Interpreter.attach
) -> InterpreterFacts:
    """Attach once, which tests the layout by 20 looks at the main thread, and let go."""
    if not allowed:
        return InterpreterFacts("switched-off")
    try:
        with attach(process.pid, process.start_ticks) as interpreter:
            main = interpreter.main_thread
            frames = main.frames() if main is not None else None
            version = "CPython {}.{}".format(*interpreter.version)
            return InterpreterFacts("read", "", version, len(interpreter.threads()), len(frames or ()))
    except RemotePythonError as error:
        kind = next((name for of, name in _KINDS if isinstance(error, of)), "failed")
        return InterpreterFacts(kind, clean(error.reason, 300))
    except Exception as failure:  # noqa: BLE001 - a mistake of ours is shown as what it is
        return InterpreterFacts("failed", clean(f"{type(failure).__name__}: {failure}", 300))


def look_for_reporter(
    process: ProcessId, now: Instant, reading: TrainingReading | None, proc_root: str = "/proc"
) -> ReporterFacts:
    """Return whether a reporter answers: as the monitor saw it, or by a look of our own."""
    directory = f"{proc_root}/{process.pid}"
    command, _ = read_command(directory)
    return ReporterFacts(
        reading=_ask(process, now, proc_root) if reading is None else reading.reporter,
        is_started_by_run=_is_started_by_run(directory),
        keeping_out=keeping_out(command),
        age_seconds=_age_seconds(process, proc_root),
    )


def keeping_out(command: Sequence[str]) -> tuple[str, ...]:
    """Return Python's own options on a command line with which no reporter starts: -I, -E, -S."""
    found: list[str] = []
    words = iter(command[1:])
    for word in words:
        if not word.startswith("-") or word in ("-", "--") or word.startswith("--"):
            break
        for place, letter in enumerate(word[1:], start=1):
            if letter in _ENDS_OPTIONS:
                return tuple(dict.fromkeys(found))
            if letter in _WITH_A_WORD:
                if place == len(word) - 1:
                    next(words, None)
                break
            if letter in _KEEPING_OUT:
                found.append(f"-{letter}")
    return tuple(dict.fromkeys(found))


def _ask(process: ProcessId, now: Instant, proc_root: str) -> Maybe[str]:
    source = ReporterSource(process, proc_root)
    try:
        found = source.read(now)
    finally:
        source.close()
    return found if isinstance(found, Missing) else "reporter"


def _is_started_by_run(directory: str) -> bool | None:
    variables = read_environment(directory, (VARIABLE,), read_user(directory), UserNames())
    return None if isinstance(variables, Missing) else any(value for _, value in variables)


def _age_seconds(process: ProcessId, proc_root: str) -> float:
    """Return how long ago a process started, 0 where that is not known."""
    try:
        with open(f"{proc_root}/uptime", "rb") as file:  # noqa: PTH123 - /proc
            uptime = float(file.read(64).split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0
    return max(0.0, uptime - process.start_ticks / os.sysconf("SC_CLK_TCK"))
