"""What the dashboard does with commands: they are copied to the terminal's clipboard, and never run."""

from __future__ import annotations

from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import is_clean
from gpumon.tui.alerted_app import AlertedApp
from gpumon.tui.screens.view_screen import ViewScreen

_NO_SUGGESTION = Missing("there is no command to copy")


class CopyingApp(AlertedApp):
    """The base of the dashboard. `copied` is the command that was copied last."""

    copied: str | None = None

    def action_copy(self) -> None:
        """Copy the command of the suggestion that is looked at."""
        command = self.screen.command() if isinstance(self.screen, ViewScreen) else None
        self._copy(_NO_SUGGESTION if command is None else command)

    def action_copy_go_on(self) -> None:
        """Copy the command that takes the suggestion up from the last checkpoint."""
        self._copy(self.screen.go_on_command() if isinstance(self.screen, ViewScreen) else _NO_SUGGESTION)

    def _copy(self, command: Maybe[str]) -> None:
        if isinstance(command, Missing):
            self.tell(command.reason)
        elif not is_clean(command):
            self.tell("the command holds characters that cannot be copied safely")
        else:
            self.copied = command
            self.copy_to_clipboard(command)
            self.tell("sent to the terminal's clipboard (OSC 52); printed again when gpumon ends")
