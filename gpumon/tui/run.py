"""Runs the dashboard in this terminal, and leaves the terminal as it was on every way out."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from threading import Timer
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from gpumon.model.clock import Clock
from gpumon.monitor.finding_watch import FindingWatch
from gpumon.settings import Settings, SettingsError
from gpumon.tui.app import GpumonApp
from gpumon.tui.appearance import UnknownThemeError, appearance
from gpumon.tui.choices import Choices
from gpumon.tui.terminal_driver import TerminalDriver

if TYPE_CHECKING:
    from gpumon.monitor.feed import Feed
    from gpumon.recording.writer import Recorder
    from gpumon.tui.replay import Replay

# Python's own (`gc.get_threshold()`): what starts gpumon may have set others.
_GARBAGE_THRESHOLDS = (700, 10, 10)
# A shell reports 128 + the number of the signal that ended a program.
_SIGNALLED = 128
_ENDINGS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_HUNG_UP = _SIGNALLED + signal.SIGHUP
# After a signal the process ends after so long, whatever waits for a terminal that is stalled.
LAST_SECONDS = 3.0
# With the terminal gone, nothing can be waited for.
_LOST_SECONDS = 0.7
# What a recording may need to be closed in the end.
_RECORDING_SECONDS = 1.0


def run_dashboard(
    feed: Feed,
    settings: Settings,
    clock: Clock,
    environ: Mapping[str, str] | None = None,
    *,
    replay: Replay | None = None,
    recorder: Recorder | None = None,
    watch: FindingWatch | None = None,
    choices: Choices | None = None,
    first_shown: Callable[[], None] | None = None,
    copied: Callable[[], None] | None = None,
    last_seconds: float = LAST_SECONDS,
) -> int:
    """Show the dashboard until it is left, and return the exit code.

    0 for q, 130 for Ctrl-C, 128 + N for signal N, 129 (as for SIGHUP) where the terminal is gone, 2 for a
    theme, a key or a variable of Textual that cannot be, 1 for a defect. A command that was copied is printed
    to stdout afterwards. The feed is not closed. `replay` are the controls of a feed that is a recording,
    `recorder` is what records already, `watch` what follows the findings and is not started yet (None: one of
    its own), `choices` keeps what the user chooses, `first_shown` is called after the first frame,
    `copied` in the end where a command was copied.

    A terminal that takes nothing any more holds up neither samples nor the end: `last_seconds` after a signal
    recordings are closed and the process ends here, with the code of the signal.
    """
    environment = os.environ if environ is None else environ
    try:
        if any(name.startswith("TEXTUAL_") for name in environment):
            # Hardly anybody has one: it is loaded for those only.
            from gpumon.tui.textual_variables import check_variables

            check_variables(environment)
        look = appearance(settings, environment)
    except (SettingsError, UnknownThemeError) as error:
        return _refuse(error)
    if not writes_unicode(sys.__stdout__):
        # Textual would write the names of characters instead of the characters.
        look = replace(look, unicode=False)
    if settings.color:
        # Textual would honour it over the flag that asked for colour; the settings have heeded it.
        os.environ.pop("NO_COLOR", None)
    if environment.get("STY"):
        # GNU screen 4 drops 24-bit colours, so that there would be none at all; of 256 it passes all on.
        os.environ.pop("COLORTERM", None)
    try:
        app = SignalledApp(
            feed,
            settings,
            clock,
            look,
            replay=replay,
            recorder=recorder,
            watch=watch,
            choices=choices,
            environ=environment,
        )
    except SettingsError as error:
        return _refuse(error)
    app.last_seconds = last_seconds
    app.first_shown = first_shown
    result = app.run(mouse=settings.mouse)
    app.forget_signals()
    if app.has_hung_up:
        _drop_output()
    if ending := app.finish_recording():
        sys.stderr.write(f"gpumon: {ending}\n")
    if app.copied is not None and result != _HUNG_UP:
        sys.stdout.write(app.copied + "\n")
        sys.stdout.flush()
        if copied is not None:
            copied()
    return int(app.return_code or 0) if result is None else result


def _refuse(error: Exception) -> int:
    sys.stderr.write(f"gpumon: {error}\n")
    return 2


def writes_unicode(stream: TextIO | None) -> bool:
    """Tell whether the locale of a terminal's stream can hold boxes and blocks."""
    encoding = "" if stream is None else (stream.encoding or "")
    return encoding.lower().replace("-", "").startswith("utf")


class SignalledApp(GpumonApp):
    """The dashboard as the owner of this process's terminal: signals end it as a key would."""

    last_seconds = LAST_SECONDS
    first_shown: Callable[[], None] | None = None
    has_hung_up = False
    _has_begun = False
    _early_code: int | None = None
    _last: Timer | None = None
    _asyncio_loop: asyncio.AbstractEventLoop | None = None

    def get_driver_class(self) -> type[Driver]:
        """Drive a terminal that may be lost; where Textual was told to use another driver, that one."""
        chosen = super().get_driver_class()
        return TerminalDriver if chosen is LinuxDriver else chosen

    def on_mount(self) -> None:
        """Begin. Textual calls the base's handler by itself: it listens to the feed."""
        # Without a terminal, as behind a page, nothing has asked for it before.
        self.listen_to_signals()
        self.call_after_refresh(self._first_frame)

    def listen_to_signals(self) -> None:
        """End with a signal as with a key, from now on; called in the event loop."""
        self._asyncio_loop = asyncio.get_running_loop()
        for number in _ENDINGS:
            # Not asyncio's: with a stalled terminal its loop stands still, and would never hear of it.
            signal.signal(number, self._signalled)

    def forget_signals(self) -> None:
        """The dashboard is over: nothing has to be hurried any more."""
        if self._last is not None:
            self._last.cancel()
        for number in _ENDINGS:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)

    def hung_up(self) -> None:
        """End: the terminal is gone."""
        self.has_hung_up = True
        self._hurry(_HUNG_UP, _LOST_SECONDS)

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        self._hurry(_SIGNALLED + number, self.last_seconds)

    def _hurry(self, code: int, seconds: float) -> None:
        if self._last is None or seconds < self._last.interval:
            if self._last is not None:
                self._last.cancel()
            self._last = Timer(seconds, self._give_up, (code,))
            self._last.daemon = True
            self._last.start()
        if self._asyncio_loop is not None:
            # It is closed when the dashboard has just been left.
            with suppress(RuntimeError):
                self._asyncio_loop.call_soon_threadsafe(self._leave, code)

    def _leave(self, code: int) -> None:
        # Textual cannot end before it has begun.
        if self._has_begun:
            self.action_leave(code)
        else:
            self._early_code = code

    def _first_frame(self) -> None:
        _keep_what_is_there()
        self._has_begun = True
        if self.first_shown is not None:
            self.first_shown()
        if self._early_code is not None:
            self.action_leave(self._early_code)

    def _give_up(self, code: int) -> None:
        """End the process from another thread than the one that waits for the terminal."""
        if isinstance(self._driver, TerminalDriver):
            self._driver.restore_modes()
        self._switch.abandon(_RECORDING_SECONDS)
        os._exit(code)


def _keep_what_is_there() -> None:
    """Look for garbage as Python does, but no more among what was there at the first frame: it stays."""
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)


def _drop_output() -> None:
    """Let what is still printed go nowhere: on a terminal that is gone it would end in a traceback."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
