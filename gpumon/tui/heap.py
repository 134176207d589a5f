"""What is over is let go: screens that were closed, and what Textual and Rich remember of what they drew."""

from __future__ import annotations

import gc
import sys
from typing import Any

from textual.app import App
from textual.await_complete import AwaitComplete
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from gpumon.monitor.heap import give_back

# How long what was drawn may be remembered: found again it takes some milliseconds.
_FORGET_SECONDS = 60.0
# A closed screen has ended by then.
_SWEEP_SECONDS = 1.0

# Each remembers 1000 to 16 000 answers about regions, styles and pieces of text, which take microseconds to
# be found again: 6 MB after some days of other screens and sizes, and it goes on. A picture needs some
# hundred of them. By name: what is not loaded, or has another name in another version, is left as it is.
_KEPT_BY = (
    ("rich.cells", ""),
    ("rich.color", "Color"),
    ("rich.segment", "Segment"),
    ("rich.style", "Style"),
    ("textual._segment_tools", ""),
    ("textual._styles_cache", "StylesCache"),
    ("textual.color", "Color"),
    ("textual.css.scalar", "Scalar"),
    ("textual.filter", ""),
    ("textual.filter", "ANSIToTruecolor"),
    ("textual.geometry", "Region"),
    ("textual.strip", "Strip"),
    ("textual.style", "Style"),
)


def forget_drawn() -> None:
    """Let go of what is remembered of any picture; the next one finds again what it needs.

    The `lru_cache` of a method also holds the widgets that asked, and with a StylesCache every line that
    they drew.
    """
    for module, name in _KEPT_BY:
        there = sys.modules.get(module)
        for each in vars(getattr(there, name, there) if name else there).values() if there else ():
            # A class method holds its function, a property its getter.
            function = getattr(each, "__func__", None) or getattr(each, "fget", None) or each
            info = getattr(function, "cache_info", None)
            # What has no bound is a table that is loaded once.
            if info is not None and info().maxsize is not None:
                function.cache_clear()


def forget_laid_out(root: DOMNode) -> None:
    """Let go of where the widgets of a screen were at other sizes, and of which were found in it."""
    for node in root.walk_children(with_self=True):
        node._query_one_cache.clear()  # noqa: SLF001 - Textual has no other way
        if isinstance(node, Widget):
            node._box_model_cache.clear()  # noqa: SLF001 - as above


def take_apart(screen: DOMNode) -> None:
    """Part a screen that has ended from its widgets.

    Any widget of another screen holds the message that it got last, and with it whoever sent it: a part of
    a closed screen, and so all of it, until there is another message, maybe days later.
    """
    for node in screen.walk_children(with_self=True):
        node._nodes = type(node._nodes)(node)  # noqa: SLF001 - Textual has no other way
    if isinstance(screen, Screen):
        screen._layout_widgets.clear()  # noqa: SLF001 - as above


class TidyApp(App[int]):
    """The base of the dashboard, which stays open for weeks."""

    def __init__(self, *, ansi_color: bool | None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._will_sweep = False
        self._over: list[Screen[Any]] = []

    def start_tidying(self) -> None:
        """Let go of what was drawn, from now on each minute."""
        self.set_interval(_FORGET_SECONDS, self._forget)

    def pop_screen(self) -> AwaitComplete:
        """Close the screen on top, and soon let go of it: its parts refer to each other, a MB or more.

        Python by itself looks for such when there is a quarter more of everything: 10 MB of closed screens.
        Two never lie about: what lives longer would be made between them, and its neighbours stay free.
        """
        self._over.append(self.screen)
        closed = super().pop_screen()
        if self._will_sweep:
            # As soon as this one has ended.
            self.call_next(self._sweep)
        else:
            self._sweep_soon()
        return closed

    def _sweep_soon(self) -> None:
        self._will_sweep = True
        self.set_timer(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        # Asked for by the timer and by the second screen.
        if not self._will_sweep:
            return
        self._will_sweep = False
        for screen in self._over:
            if not screen.is_running:
                take_apart(screen)
        self._over = [screen for screen in self._over if screen.is_running]
        if self._over:
            self._sweep_soon()
        gc.collect()
        give_back()

    def _forget(self) -> None:
        forget_drawn()
        give_back()
