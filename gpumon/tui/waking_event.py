"""An event that wakes up who waits in poll(2)."""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Event


class WakingEvent(Event):
    """An Event with a descriptor that is readable while it is set."""

    def __init__(self) -> None:
        """Begin cleared."""
        super().__init__()
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Return the descriptor, -1 after `close`."""
        return self._descriptor

    def set(self) -> None:
        """Set it, and wake up who polls."""
        super().set()
        if self._descriptor >= 0:
            os.eventfd_write(self._descriptor, 1)

    def clear(self) -> None:
        """Clear it."""
        super().clear()
        if self._descriptor >= 0:
            with suppress(BlockingIOError):
                os.eventfd_read(self._descriptor)

    def close(self) -> None:
        """Give the descriptor back; the event itself goes on."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
