"""Everything that goes wrong without being told: exceptions of any thread, of the loop, in logs."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_MOST_TEXTS = 20


class Defects(logging.Handler):
    """A list of defects: how many of each kind, and the first texts."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.counts: Counter[str] = Counter()
        self.texts: list[str] = []
        self._guard = threading.Lock()

    def add(self, kind: str, text: str) -> None:
        """Note one. From any thread."""
        with self._guard:
            self.counts[kind] += 1
            if len(self.texts) < _MOST_TEXTS:
                self.texts.append(f"{kind}: {text}")

    def add_exception(self, kind: str, error: BaseException) -> None:
        """Note an exception with the place it comes from."""
        self.add(kind, "".join(traceback.format_exception(error))[-3000:])

    def emit(self, record: logging.LogRecord) -> None:
        """Note what is logged as a warning or worse."""
        self.add("log", record.getMessage())

    @contextmanager
    def watched(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Note everything of all threads and of the loop while the block runs."""
        before = threading.excepthook, sys.unraisablehook
        threading.excepthook = self._of_thread
        sys.unraisablehook = self._unraisable
        loop.set_exception_handler(self._of_loop)
        logging.getLogger().addHandler(self)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                logging.captureWarnings(capture=True)
                yield
        finally:
            logging.captureWarnings(capture=False)
            logging.getLogger().removeHandler(self)
            loop.set_exception_handler(None)
            threading.excepthook, sys.unraisablehook = before

    def _of_thread(self, given: threading.ExceptHookArgs) -> None:
        name = given.thread.name if given.thread is not None else "?"
        if given.exc_value is not None:
            self.add_exception(f"thread {name}", given.exc_value)

    def _unraisable(self, given: Any) -> None:
        self.add("unraisable", f"{given.err_msg} {given.object!r}: {given.exc_value!r}")

    def _of_loop(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        error = context.get("exception")
        if isinstance(error, BaseException):
            self.add_exception("event loop", error)
        else:
            self.add("event loop", str(context.get("message")))
