"""Signals a process, after a question whose answer is no unless another one is given."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from signal import Signals
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from gpumon.model.process import ProcessReading
from gpumon.model.text import clean
from gpumon.monitor.signals import CHOICES, ProcessSignaller, Signaller
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.row import Row, Span, clip, row_text
from gpumon.tui.key_line import Item
from gpumon.tui.list_pane import Entry, ListPane, ScrollPane
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.signal_words import short_words, signal_words
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.process_columns import role_words
from gpumon.tui.wrap import wrap, wrap_exactly

_FRAME_ROWS = 2
_NAME_CELLS = 15
# More of a command never pushes out of sight what the signal means.
_LEAST_COMMAND_ROWS = 2
_MOST_USER_CHARACTERS = 40
_STOPPED = frozenset({"T", "t"})
_NO, _YES = "no", "yes"


class SignalList(ListPane):
    """First the signals, then the question whether the chosen one is sent."""

    DEFAULT_CSS = f"SignalList {{ height: {len(CHOICES) + _FRAME_ROWS}; max-height: 60%; }}"

    def __init__(self, process: ProcessReading) -> None:
        super().__init__()
        self._process = process
        self._asked: Signals | None = None

    @property
    def asked(self) -> Signals | None:
        """The signal that is asked about; None while it is chosen."""
        return self._asked

    @property
    def here(self) -> Signals:
        """The signal that is chosen, or the one under the cursor."""
        return self._asked or next((each for each in CHOICES if each.name == self.key), CHOICES[0])

    def ask(self, number: Signals) -> None:
        """Ask about a signal, the cursor on no."""
        self._asked = number
        self.to_top()
        self.redraw()

    def title(self, frame: Frame) -> Row:
        """Return what is to be chosen, or the question."""
        del frame
        who = f"{self._process.id.pid} ({role_words(self._process)})"
        if self._asked is None:
            return (Span(f"signal {who}: which one?", "title"),)
        return (Span(f"send {self._asked.name} to {who}?", "warn"),)

    def start(self, frame: Frame) -> str | None:
        """Return the signal that lets a stopped process go on; for others the first one."""
        del frame
        is_stopped = self._process.state in _STOPPED
        return Signals.SIGCONT.name if self._asked is None and is_stopped else None

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return the signals, or the two answers."""
        del frame, width
        if self._asked is None:
            return [
                Entry(
                    each.name, (Span(f"{each.name:<8} {each.value:>2}  ", "value"), Span(short_words(each)))
                )
                for each in CHOICES
            ]
        yes = f"yes, send {self._asked.name} to {self._process.id.pid}"
        return [
            Entry(_NO, (Span("n", "key"), Span("  no, send nothing"))),
            Entry(_YES, (Span("y", "key"), Span(f"  {yes}", "warn"))),
        ]


class SignalMeaning(ScrollPane):
    """Who would get the signal, and what it would do."""

    def __init__(self, process: ProcessReading, listed: SignalList) -> None:
        super().__init__()
        self._process = process
        self._listed = listed

    def title(self, frame: Frame) -> Row:
        """Return what is shown."""
        del frame
        return (Span(f"what {self._listed.here.name} does", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return the process, then what the signal means for it and for its training."""
        process, glyph = self._process, glyphs(frame.view.ascii)
        room = max(8, width - _NAME_CELLS - 1)
        user = clean(process.user, _MOST_USER_CHARACTERS) or "not known"
        who = f"{process.id.pid}, {role_words(process)}, of user {user}"
        head = _named("signal to", wrap(who, room, "value"))
        rows: list[Row] = []
        training = frame.training
        if training is not None and all(other.id != process.id for other in training.processes):
            rows += _named("mind", wrap("this process has ended, or is the training's no more", room, "warn"))
        for name, sentence in signal_words(self._listed.here, process, training):
            is_command = name == "to go on"
            rows += _named(name, wrap_exactly(sentence, room) if is_command else wrap(sentence, room))
        left = self.size.height - _FRAME_ROWS - len(head) - 1 - len(rows)
        return [*head, *_named("command", self._command(room, left, glyph)), (), *rows]

    def _command(self, room: int, left: int, glyph: Glyphs) -> list[Row]:
        """Return the command in as many rows as are left, two at least, with an ellipsis where it is cut."""
        most = max(_LEAST_COMMAND_ROWS, left)
        process = self._process
        # 10 kB of arguments are a command, too. Cleaned once more, as all depends on this.
        command = clean(shlex.join(process.command) or process.name, room * most + 1)
        broken = wrap_exactly(command, room)
        if len(broken) > most:
            last = row_text(broken[most - 1])
            broken[most - 1] = (Span(clip(last, room - 1, "") + glyph.ellipsis),)
        return broken[:most]


class SignalScreen(ViewScreen):
    """The choice of a signal and the question, on top of the list of processes."""

    KEYS = (Item("enter", "choose", "enter"),)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('yes')", "yes", id="signal.yes", tooltip="send the signal that is asked about"),
        Binding("n", "answer('no')", "no", id="signal.no", tooltip="send nothing"),
    ]

    def __init__(self, process: ProcessReading, signaller: Signaller) -> None:
        super().__init__()
        self._process = process
        self._signaller = signaller
        self._listed = SignalList(process)

    def body(self) -> Iterable[Widget]:
        """Return the list, and what is said of it."""
        yield self._listed
        yield SignalMeaning(self._process, self._listed)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tell Textual that there is nothing to answer before the question."""
        if action == "answer" and self._listed.asked is None:
            return False
        return super().check_action(action, parameters)

    def action_answer(self, answer: str) -> None:
        """Send the signal, or close the question."""
        number = self._listed.asked
        if answer == _NO or number is None:
            self.dismiss()
            return
        process = self._process
        refused = self._signaller.send(process.id, number)
        self.dismiss()
        self.dashboard.tell(refused or f"sent {number.name} to {process.id.pid} ({role_words(process)})")

    @on(ListPane.Moved)
    def _explain(self) -> None:
        self.query_one(SignalMeaning).redraw()

    @on(ListPane.Chosen)
    def _choose(self, event: ListPane.Chosen) -> None:
        if self._listed.asked is not None:
            self.action_answer(event.key)
            return
        self._listed.ask(self._listed.here)
        self._explain()


class SignallingScreen(ViewScreen):
    """A screen with a process under the cursor, which a key signals."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "K,f9",
            "signal",
            "signal process",
            id="processes.signal",
            tooltip="choose a signal for the process under the cursor; asks before it is sent",
        ),
    ]

    def __init__(self, signaller: Signaller | None = None) -> None:
        """Signal by `signaller`; None: the processes of this machine."""
        super().__init__()
        self._signaller = ProcessSignaller() if signaller is None else signaller

    @property
    def signaller(self) -> Signaller:
        """Who signals."""
        return self._signaller

    def process_here(self) -> ProcessReading | None:
        """Return the process under the cursor."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tell Textual that the processes of a recording cannot be signalled."""
        if action == "signal" and self.dashboard.is_replay:
            return False
        return super().check_action(action, parameters)

    def action_signal(self) -> None:
        """Open the choice of signals, or say why there is none."""
        process = self.process_here()
        if self.dashboard.is_readonly:
            self.dashboard.tell("no signal is sent: gpumon was started with --readonly")
        elif process is None:
            self.dashboard.tell("no process is under the cursor")
        else:
            self.app.push_screen(SignalScreen(process, self._signaller))


def _named(name: str, rows: Sequence[Row]) -> list[Row]:
    """Return rows beside their name, which stands in front of the first."""
    first, *others = rows
    head = Span(f" {name:<{_NAME_CELLS - 2}} ", "dim")
    return [(head, *first), *((Span(" " * _NAME_CELLS), *row) for row in others)]
