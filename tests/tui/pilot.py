"""A pilot that waits until an app has nothing left to do, where Textual's own waits for a quiet processor.

So what a test sees does not depend on how fast the machine is, and no test waits longer than it must.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from textual import events
from textual.app import App, ScreenStackError
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot
from textual.screen import Screen

_Result = TypeVar("_Result")
# An update of the screen may ask for another one: so many are far more than any does.
_MOST_UPDATES = 100
_MOST_TURNS = 100_000
_POLL_SECONDS = 0.002


class ExactPilot(Pilot[_Result]):
    """A pilot whose pauses end when no message, task or update of the screen is left.

    Timers that are not due and other threads are not waited for.
    """

    async def press(self, *keys: str) -> None:
        """Press keys one by one, each when all that the one before it began is done."""
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            event = _event(key)
            event.set_sender(self.app)
            driver.send_message(event)
            await self.pause()
            await self.app.animator.wait_until_complete()
            await self.pause()

    async def pause(self, delay: float | None = None) -> None:
        """Wait until nothing is left to be done, after a delay in seconds where one is given."""
        if delay is not None:
            await asyncio.sleep(delay)
        for _ in range(_MOST_UPDATES):
            await _until_nothing_is_ready()
            while self._is_held_back():
                await asyncio.sleep(_POLL_SECONDS)
                await _until_nothing_is_ready()
            try:
                screen = self.app.screen
            except ScreenStackError:  # the app has ended
                return
            is_changed = _is_changed(screen)
            screen._on_timer_update()
            if not is_changed:
                await _until_nothing_is_ready()
                return
        raise AssertionError(f"the screen changes without an end: {self.app.screen}")

    def _is_held_back(self) -> bool:
        """Tell whether a change of screens or of the size still waits for its few hundredths of a second."""
        app = self.app
        return app.is_running and bool(app._batch_count or app._resize_timer)


@asynccontextmanager
async def piloted(
    app: App[_Result], size: tuple[int, int] = (80, 24), *, notifications: bool = False
) -> AsyncIterator[ExactPilot[_Result]]:
    """Run an app without a terminal."""
    async with app.run_test(size=size, notifications=notifications):
        yield ExactPilot(app)


def _event(key: str) -> events.Key:
    """Return the event of a key, by the name or the character that Textual's own pilot takes for it."""
    name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
    try:
        character = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(name, name)))
    except KeyError:
        character = name if len(name) == 1 else ""
    return events.Key(name, character or None)


async def _until_nothing_is_ready() -> None:
    """Give way until the event loop has no other callback that could run now."""
    loop: Any = asyncio.get_running_loop()
    for _ in range(_MOST_TURNS):
        await asyncio.sleep(0)
        if not loop._ready:
            return
    raise AssertionError("the app is busy without an end")


def _is_changed(screen: Screen[Any]) -> bool:
    """Tell whether there is anything that the screen would do at its next update."""
    is_asked = screen._layout_required or screen._scroll_required or screen._repaint_required
    return bool(is_asked or screen._dirty_widgets or screen._recompose_required or screen._callbacks)
