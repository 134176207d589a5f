"""The processes of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from gpumon.model.kinds import Role
from gpumon.model.measure import known
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.row import Row, Span, clip, fit, pad
from gpumon.tui.list_pane import Entry, ListPane
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.process_branches import Branch, branches, parent_of
from gpumon.tui.widgets.process_columns import (
    AMOUNTS,
    PID_CELLS,
    ROLE_CELLS,
    columns_of,
    command_text,
    role_words,
)

if TYPE_CHECKING:
    from gpumon.model.process import ProcessId, ProcessReading

# Beside the first one.
_MANY_RANKS = 2


class ProcessTable(ListPane):
    """The tree of processes with role, state, CPU, wait for a core, memory and reading; sortable.

    A click on a heading orders by its column, another one the other way round; a click on `role` shows the
    tree, whose branches can be folded. Those of a training's ranks but the first are, where it has more than
    two: 8 ranks with 8 workers each would be 72 rows that are alike.
    """

    ROW_NOUN = "process"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "order", "order", id="processes.order", tooltip="order by the next column"),
        Binding("O", "reverse", "reverse", id="processes.reverse", tooltip="the other way round"),
        Binding("t", "tree", "tree", id="processes.tree", tooltip="as a tree, or by CPU"),
        Binding(
            "left",
            "fold",
            "fold",
            id="processes.fold",
            tooltip="in the tree: fold what is below, or go to the parent",
        ),
        Binding(
            "right", "unfold", "unfold", id="processes.unfold", tooltip="in the tree: show what is folded"
        ),
    ]

    ORDERS: ClassVar[tuple[str, ...]] = (
        "tree",
        "cpu",
        "core wait",
        "memory",
        "read",
        "pid",
        "state",
        "threads",
        "core",
    )

    class Ordered(Message):
        """The user has chosen an order."""

        def __init__(self, order: str) -> None:
            super().__init__()
            self.order = order

    class Refolded(Message):
        """There are more rows now, or fewer."""

    def __init__(self) -> None:
        super().__init__()
        self._order = self.ORDERS[0]
        self._is_reversed = False
        # What the user has folded, and what was folded by itself and the user has opened.
        self._folded: frozenset[ProcessId] = frozenset()
        self._opened: frozenset[ProcessId] = frozenset()
        # (start, end, order) of the headings as they were drawn last.
        self._headings: list[tuple[int, int, str]] = []

    @property
    def order(self) -> str:
        """What the rows are ordered by."""
        return self._order

    @property
    def selected(self) -> ProcessReading | None:
        """The process under the cursor."""
        return self.process(self.key)

    def process(self, key: str | None) -> ProcessReading | None:
        """Return the process of an entry's key, where it is still there."""
        return next((process for process in self._processes() if _key_of(process) == key), None)

    def order_by(self, order: str) -> None:
        """Order by one of ORDERS: the largest first, `pid` the lowest, `tree` as they were started."""
        if order not in self.ORDERS:
            message = f"no such order: {order}"
            raise ValueError(message)
        self._order, self._is_reversed = order, False
        self.redraw()

    def action_order(self) -> None:
        """Order by the next one of ORDERS."""
        self._choose(self.ORDERS[(self.ORDERS.index(self._order) + 1) % len(self.ORDERS)])

    def action_reverse(self) -> None:
        """Turn the order round; what is not known stays last."""
        self._is_reversed = not self._is_reversed
        self.redraw()

    def action_tree(self) -> None:
        """Show the tree, or the processes by CPU where the tree is shown."""
        self._choose("cpu" if self.order == "tree" else "tree")

    def action_fold(self) -> None:
        """Fold what is below the process under the cursor, or go to its parent where nothing is."""
        here = self.selected
        if here is None or self._order != "tree":
            return
        processes = self._processes()
        has_children = any(parent_of(other, processes) is here for other in processes)
        if has_children and here.id not in self._folded_among(processes):
            self._folded |= {here.id}
            self._opened -= {here.id}
            self._refold()
        elif (parent := parent_of(here, processes)) is not None:
            self.go_to(_key_of(parent))

    def action_unfold(self) -> None:
        """Show what is below the process under the cursor."""
        here = self.selected
        if here is not None and here.id in self._folded_among(self._processes()):
            self._folded -= {here.id}
            self._opened |= {here.id}
            self._refold()

    def _refold(self) -> None:
        self.redraw()
        self.post_message(self.Refolded())

    def heading_clicked(self, column: int) -> None:
        """Order by the column whose heading was clicked, or turn its order round."""
        for start, end, order in self._headings:
            if start <= column < end and order:
                if order == self._order:
                    self.action_reverse()
                else:
                    self._choose(order)

    def title(self, frame: Frame) -> Row:
        """Return how many processes there are, and their order."""
        count = len(self._processes(frame))
        name = f"{count} process{'' if count == 1 else 'es'} "
        turned = ", turned round" if self._is_reversed else ""
        return (Span(name, "title"), Span(f"by {self._order}{turned}", "dim"))

    def empty(self, frame: Frame) -> str:
        """Return why there are no rows."""
        return "no training is attached" if frame.training is None else "no process could be read"

    def heading(self, frame: Frame, width: int) -> Row:
        """Return the names of the columns, that of the order with a mark."""
        glyph = glyphs(frame.view.ascii)
        # What grows downwards points up: PIDs do by themselves.
        mark = glyph.up if (self._order == "pid") != self._is_reversed else glyph.down
        self._headings = []
        spans: list[Span] = []
        at = 0

        def put(name: str, order: str, cells: int, after: int = 0) -> None:
            nonlocal at
            is_here = order == self._order
            text = name + mark if is_here else name
            text = text.ljust(cells) if order == "tree" else text.rjust(cells)
            spans.append(Span(text + " " * after, "value" if is_here else "dim"))
            self._headings.append((at, at + cells, order))
            at += cells + after

        put("PID", "pid", PID_CELLS - 1, after=1)
        put("role", "tree", ROLE_CELLS)
        for column in columns_of(width, _held(frame)):
            put(column.heading, column.order, column.cells)
        return (*spans, Span("  command", "dim"))

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return a row per process."""
        glyph = glyphs(frame.view.ascii)
        columns = columns_of(width, _held(frame))
        room = width - PID_CELLS - ROLE_CELLS - sum(column.cells for column in columns) - 2
        entries: list[Entry] = []
        ranks = _ranks(frame)
        for process, lines, hidden in self._ordered(frame, glyph):
            cells = [column.spans(process) for column in columns]
            command = command_text(process)
            words = role_words(process, ranks.get(process.id))
            role = words + (f" +{hidden}" if hidden else "")
            row: Row = (
                Span(f"{process.id.pid:>{PID_CELLS - 1}} "),
                Span(lines, "dim"),
                Span(
                    pad(role, ROLE_CELLS - len(lines), glyph.ellipsis),
                    "info" if process.role in {Role.MAIN, Role.RANK} else "",
                ),
                *cells,
                Span("  "),
                Span(clip(command, max(0, room), glyph.ellipsis), "dim"),
            )
            # A filter looks into the whole command, of which the row has the beginning.
            text = _text_of(process, words) if self.wanted else ""
            entries.append(Entry(_key_of(process), fit(row, width), text))
        return entries

    def row_count(self, frame: Frame) -> int:
        """Return how many rows the processes take, what is folded left out."""
        processes = self._processes(frame)
        if self._order != "tree" or self.wanted:
            return len(processes)
        # Not only the children of what is folded are left out, but all that is below it.
        return len(self._ordered(frame, glyphs(frame.view.ascii)))

    def _folded_among(self, processes: Sequence[ProcessReading]) -> frozenset[ProcessId]:
        """Return the processes whose branches are folded."""
        ranks = frozenset(process.id for process in processes if process.role is Role.RANK)
        by_itself: frozenset[ProcessId] = ranks if len(ranks) >= _MANY_RANKS else frozenset()
        return (self._folded | by_itself) - self._opened

    def _choose(self, order: str) -> None:
        self.order_by(order)
        self.post_message(self.Ordered(order))

    def _processes(self, frame: Frame | None = None) -> tuple[ProcessReading, ...]:
        shown = frame or self.frame
        training = shown.training if shown is not None else None
        return training.processes if training is not None else ()

    def _ordered(self, frame: Frame, glyph: Glyphs) -> list[Branch]:
        """Return the processes in order, each with its branch of the tree."""
        processes = self._processes(frame)
        amount = AMOUNTS.get(self._order)
        if amount is None:
            # A filter finds what is folded away, too.
            folded: frozenset[ProcessId] = frozenset() if self.wanted else self._folded_among(processes)
            return list(branches(processes, glyph, folded, newest_first=self._is_reversed))
        amounts = {process.id: amount(process) for process in processes}
        there = [process for process in processes if amounts[process.id] is not None]
        there.sort(key=lambda process: amounts[process.id] or 0.0, reverse=not self._is_reversed)
        there += [process for process in processes if amounts[process.id] is None]
        return [Branch(process) for process in there]


def _held(frame: Frame) -> dict[int, int]:
    """Return what each process holds on all GPUs together, by PID."""
    held: dict[int, int] = {}
    for gpu in frame.report.sample.gpus:
        for user in known(gpu.processes) or ():
            held[user.pid] = held.get(user.pid, 0) + (known(user.gpu_memory_used_bytes) or 0)
    return held


def _ranks(frame: Frame) -> dict[ProcessId, int]:
    """Return the rank of each process of a training of several ranks; nothing of one rank."""
    members = () if frame.training is None else frame.training.training.members
    ranks = {member.id: member.rank for member in members if member.rank is not None}
    return ranks if len(set(ranks.values())) > 1 else {}


def _key_of(process: ProcessReading) -> str:
    return f"{process.id.pid}:{process.id.start_ticks}"


def _text_of(process: ProcessReading, role: str) -> str:
    command = " ".join(process.command)
    return f"{process.id.pid} {role} {process.user} {process.name} {command}"
