"""What front ends without a screen share: their end, and what they write until then."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpumon.model.report import Report

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WRITE_SECONDS = 0.5


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
