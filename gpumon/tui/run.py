"""Runs the dashboard in this terminal, and leaves the terminal as it was on every way out."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from threading import Timer
from typing import TYPE_CHECKING, TextIO

from gpumon.model.clock import Clock
from gpumon.monitor.feed import Feed
from gpumon.monitor.finding_watch import FindingWatch
from gpumon.settings import Settings
from gpumon.tui.app import GpumonApp
from gpumon.tui.appearance import UnknownThemeError, appearance
from gpumon.tui.replay import Replay

if TYPE_CHECKING:
    from gpumon.recording.writer import Recorder

# A shell reports 128 + the number of the signal that ended a program.
_SIGNALLED = 128
_ENDINGS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
# With the terminal gone, nothing can be waited for: after this long the process ends regardless.
_LAST_SECONDS = 3.0


def run_dashboard(
    feed: Feed,
    settings: Settings,
    clock: Clock,
    environ: Mapping[str, str] | None = None,
    *,
    replay: Replay | None = None,
    recorder: Recorder | None = None,
    watch: FindingWatch | None = None,
) -> int:
    """Show the dashboard until it is left, and return the exit code.

    0 for q, 130 for Ctrl-C, 128 + N for signal N, 2 for a theme that does not exist, 1 for a defect.
    A command that was copied is printed to stdout afterwards. The feed is not closed.
    `replay` are the controls of a feed that is a recording, `recorder` is what records already, `watch` what
    follows the findings and is not started yet (None: one of its own).
    """
    environment = os.environ if environ is None else environ
    try:
        look = appearance(settings, environment)
    except UnknownThemeError as error:
        sys.stderr.write(f"gpumon: {error}\n")
        return 2
    if not writes_unicode(sys.__stdout__):
        # Textual would write the names of characters instead of the characters.
        settings = replace(settings, ascii=True)
    if settings.color:
        # Textual would honour it over the flag that asked for colour; the settings have heeded it.
        os.environ.pop("NO_COLOR", None)
    app = SignalledApp(
        feed, settings, clock, look, replay=replay, recorder=recorder, watch=watch, environ=environment
    )
    result = app.run(mouse=settings.mouse)
    app.forget_signals()
    if ending := app.finish_recording():
        sys.stderr.write(f"gpumon: {ending}\n")
    if app.copied is not None and result != _SIGNALLED + signal.SIGHUP:
        sys.stdout.write(app.copied + "\n")
        sys.stdout.flush()
    return int(app.return_code or 0) if result is None else result


def writes_unicode(stream: TextIO | None) -> bool:
    """Tell whether the locale of a terminal's stream can hold boxes and blocks."""
    encoding = "" if stream is None else (stream.encoding or "")
    return encoding.lower().replace("-", "").startswith("utf")


class SignalledApp(GpumonApp):
    """The dashboard as the owner of this process's terminal: signals end it as a key would."""

    _last: Timer | None = None

    def on_mount(self) -> None:
        """Listen to signals. Textual calls the base's handler by itself: it listens to the feed."""
        import asyncio

        loop = asyncio.get_running_loop()
        for number in _ENDINGS:
            loop.add_signal_handler(number, self._end_by, number)

    def forget_signals(self) -> None:
        """The dashboard is over: nothing has to be hurried any more."""
        if self._last is not None:
            self._last.cancel()

    def _end_by(self, number: int) -> None:
        if self._last is None:
            self._last = Timer(_LAST_SECONDS, os._exit, (_SIGNALLED + number,))
            self._last.daemon = True
            self._last.start()
        self.action_leave(_SIGNALLED + number)
