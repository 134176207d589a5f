"""The processes of a training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from gpumon.model.measure import Maybe, known
from gpumon.model.process import ProcessReading, Role
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import NOT_KNOWN, bytes_text, percent, rate_text
from gpumon.paint.row import Row, Span, clip, fit, pad
from gpumon.tui.list_pane import Entry, ListPane
from gpumon.tui.widgets.frame import Frame

_ROLE_WORDS = {
    Role.MAIN: "main",
    Role.TRAIN_WORKER: "train worker",
    Role.VAL_WORKER: "val worker",
    Role.POOL: "label scan",
    Role.LAUNCHER: "launcher",
    Role.RANK: "rank",
    Role.OTHER: "other",
}
_ROLE_CELLS = 20
_COMMAND_CELLS = 12
# Shares of a core from which a number stands out.
_BUSY_RATIO = 0.9
_WAIT_RATIO = 0.1


class _Column(NamedTuple):
    """A column: its heading, width, content, and the order in which columns go where room is short."""

    heading: str
    cells: int
    rank: int
    spans: Callable[[ProcessReading], Span]


_Key = Callable[[ProcessReading], float]


class ProcessTable(ListPane):
    """The tree of processes with role, state, CPU, wait for a core, memory and reading; sortable."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "order", "order", id="processes.order", tooltip="order by the next column"),
    ]

    ORDERS: ClassVar[tuple[str, ...]] = ("tree", "cpu", "core wait", "memory", "read", "pid")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's own parameter name)
        super().__init__(id=id, classes=classes)
        self._order = self.ORDERS[0]

    @property
    def order(self) -> str:
        """What the rows are ordered by."""
        return self._order

    @property
    def selected(self) -> ProcessReading | None:
        """The process under the cursor."""
        for process in self._processes():
            if _key_of(process) == self.key:
                return process
        return None

    def order_by(self, order: str) -> None:
        """Order the rows by one of ORDERS: the largest first, `tree` as they were started."""
        if order not in self.ORDERS:
            message = f"no such order: {order}"
            raise ValueError(message)
        self._order = order
        self.redraw()

    def action_order(self) -> None:
        """Order by the next one of ORDERS."""
        self.order_by(self.ORDERS[(self.ORDERS.index(self._order) + 1) % len(self.ORDERS)])

    def title(self, frame: Frame) -> Row:
        """Return how many processes there are, and their order."""
        count = len(self._processes(frame))
        name = f"{count} process{'' if count == 1 else 'es'} "
        return (Span(name, "title"), Span(f"by {self._order}", "dim"))

    def empty(self, frame: Frame) -> str:
        """Return why there are no rows."""
        return "no training is attached" if frame.training is None else "no process could be read"

    def heading(self, frame: Frame, width: int) -> Row:
        """Return the names of the columns."""
        del frame
        columns = _columns(width)
        names = "".join(column.heading.rjust(column.cells) for column in columns)
        return (Span(pad("    PID", 8) + pad("role", _ROLE_CELLS) + names + "  command", "dim"),)

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return a row per process."""
        glyph = glyphs(frame.view.ascii)
        columns = _columns(width)
        room = width - 8 - _ROLE_CELLS - sum(column.cells for column in columns) - 2
        entries: list[Entry] = []
        for process, branch in self._ordered(frame, glyph):
            cells = [column.spans(process) for column in columns]
            command = " ".join(process.command) or process.name
            row: Row = (
                Span(f"{process.id.pid:>7} "),
                Span(branch, "dim"),
                Span(
                    pad(_ROLE_WORDS[process.role], _ROLE_CELLS - len(branch), glyph.ellipsis),
                    "info" if process.role in {Role.MAIN, Role.RANK} else "",
                ),
                *cells,
                Span("  "),
                Span(clip(command, max(0, room), glyph.ellipsis), "dim"),
            )
            entries.append(Entry(_key_of(process), fit(row, width)))
        return entries

    def _processes(self, frame: Frame | None = None) -> tuple[ProcessReading, ...]:
        shown = frame or self.frame
        training = shown.training if shown is not None else None
        return training.processes if training is not None else ()

    def _ordered(self, frame: Frame, glyph: Glyphs) -> list[tuple[ProcessReading, str]]:
        """Return the processes in order, each with its branch of the tree."""
        processes = self._processes(frame)
        keys: dict[str, _Key] = {
            "cpu": lambda process: _amount(process.cpu_busy_ratio),
            "core wait": lambda process: _amount(process.run_queue_wait_ratio),
            "memory": lambda process: _amount(_memory_of(process)[0]),
            "read": lambda process: _amount(process.read_bytes_per_second),
            "pid": lambda process: -process.id.pid,
        }
        key = keys.get(self._order)
        if key is None:
            return list(_tree(processes, glyph))
        return [(process, "") for process in sorted(processes, key=key, reverse=True)]


def _key_of(process: ProcessReading) -> str:
    return f"{process.id.pid}:{process.id.start_ticks}"


def _tree(processes: tuple[ProcessReading, ...], glyph: Glyphs) -> Iterator[tuple[ProcessReading, str]]:
    """Yield parents before their children, with the lines that join them."""
    pids = {process.id.pid for process in processes}
    children: dict[int, list[ProcessReading]] = {}
    roots: list[ProcessReading] = []
    for process in sorted(processes, key=lambda process: process.id.pid):
        is_root = process.parent_pid not in pids or process.parent_pid == process.id.pid
        (roots if is_root else children.setdefault(process.parent_pid, [])).append(process)
    seen: set[int] = set()
    stack = [(process, "", "") for process in reversed(roots)]
    while stack:
        process, branch, stem = stack.pop()
        if process.id.pid in seen:
            continue
        seen.add(process.id.pid)
        # Deeper than this the role would have no room; the tree is then drawn flat.
        yield process, branch[-8:]
        below = children.get(process.id.pid, [])
        for index, child in reversed(list(enumerate(below))):
            last = index == len(below) - 1
            mark = glyph.last_branch if last else glyph.branch
            stack.append((child, f"{stem}{mark} ", stem + ("   " if last else glyph.stem + " ")))
    # A loop of parents (PIDs used again between two reads) has no root.
    yield from ((process, "") for process in processes if process.id.pid not in seen)


def _columns(width: int) -> list[_Column]:
    """Return the columns that have room beside PID, role and some of the command."""
    columns = [
        _Column("state", 6, 3, lambda process: Span(process.state.rjust(6))),
        _Column("CPU", 7, 0, _cpu),
        _Column(
            "no core", 8, 2, lambda process: _share(process.run_queue_wait_ratio, 8, _WAIT_RATIO, "warn")
        ),
        _Column("memory", 12, 1, _memory),
        _Column("read", 11, 4, lambda process: Span(rate_text(known(process.read_bytes_per_second), 11))),
        _Column("thr", 5, 5, lambda process: Span(_whole(process.threads, 5))),
        _Column("core", 6, 6, lambda process: Span(_whole(process.last_core, 6))),
    ]
    room = width - 8 - _ROLE_CELLS - 2 - _COMMAND_CELLS
    while columns and sum(column.cells for column in columns) > room:
        columns.remove(max(columns, key=lambda column: column.rank))
    return columns


def _cpu(process: ProcessReading) -> Span:
    return _share(process.cpu_busy_ratio, 7, _BUSY_RATIO, "value")


def _core_wait(process: ProcessReading) -> Span:
    return _share(process.run_queue_wait_ratio, 8, _WAIT_RATIO, "warn")


def _share(value: Maybe[float], cells: int, high: float, role: str) -> Span:
    ratio = known(value)
    return Span(percent(ratio, cells), role if ratio is not None and ratio >= high else "")


def _memory_of(process: ProcessReading) -> tuple[float | None, str]:
    """Return PSS, or RSS (which counts shared pages in full) where that cannot be read, and its name."""
    pss = known(process.memory_pss_bytes)
    return (pss, "pss") if pss is not None else (known(process.memory_rss_bytes), "rss")


def _memory(process: ProcessReading) -> Span:
    value, name = _memory_of(process)
    return Span(NOT_KNOWN.rjust(12) if value is None else f"{bytes_text(value, 8)} {name}")


def _whole(value: Maybe[int], cells: int) -> str:
    number = known(value)
    return (NOT_KNOWN if number is None else str(number)).rjust(cells)


def _amount(value: Maybe[float] | None) -> float:
    """Return a number to sort by; what is missing comes last."""
    found = known(value)
    return -1.0 if found is None else float(found)
