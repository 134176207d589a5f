"""The real dashboard without a terminal, and a hand that presses keys at random."""

from __future__ import annotations

import asyncio
import string
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from textual import events, on
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Size
from textual.keys import _character_to_key
from textual.message_pump import MessagePump

from gpumon.model.clock import Clock
from gpumon.monitor.feed import Feed
from gpumon.recording.backlog import Backlog
from gpumon.recording.writer import Recorder
from gpumon.settings import Settings
from gpumon.tui import app as tui_app
from gpumon.tui.app import GpumonApp
from gpumon.tui.messages import NewsArrived
from gpumon.tui.record_switch import RecordSwitch
from tests.soak.recordings import MOST_BEHIND

# What takes longer hangs.
_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.25
# Keys typed ahead before the dashboard may keep up.
_AHEAD = 5

# Most of them move about, some open and close, some do anything else. None ends the program or stops it.
_MOVE = (
    *("up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab", "shift+tab"),
    *("plus", "minus", "space", "less_than_sign", "greater_than_sign"),
)
_OPEN = (*("1", "2", "3", "4", "5", "6", "escape", "escape", "enter", "m", "c", "u", "i", "?", "/"),)
_RARE = (
    *(letter for letter in string.ascii_letters if letter not in "qQ"),
    *string.digits,
    *"/?.,;:<>[]()$%&=+-_*#'\"!",
    *("shift+tab", "backspace", "delete", "f1", "f2", "f3", "f5", "f10"),
    *("ctrl+p", "ctrl+l", "ctrl+r", "ctrl+f"),
    *("shift+up", "shift+down", "shift+left", "shift+right", "ctrl+left", "ctrl+right"),
)
_SETS, _WEIGHTS = (_MOVE, _OPEN, _RARE), (60, 20, 20)


class HangError(Exception):
    """The dashboard does not come to rest."""


class SoakApp(GpumonApp):
    """The dashboard as it is, but for three things.

    Only every `draw_each`-th piece of news is drawn, because a week goes by in minutes; for the same reason
    the hour before a recording is written without rests; and what would end the dashboard is counted instead.
    """

    CSS_PATH = str(Path(tui_app.__file__).with_name("app.tcss"))
    draw_each = 5
    draws = 0
    left = 0
    _news_count = 0

    def __init__(self, feed: Feed, settings: Settings, clock: Clock, *arguments: Any, **options: Any) -> None:
        super().__init__(feed, settings, clock, *arguments, **options)
        self.seen: set[str] = set()
        self._switch = self._unrested = _UnrestedSwitch(feed, settings, clock)

    @property
    def is_behind(self) -> bool:
        """Whether a recording that a key began needs time to write what it holds."""
        return self._unrested.is_behind

    @on(NewsArrived)
    def thin_out(self, event: NewsArrived) -> None:
        """Let only some news through."""
        self._news_count += 1
        if self._news_count % self.draw_each:
            event.prevent_default()
            # What the dashboard's own handler does first: the next one may come.
            self._has_news = False
        else:
            self.draws += 1

    def action_leave(self, code: int) -> None:
        """Count that it would have ended."""
        del code
        self.left += 1

    async def action_quit(self) -> None:
        """Count that it would have ended."""
        self.left += 1


class _UnrestedSwitch(RecordSwitch):
    """Begins recordings that keep up with the clock of the soak: twenty seconds of rests are hours of it."""

    @property
    def is_behind(self) -> bool:
        """Whether more waits to be written than in a minute of real time."""
        recorder = self._recorder
        return recorder is not None and len(recorder._waiting) > MOST_BEHIND

    def _start(self, backlog: Backlog | None) -> Recorder:
        return super()._start(None if backlog is None else replace(backlog, is_urgent=True))


def keys_of(seed: int, place: int, count: int) -> list[str]:
    """Return `count` random keys; the same seed and place give the same ones."""
    chance = Random(f"{seed} keys {place}")  # noqa: S311 - a simulation
    return [chance.choice(keys) for keys in chance.choices(_SETS, _WEIGHTS, k=count)]


async def press(app: SoakApp, keys: list[str]) -> None:
    """Press keys as a terminal would send them, a few ahead of the dashboard. Raises HangError."""
    for place, key in enumerate(keys, 1):
        if not is_alive(app):
            return
        app.post_message(_event(app, key))
        await asyncio.sleep(0)
        if place % _AHEAD == 0:
            await settle(app)
            if is_alive(app):
                app.seen.add(type(app.screen).__name__)


async def resize(app: GpumonApp, size: tuple[int, int]) -> None:
    """Give the terminal another size, in columns and rows. Raises HangError."""
    driver = app._driver
    assert isinstance(driver, HeadlessDriver)
    driver._size = Size(*size)
    app.post_message(events.Resize(Size(*size), Size(*size)))
    await settle(app)


async def settle(app: GpumonApp) -> None:
    """Wait until the dashboard and its screen have done what was waiting for them. Raises HangError."""
    for _ in range(2):
        if is_alive(app):
            await _emptied(app, app)
        if is_alive(app):
            await _emptied(app, app.screen)


def is_alive(app: GpumonApp) -> bool:
    """Tell whether the dashboard still runs."""
    return app._exception is None and app.is_running and not app._exit


async def _emptied(app: GpumonApp, pump: MessagePump) -> None:
    done = asyncio.Event()
    if not pump.call_later(done.set):
        return
    waited = 0.0
    while not done.is_set() and pump.is_running and is_alive(app):
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(done.wait(), _LOOK_SECONDS)
            return
        waited += _LOOK_SECONDS
        if waited >= _PATIENCE_SECONDS:
            raise HangError(f"{pump!r} does nothing for {waited:.0f} s")


def _event(app: GpumonApp, key: str) -> events.Key:
    name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
    event = events.Key(name, key if len(key) == 1 else _CHARACTERS.get(key))
    sender: Any = app
    event.set_sender(sender)
    return event


_CHARACTERS = {"space": " ", "plus": "+", "minus": "-", "enter": "\r", "tab": "\t"}
