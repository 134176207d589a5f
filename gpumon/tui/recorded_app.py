"""What the dashboard does with recordings: it shows one, or makes one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from textual.app import ScreenStackError
from textual.binding import Binding
from textual.message import Message
from textual.notifications import Notify, SeverityLevel
from textual.widgets._toast import ToastHolder, ToastRack

from gpumon.tui.heap import TidyApp
from gpumon.tui.notice import MOST_NOTICES, Notice
from gpumon.tui.record_switch import RecordSwitch
from gpumon.tui.replay import Replay, drive

if TYPE_CHECKING:
    from gpumon.tui.widgets.replay_bar import ReplayBar

# A stop that takes longer is told of.
_PATIENCE_SECONDS = 0.5
# What a recording cannot do, and what only it can. It has the key of `now` for a moment of its own.
_LIVE_ACTIONS = frozenset({"pause", "record", "signal", "now"})
_REPLAY_ACTIONS = frozenset({"play", "replay"})


class RecordingOver(Message):
    """A recording has ended, and its file is closed."""


class RecordedApp(TidyApp):
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

    @property
    def is_ending(self) -> bool:
        """Whether a recording has stopped and what became of it is not told yet."""
        return self._switch.is_ending

    def has(self, binding: Binding) -> bool:
        """Tell whether a binding of the dashboard does anything on this feed."""
        return bool(self.check_action(binding.action.partition("(")[0], ()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tell Textual which actions there are here: those of a replay, or those of a live monitor."""
        del parameters
        return action not in (_LIVE_ACTIONS if self.is_replay else _REPLAY_ACTIONS)

    def show_frame(self) -> None:
        """Show the frame on the screen that is open."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a text for a few seconds. From any thread."""
        seconds = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        self.post_message(Notify(Notice(message, title, severity, seconds, markup=markup)))

    def on_notify(self) -> None:
        """Make room for what is to be shown: a key that is held down says its word thirty times a second."""
        for oldest in tuple(self._notifications)[: 1 - MOST_NOTICES]:
            self._unnotify(oldest, refresh=False)
            # Textual would take away the text, and leave what holds it for ever. Not found by a selector:
            # a thousand of them are remembered.
            name = ToastRack._toast_id(oldest)  # noqa: SLF001 - Textual has no other way
            with suppress(ScreenStackError):
                for holder in self.screen.query(ToastHolder):
                    if holder.id == name:
                        holder.remove()

    def tell(self, sentence: str) -> None:
        """Show a sentence for a few seconds. Its text is never read as markup."""
        self.notify(sentence, markup=False, timeout=4)

    def finish_recording(self) -> str:
        """End the recording that a key began, and return what became of it, or an empty text."""
        return self._switch.close()

    def on_mount(self) -> None:
        """Remember what a recording begins with, and hear of the end of one."""
        if not self.is_replay:
            # The first frame does not wait for it.
            self.call_after_refresh(self._switch.remember)
        self._switch.listen(self._recording_is_over)

    def on_recording_over(self) -> None:
        """Say what became of a recording, also while the picture is held."""
        if word := self._switch.last_word():
            self.tell(word)
        self.show_frame()

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
        if word := self._switch.turn():
            self.tell(word)
        else:
            self.set_timer(_PATIENCE_SECONDS, self._tell_of_closing)
        self.show_frame()

    def action_runs(self) -> None:
        """Open the list of runs, or close what is open of it."""
        from gpumon.tui.screens.runs import ComparisonScreen, RunsScreen

        if isinstance(self.screen, (RunsScreen, ComparisonScreen)):
            self.pop_screen()
        else:
            self.push_screen(RunsScreen())

    def _tell_of_closing(self) -> None:
        if self._switch.is_ending:
            self.tell("the recording is being closed: the disk is slow")

    def _recording_is_over(self) -> None:
        # Called in the recorder's thread; after the end of the dashboard its event loop is closed.
        with suppress(RuntimeError):
            self.post_message(RecordingOver())
