"""The command palette."""

from __future__ import annotations

from contextlib import suppress

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.css.query import NoMatches


class Palette(CommandPalette):
    """Textual's palette, but for a key that comes before its list is laid out.

    Textual 8.2 ends with a KeyError then (`OptionList._move_page` looks for the line of an option that has
    none yet): PageUp or PageDown right after a letter, as a slow line delivers them, ended the dashboard.
    So did a second Enter, for which it closes a palette that is closed already, and a search that came to its
    end when the palette was closed and what shows its state was gone.
    """

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close the palette; one that is closed already, or covered, stays as it is."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):
            super()._action_command_list(action)

    def _watch__list_visible(self) -> None:
        with suppress(NoMatches):
            super()._watch__list_visible()
