"""What the dashboard does with recordings: it shows one, or makes one."""

from __future__ import annotations

from textual.app import App
from textual.binding import Binding

from gpumon.tui.record_switch import RecordSwitch
from gpumon.tui.replay import Replay, drive
from gpumon.tui.widgets.replay_bar import ReplayBar

# What a recording cannot do, and what only it can.
_LIVE_ACTIONS = frozenset({"pause", "record"})
_REPLAY_ACTIONS = frozenset({"play", "replay"})


class RecordedApp(App[int]):
    """The base of the dashboard. `replay` is None on a live monitor."""

    def __init__(self, *, replay: Replay | None, switch: RecordSwitch, ansi: bool) -> None:
        super().__init__(ansi_color=True if ansi else None)
        self._replay = replay
        self._switch = switch

    @property
    def is_replay(self) -> bool:
        """Whether a recording is shown."""
        return self._replay is not None

    @property
    def is_recording(self) -> bool:
        """Whether what is shown is being written to a file."""
        return self._switch.is_recording

    def has(self, binding: Binding) -> bool:
        """Tell whether a binding of the dashboard does anything on this feed."""
        return bool(self.check_action(binding.action.partition("(")[0], ()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tell Textual which actions there are here: those of a replay, or those of a live monitor."""
        del parameters
        return action not in (_LIVE_ACTIONS if self.is_replay else _REPLAY_ACTIONS)

    def show_frame(self) -> None:
        """Show the frame on the screen that is open."""

    def tell(self, sentence: str) -> None:
        """Show a sentence for a few seconds. Its text is never read as markup."""
        self.notify(sentence, markup=False, timeout=4)

    def finish_recording(self) -> str:
        """End the recording that a key began, and return what became of it, or an empty text."""
        return self._switch.close()

    def tell_of_recording(self) -> None:
        """Say once that a recording stopped by itself."""
        if trouble := self._switch.trouble():
            self.tell(trouble)

    def action_play(self) -> None:
        """Play or pause a replay."""
        self.action_replay("play")

    def action_replay(self, verb: str) -> None:
        """Do what a key of a replay says."""
        if self._replay is not None:
            drive(self._replay, verb)

    def on_replay_bar_sought(self, event: ReplayBar.Sought) -> None:
        """Go where the bar was clicked."""
        if self._replay is not None:
            self._replay.seek(event.seconds)

    def action_record(self) -> None:
        """Start to record, or stop."""
        self.tell(self._switch.turn())
        self.show_frame()
