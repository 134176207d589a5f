"""What the dashboard does as the user likes it: its keys, its colours, and what is kept of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.filter import LineFilter, NoColor
from textual.screen import Screen
from textual.theme import Theme, ThemeProvider

from gpumon.monitor.finding_watch import FindingWatch
from gpumon.settings import Settings
from gpumon.tui.appearance import Appearance
from gpumon.tui.choices import Choices, NoChoices
from gpumon.tui.copying_app import CopyingApp
from gpumon.tui.inert import Inert
from gpumon.tui.key_map import key_map
from gpumon.tui.record_switch import RecordSwitch
from gpumon.tui.stylesheet import ParsedOnce
from gpumon.tui.themes import OWN_THEMES

if TYPE_CHECKING:
    from gpumon.tui.replay import Replay


class ChosenApp(CopyingApp):
    """The base of the dashboard. `settings` are those of the start; `is_ascii` may be changed since.

    Raises SettingsError for keys in the settings that cannot be.
    """

    def __init__(
        self,
        *,
        replay: Replay | None,
        switch: RecordSwitch,
        look: Appearance,
        watch: FindingWatch,
        settings: Settings,
        environ: Mapping[str, str],
        choices: Choices | None = None,
    ) -> None:
        self.settings = settings
        self.key_map = key_map(dict(settings.keys))
        self._look = look
        self._choices: Choices = NoChoices() if choices is None else choices
        self._inert = Inert()
        super().__init__(
            replay=replay, switch=switch, ansi=look.ansi, watch=watch, settings=settings, environ=environ
        )
        self.no_color = not look.color
        for theme in OWN_THEMES:
            self.register_theme(theme)
        self.theme = look.theme
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())
        self._kept_theme = look.theme
        self._told: set[tuple[str, str]] = set()
        self.is_ascii = settings.ascii or not look.unicode
        self.set_class(self.is_ascii, "-ascii")
        self.animation_level = "none"

    @property
    def is_readonly(self) -> bool:
        """Whether gpumon was started with --readonly: no file is written, no process signalled."""
        return self.settings.readonly

    def get_line_filters(self) -> list[LineFilter]:
        """Return the filters of every line: no control characters, and no colour where none is wanted."""
        filters = [*super().get_line_filters(), self._inert]
        return [*filters, NoColor()] if self.no_color else filters

    def on_mount(self) -> None:
        """Take the user's keys, and hear of other colours."""
        if self.key_map.moved:
            self.set_keymap(self.key_map.for_textual)
        self.theme_changed_signal.subscribe(self, self._keep_theme)

    def moved_keys(self, screen: Screen[object]) -> Mapping[str, str]:
        """Return the keys that something was moved away from on a screen, each with where it is now."""
        nodes = (*screen.query("*"), screen, self) if self.key_map.moved else ()
        return self.key_map.there((kind for node in nodes for kind in type(node).__mro__), self.has)

    def keep(self, name: str, value: str | bool, words: str, *, is_new: bool = False) -> None:
        """Keep a setting that was chosen here for the next start; `words` are what it is now.

        That it is kept, or why not, is said once for each setting; where `is_new` asks for it, each time: the
        screen does not tell what was chosen.
        """
        reason = self._choices.keep(name, value)
        if is_new or (name, reason) not in self._told:
            self._told.add((name, reason))
            until = f"until gpumon ends: {reason}" if reason else "also at the next start"
            self.tell(f"{words}, {until}")

    # What keys and commands do.

    def action_theme(self, steps: int) -> None:
        """Show the screen in another one of gpumon's own themes."""
        if self._has_no_theme():
            return
        names = [theme.name for theme in OWN_THEMES]
        # From one that is not gpumon's own to the first of them.
        at = names.index(self.theme) if self.theme in names else -1 if steps > 0 else 0
        self.theme = names[(at + steps) % len(names)]

    def action_ascii(self) -> None:
        """Draw with ASCII characters only, or with all again."""
        if not self._look.unicode:
            self.tell("ASCII only: the locale of this terminal has no other characters")
            return
        self.is_ascii = not self.is_ascii
        self.set_class(self.is_ascii, "-ascii")
        self.keep("ascii", self.is_ascii, "ASCII only" if self.is_ascii else "all characters", is_new=True)
        self.show_frame()

    def action_command_palette(self) -> None:
        """Open the palette. Textual's own invitation ends in a character outside ASCII."""
        from gpumon.tui.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(placeholder="Search for commands", id="--command-palette"))

    def search_themes(self) -> None:
        """Open the palette with all themes."""
        from gpumon.tui.palette import Palette

        if not self._has_no_theme():
            self.push_screen(Palette(providers=[ThemeProvider], placeholder="Search for themes"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield the commands of the palette: what every key does here, in all panes, and what has no key."""
        seen: set[str] = set()
        for node, binding in self._offered(screen):
            if binding.tooltip and binding.action not in seen:
                seen.add(binding.action)
                run = partial(self.run_action, binding.action, node)
                yield SystemCommand(binding.description.capitalize(), binding.tooltip, run)
        yield SystemCommand("Theme", "choose other colours", self.action_change_theme)
        yield SystemCommand("ASCII characters", "draw with ASCII only, or with all again", self.action_ascii)

    def _offered(self, screen: Screen[object]) -> Iterator[tuple[DOMNode, Binding]]:
        """Yield what can be done: where the focus is first, then in the other panes that are shown."""
        for active in screen.active_bindings.values():
            yield active.node, active.binding
        for pane in screen.query("*"):
            if pane.size.area:
                for kind in type(pane).__mro__:
                    for binding in kind.__dict__.get("BINDINGS", ()):
                        if isinstance(binding, Binding) and binding.id and self.has(binding):
                            yield pane, binding

    def _has_no_theme(self) -> bool:
        """Tell whether colours cannot be chosen, and say why."""
        if self.no_color:
            self.tell("there is no colour: --no-color, NO_COLOR or the config file ask for none")
        return self.no_color

    def _keep_theme(self, theme: Theme) -> None:
        if self.no_color or theme.name == self._kept_theme:
            return
        self._kept_theme = theme.name
        # From now on the theme says whether the terminal's own 16 colours are used.
        self.ansi_color = None
        self.keep("theme", theme.name, f"theme {theme.name}", is_new=True)
