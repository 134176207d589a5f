"""What front ends without a screen share: their end, and what they write until then."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from gpumon.model.report import Report

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WRITE_SECONDS = 0.5
# How Textual is told that a program speaks to a browser through its pipes.
_DRIVER, _WEB_DRIVER = "TEXTUAL_DRIVER", "WebDriver"


def has_screen(environ: Mapping[str, str] = os.environ, streams: Sequence[TextIO] = ()) -> bool:
    """Tell whether a dashboard can be shown: in a terminal, or in the browser of `gpumon serve`.

    `streams` are what is read from and written to (none: stdin and stdout). A terminal that calls itself
    dumb, as the shell in Emacs does, cannot put its cursor anywhere.
    """
    if environ.get(_DRIVER, "").endswith(_WEB_DRIVER):
        return True
    return environ.get("TERM") != "dumb" and all(each.isatty() for each in streams or (sys.stdin, sys.stdout))


def writes_unicode(stream: TextIO) -> bool:
    """Tell whether a stream can hold more than ASCII."""
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


def wait_and_write(over: threading.Event, seconds: float | None, write: Callable[[], None]) -> None:
    """Wait until `over`, or for so many seconds, and call `write` twice a second and at the end."""
    deadline = None if seconds is None else time.monotonic() + seconds
    is_over = False
    while not is_over and (deadline is None or time.monotonic() < deadline):
        left = _WRITE_SECONDS if deadline is None else min(_WRITE_SECONDS, deadline - time.monotonic())
        is_over = over.wait(max(0.0, left))
        write()


def is_over(report: Report | None) -> bool:
    """Tell whether the training that was asked for has ended."""
    from gpumon.model.report import AttachState

    return report is not None and report.attachment.state is AttachState.ENDED


class NotATraining:
    """What is said of a process that is no training: that it is none, once, and that it has ended.

    `exists` tells whether a process is there.
    """

    def __init__(self, pid: int | None, exists: Callable[[int], bool]) -> None:
        """Begin with nothing told; `pid` is the process that was asked for."""
        self._pid = pid
        self._exists = exists
        self._has_told = False
        self.is_gone = False

    def words(self, report: Report | None) -> str:
        """Return what is to be said now, mostly nothing. With `is_gone` there is nothing to wait for."""
        from gpumon.model.report import AttachState

        is_none = report is not None and report.attachment.state is AttachState.MACHINE
        if report is None or self._pid is None or not is_none or self.is_gone:
            return ""
        if not self._exists(self._pid):
            self.is_gone = True
            return f"process {self._pid} is gone, and was no training"
        if self._has_told:
            return ""
        self._has_told = True
        return f"{report.attachment.text}; waiting until it is one"


@contextmanager
def ending_in_order(over: threading.Event) -> Iterator[None]:
    """Let signals set `over`. One that is ignored (nohup) stays so."""
    before = {number: signal.getsignal(number) for number in _ENDINGS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda *_: over.set())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
