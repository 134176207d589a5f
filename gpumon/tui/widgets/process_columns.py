"""The columns of the table of processes: their headings, their cells, and what they are ordered by."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gpumon.model.kinds import Role
from gpumon.model.measure import Maybe, known
from gpumon.paint.numbers import NOT_KNOWN, bytes_text, percent, rate_text
from gpumon.paint.row import Span

if TYPE_CHECKING:
    from gpumon.model.process import ProcessReading

_ROLE_WORDS = {
    Role.MAIN: "main",
    Role.TRAIN_WORKER: "train worker",
    Role.VAL_WORKER: "val worker",
    Role.POOL: "label scan",
    Role.LAUNCHER: "launcher",
    Role.RANK: "rank",
    Role.OTHER: "other",
}
PID_CELLS = 8
ROLE_CELLS = 19
_COMMAND_CELLS = 12
_MEMORY_CELLS = 13
# Shares of a core from which a number stands out.
_BUSY_RATIO = 0.9
_WAIT_RATIO = 0.1
# States from the one that does most to the one that is over (proc_pid_stat(5)).
_STATES = "RDSTtIZX"


class Column(NamedTuple):
    """A column: its heading and order (empty: none), width, content, and which goes first without room."""

    heading: str
    order: str
    cells: int
    rank: int
    spans: Callable[[ProcessReading], Span]


def role_words(process: ProcessReading, rank: int | None = None) -> str:
    """Return what a process does in its training, in the words of the table: `train worker`.

    With the `rank` of the main process of one of several ranks: `main, rank 0`, `rank 3`.
    """
    word = _ROLE_WORDS[process.role]
    if rank is None or process.role not in {Role.MAIN, Role.RANK}:
        return word
    return f"rank {rank}" if process.role is Role.RANK else f"{word}, rank {rank}"


def command_text(process: ProcessReading) -> str:
    """Return a command as it has room in a row: from the script on, without directories in front of it.

    `/opt/conda/bin/python /home/me/yolov5/train.py --img 640` is `train.py --img 640`.
    """
    words = list(process.command)
    if not words:
        return process.name
    words[0] = _base(words[0])
    if words[0].startswith("python") and len(words) > 1 and words[1].endswith(".py"):
        words = [_base(words[1]), *words[2:]]
    return shlex.join(words)


def columns_of(width: int, held: Mapping[int, int]) -> list[Column]:
    """Return the columns that have room beside PID, role and some of the command.

    `held` is the GPU memory in bytes by PID, as the driver tells it: without any there is no column for it.
    """
    columns = [
        Column("state", "state", 6, 3, lambda process: Span(process.state.rjust(6))),
        Column("CPU", "cpu", 7, 0, lambda process: _share(process.cpu_busy_ratio, 7, _BUSY_RATIO, "value")),
        Column(
            "no core",
            "core wait",
            9,
            2,
            lambda process: _share(process.run_queue_wait_ratio, 9, _WAIT_RATIO, "warn"),
        ),
        Column("memory", "memory", _MEMORY_CELLS, 1, _memory),
        Column(
            "read", "read", 11, 4, lambda process: Span(rate_text(known(process.read_bytes_per_second), 11))
        ),
        Column("thr", "threads", 5, 6, lambda process: Span(_whole(process.threads, 5))),
        Column("core", "core", 6, 7, lambda process: Span(_whole(process.last_core, 6))),
    ]
    if held:
        columns.insert(4, Column("GPU mem", "", 10, 5, lambda process: _held(held.get(process.id.pid))))
    room = width - PID_CELLS - ROLE_CELLS - 2 - _COMMAND_CELLS
    while columns and sum(column.cells for column in columns) > room:
        columns.remove(max(columns, key=lambda column: column.rank))
    return columns


def _base(path: str) -> str:
    return path.rpartition("/")[2] or path


def _share(value: Maybe[float], cells: int, high: float, role: str) -> Span:
    ratio = known(value)
    return Span(percent(ratio, cells), role if ratio is not None and ratio >= high else "")


def _memory_of(process: ProcessReading) -> tuple[float | None, str]:
    """Return PSS, or RSS (which counts shared pages in full) where that cannot be read, and its name."""
    pss = known(process.memory_pss_bytes)
    return (pss, "pss") if pss is not None else (known(process.memory_rss_bytes), "rss")


def _memory(process: ProcessReading) -> Span:
    value, name = _memory_of(process)
    text = NOT_KNOWN if value is None else f"{bytes_text(value)} {name}"
    return Span(text.rjust(_MEMORY_CELLS))


def _held(value: int | None) -> Span:
    return Span((NOT_KNOWN if value is None else bytes_text(value)).rjust(10), "" if value else "dim")


def _whole(value: Maybe[int], cells: int) -> str:
    number = known(value)
    return (NOT_KNOWN if number is None else str(number)).rjust(cells)


def _liveliness(process: ProcessReading) -> float:
    """Return a number that is the larger, the more a process does by its state."""
    return -float(_STATES.index(process.state) if process.state in set(_STATES) else len(_STATES))


# What each order counts by, the largest first; None where it is not known.
AMOUNTS: Mapping[str, Callable[[ProcessReading], float | None]] = {
    "cpu": lambda process: known(process.cpu_busy_ratio),
    "core wait": lambda process: known(process.run_queue_wait_ratio),
    "memory": lambda process: _memory_of(process)[0],
    "read": lambda process: known(process.read_bytes_per_second),
    "pid": lambda process: -process.id.pid,
    "state": _liveliness,
    "threads": lambda process: known(process.threads),
    "core": lambda process: known(process.last_core),
}
