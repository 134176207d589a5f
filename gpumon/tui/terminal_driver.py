"""The terminal as Textual drives it, but one that may stall, or be gone from one moment to the next."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import termios
from codecs import getincrementaldecoder
from contextlib import suppress
from threading import Thread
from typing import IO, Any, Protocol, cast

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size

from gpumon.tui.waking_event import WakingEvent

# How long to wait for what may follow an escape character. Textual's own patience is no shorter.
_TICK_MILLISECONDS = 100
_MOST_BYTES = 4096


class HangsUp(Protocol):
    """What hears that its terminal is gone."""

    def listen_to_signals(self) -> None:
        """Let signals end the app from now on. Called in the event loop."""
        ...

    def hung_up(self) -> None:
        """The terminal is gone. Called once, in a thread of its own; the event loop may stand still."""
        ...


class TerminalDriver(LinuxDriver):
    """Textual's driver, which tells its app (a HangsUp) when the other end of the terminal is closed.

    Textual's own ends in a traceback then, reads the end of the input again and again at the cost of a whole
    core, or waits for good for a thread that has failed to write: which of these depends on what comes first.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what Textual gives."""
        super().__init__(*arguments, **options)
        self._file: Any = LostFile(cast("IO[str]", self._file))
        self._listener: Thread | None = None
        self.exit_event: WakingEvent = WakingEvent()

    def start_application_mode(self) -> None:
        """Begin to draw, also after a stop, and to listen for the end."""
        if self.exit_event.fileno() < 0:
            # A stop gives everything back.
            self.exit_event = WakingEvent()
        # Before: a signal in between would leave the terminal without echo, in its other screen.
        cast("HangsUp", self._app).listen_to_signals()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's own is
        signal.signal(signal.SIGWINCH, self._size_changed)
        self._size_changed()
        if self._listener is None:
            self._listener = Thread(target=self._listen, name="gpumon hang-up", daemon=True)
            self._listener.start()

    def run_input_thread(self) -> None:
        """Read keys until the end of the dashboard or of the terminal."""
        # EIO from a terminal that is gone: `_listen` tells of it.
        with suppress(OSError):
            self._read_keys()

    def _read_keys(self) -> None:
        """Read keys, and sleep between two: Textual's own looks ten times a second whether it is to end."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")().decode
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        poll.register(self.exit_event, select.POLLIN)
        while not self.exit_event.is_set():
            # A single escape character is a key of its own if nothing follows.
            is_waiting = parser._timeout_time is not None  # noqa: SLF001 - Textual asks it each time
            ready = {descriptor for descriptor, _ in poll.poll(_TICK_MILLISECONDS if is_waiting else None)}
            if self.fileno in ready:
                data = os.read(self.fileno, _MOST_BYTES)
                if not data:
                    return
                # Half a character is not fed: an empty text would be the end.
                if text := decode(data):
                    for event in parser.feed(text):
                        self.process_message(event)
            for event in parser.tick():
                self.process_message(event)

    def close(self) -> None:
        """Give everything back."""
        super().close()
        self.exit_event.close()

    def _sigtstp_application(self, *_: object) -> None:
        """Stop once the event loop has done what it does.

        Textual's own writes from within the signal: where that comes while a write holds the lock of the
        queue, it waits for itself for good.
        """
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(super()._sigtstp_application)

    def _sigcont_application(self, *_: object) -> None:
        """Go on after a stop. A terminal that hangs up sends SIGCONT too, without a stop before it.

        Textual's own would start a second pair of threads then, of which nobody ends the first.
        """
        if self._must_signal_resume:
            super()._sigcont_application()
        elif not self._loop.is_closed():
            # After SIGSTOP, which cannot be caught: others have written on the screen meanwhile.
            asyncio.run_coroutine_threadsafe(self._app._post_message(self.SignalResume()), self._loop)  # noqa: SLF001 - as Textual's own

    def _size_changed(self, *_: object) -> None:
        """Have the size read by the event loop, after the signal.

        Textual's own reads it from within the signal: in a storm of sizes a handler is interrupted by the
        next one between reading and telling, and the size told last is an old one.
        """
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_size)

    def _tell_size(self) -> None:
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            self._app.post_message(Resize(size, size))

    def restore_modes(self) -> None:
        """Give the line discipline back what it had, without waiting for the terminal. From any thread."""
        if self.attrs_before is not None:
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)

    def _listen(self) -> None:
        """Wait for the hang-up without any cost: poll(2) reports POLLHUP and POLLERR unasked."""
        poll = select.poll()
        poll.register(self.fileno, 0)
        if poll.poll():
            cast("HangsUp", self._app).hung_up()


class LostFile:
    """A file that may be lost: from the first write that fails on, what is written is dropped.

    The thread that writes goes on, so that nobody waits for a queue that is never emptied.
    """

    def __init__(self, file: IO[str]) -> None:
        """Write to `file`."""
        self._file = file
        self._is_lost = False

    def write(self, text: str) -> int:
        """Write, or drop."""
        if not self._is_lost:
            try:
                return self._file.write(text)
            except OSError:
                self._is_lost = True
        return len(text)

    def flush(self) -> None:
        """Send what was written."""
        if not self._is_lost:
            try:
                self._file.flush()
            except OSError:
                self._is_lost = True

    def fileno(self) -> int:
        """Return the number of the descriptor."""
        return self._file.fileno()
