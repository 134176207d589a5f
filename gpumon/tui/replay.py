"""What the dashboard asks of a replay, and the keys that ask for it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

from textual.binding import Binding

if TYPE_CHECKING:
    from gpumon.monitor.replay_state import ReplayState
    from gpumon.recording.mark import MarkKind

_MINUTE_SECONDS = 60.0


class Replay(Protocol):
    """The controls of a replay (gpumon.monitor.replay). Each returns at once."""

    def state(self) -> ReplayState:
        """Return where it stands."""
        ...

    def toggle(self) -> None:
        """Play or pause."""
        ...

    def change_speed(self, steps: int) -> None:
        """Play faster or slower."""
        ...

    def step(self, count: int) -> None:
        """Go by samples."""
        ...

    def move(self, seconds: float) -> None:
        """Go by seconds."""
        ...

    def seek(self, seconds: float) -> None:
        """Go to a moment."""
        ...

    def mark(self, steps: int, kinds: Collection[MarkKind] = ...) -> None:
        """Go to the next mark or to the one before."""
        ...


REPLAY_BINDINGS: tuple[Binding, ...] = (
    Binding(
        "full_stop,right_square_bracket",
        "replay('forward')",
        "step",
        id="replay.forward",
        tooltip="replay: one sample forward",
    ),
    Binding(
        "comma,left_square_bracket",
        "replay('back')",
        "step back",
        id="replay.back",
        tooltip="replay: one sample back",
    ),
    Binding(
        "greater_than_sign", "replay('faster')", "faster", id="replay.faster", tooltip="replay: play faster"
    ),
    Binding(
        "less_than_sign", "replay('slower')", "slower", id="replay.slower", tooltip="replay: play slower"
    ),
    Binding("f", "replay('minute')", "minute on", id="replay.minute", tooltip="replay: a minute forward"),
    Binding(
        "b", "replay('minute back')", "minute back", id="replay.minute_back", tooltip="replay: a minute back"
    ),
    Binding(
        "n", "replay('finding')", "next finding", id="replay.finding", tooltip="replay: to the next finding"
    ),
    Binding(
        "N",
        "replay('finding before')",
        "finding before",
        id="replay.finding_before",
        tooltip="replay: to the finding before",
    ),
    Binding(
        "e",
        "replay('event')",
        "next event",
        id="replay.event",
        tooltip="replay: to the next event: finding, epoch, phase, gap, end",
    ),
    Binding(
        "E",
        "replay('event before')",
        "event before",
        id="replay.event_before",
        tooltip="replay: to the event before",
    ),
    Binding("0", "replay('start')", "start", id="replay.start", tooltip="replay: to the first sample"),
    Binding("dollar_sign", "replay('end')", "end", id="replay.end", tooltip="replay: to the last sample"),
)


def _to_finding(replay: Replay, steps: int) -> None:
    from gpumon.monitor.replay_state import FINDINGS

    replay.mark(steps, FINDINGS)


_VERBS: dict[str, Callable[[Replay], None]] = {
    "play": lambda replay: replay.toggle(),
    "forward": lambda replay: replay.step(1),
    "back": lambda replay: replay.step(-1),
    "faster": lambda replay: replay.change_speed(1),
    "slower": lambda replay: replay.change_speed(-1),
    "minute": lambda replay: replay.move(_MINUTE_SECONDS),
    "minute back": lambda replay: replay.move(-_MINUTE_SECONDS),
    "finding": lambda replay: _to_finding(replay, 1),
    "finding before": lambda replay: _to_finding(replay, -1),
    "event": lambda replay: replay.mark(1),
    "event before": lambda replay: replay.mark(-1),
    "start": lambda replay: replay.seek(replay.state().first_seconds),
    "end": lambda replay: replay.seek(replay.state().last_seconds),
}


def drive(replay: Replay, verb: str) -> None:
    """Do what a key of REPLAY_BINDINGS says."""
    _VERBS[verb](replay)
