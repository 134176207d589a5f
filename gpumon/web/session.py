"""One dashboard behind one page: a process whose screen goes to the browser, and keys come back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

# A terminal is as large as its page; more is no terminal, and every cell costs.
MOST_COLUMNS, MOST_ROWS = 1000, 500
_END_SECONDS = 3.0
_ESCAPE, _SIZE_START, _SIZE_END = "\x1b", "\x1b[48;", "t"
_PASTE_START, _PASTE_END = "\x1b[200~", "\x1b[201~"
# Textual's variables that are meant for a program in a terminal: refused there, as a log that cannot be
# written is, they would end each page, and nobody would see why. It sets those of a page itself.
_OF_THE_SERVER = (
    "TEXTUAL",
    "TEXTUAL_LOG",
    "TEXTUAL_PRESS",
    "TEXTUAL_SCREENSHOT",
    "TEXTUAL_SCREENSHOT_FILENAME",
    "TEXTUAL_SCREENSHOT_LOCATION",
)
# What is typed into the dashboard is a filter.
MOST_PASTED = 1 << 16


@dataclass(frozen=True, slots=True)
class Size:
    """A terminal's size in cells."""

    columns: int = 80
    rows: int = 24


def size_of(columns: object, rows: object) -> Size:
    """Return the size that a page asks for, within bounds; what is no number is the usual size."""
    usual = Size()
    return Size(
        _bounded(columns, usual.columns, MOST_COLUMNS),
        _bounded(rows, usual.rows, MOST_ROWS),
    )


def _bounded(value: object, usual: int, most: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return usual
    return max(1, min(value, most))


class SizesLeftOut:
    """Keys without the sizes that a terminal may tell among them (in-band resize: `CSI 48 ; rows ; ... t`).

    The page tells its size in messages of its own, which `size_of` keeps within bounds. Textual believes any:
    one of 99,999 columns and rows took 250 MB of memory a second, and would end what else runs here.
    """

    def __init__(self) -> None:
        """Begin outside of any sequence."""
        self._since_escape = ""

    def __call__(self, keys: str) -> str:
        """Return what is left of the next keys. A sequence may begin in one message and end in another."""
        left = []
        for key in keys:
            if key == _ESCAPE:
                self._since_escape = key
            elif self._since_escape:
                if key == _SIZE_END and self._since_escape == _SIZE_START:
                    continue
                if len(self._since_escape) < len(_SIZE_START):
                    self._since_escape += key
            left.append(key)
        return "".join(left)


class PastesCut:
    """Keys without what exceeds the longest paste.

    Textual keeps a paste until its end comes: one without an end would take memory as long as it goes on.
    """

    def __init__(self, most_characters: int = MOST_PASTED) -> None:
        """Begin outside of any paste."""
        self._most_characters = most_characters
        # Characters that the paste may still have; None outside of one.
        self._left: int | None = None
        # What may be the beginning of the end of the paste; outside of one, of its start.
        self._held = ""

    def __call__(self, keys: str) -> str:
        """Return what is left of the next keys. A paste may go on over any number of messages."""
        return "".join(self._typed(key) if self._left is None else self._pasted(key) for key in keys)

    def _typed(self, key: str) -> str:
        self._held = key if key == _ESCAPE else self._held + key
        if self._held == _PASTE_START:
            self._left, self._held = self._most_characters, ""
        elif not _PASTE_START.startswith(self._held):
            self._held = ""
        return key

    def _pasted(self, key: str) -> str:
        """Return the next of a paste; of its end nothing before it is whole, for that is never cut."""
        over, self._held = (self._held, key) if key == _ESCAPE else ("", self._held + key)
        if self._held == _PASTE_END:
            self._left, self._held = None, ""
            return _PASTE_END
        if not _PASTE_END.startswith(self._held):
            over, self._held = over + self._held, ""
        kept = over[: self._left]
        self._left = (self._left or 0) - len(kept)
        return kept


class Session(AppService):
    """The process of one page. It is started without a shell, and ended with its page."""

    def __init__(
        self,
        words: Sequence[str],
        write_bytes: Callable[[bytes], Awaitable[None]],
        write_text: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        """Prepare to run `words`. What it draws goes to `write_bytes`; `close` is called when it ends.

        `patience_seconds` is how long it may take to end when it is asked to.
        """
        super().__init__(
            "",
            write_bytes=write_bytes,
            write_str=write_text,
            close=close,
            download_manager=DownloadManager(),
        )
        self._words = tuple(words)
        self._without_sizes = SizesLeftOut()
        self._with_short_pastes = PastesCut()
        self.patience_seconds = _END_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether its process has ended."""
        return self._process is None or self._process.returncode is not None

    async def take(self, text: str) -> str:
        """Do what a message of the page asks for; return the answer to it, or an empty text.

        What is no message of textual-serve's page is passed over.
        """
        try:
            kind, *rest = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            return ""
        value: Any = rest[0] if rest else None
        if kind == "stdin" and isinstance(value, str):
            keys = self._with_short_pastes(self._without_sizes(value))
            await self.send_bytes(keys.encode("utf-8", "replace"))
        elif kind == "resize" and isinstance(value, dict):
            size = size_of(value.get("width"), value.get("height"))
            await self.set_terminal_size(size.columns, size.rows)
        elif kind == "ping" and isinstance(value, str):
            return json.dumps(["pong", value])
        elif kind == "focus":
            await self.focus()
        elif kind == "blur":
            await self.blur()
        return ""

    async def end(self) -> None:
        """Ask the dashboard to end, and end it where it does not."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.stop(), self.patience_seconds)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()

    async def run(self) -> None:
        """Hand on what the process draws until it ends; the page is then closed, whatever ended it."""
        try:
            # One that ends at once ends this as if it were cancelled.
            with contextlib.suppress(asyncio.CancelledError):
                await super().run()
        finally:
            await self.remote_close()

    async def on_meta(self, data: bytes) -> None:
        """Do what the dashboard asks of the page: to be closed. It opens no pages and hands over no files."""
        if json.loads(data).get("type") == "exit":
            await self.remote_close()

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        """Return the environment of a terminal of all colours, whatever terminal the server runs in."""
        environment = super()._build_environment(width=width, height=height)
        for name in ("COLORFGBG", *_OF_THE_SERVER):
            environment.pop(name, None)
        return {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}

    async def _open_app_process(self, width: int = 80, height: int = 24) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *self._words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._build_environment(width=width, height=height),
        )
        self._process = process
        self._stdin = process.stdin
        return process
