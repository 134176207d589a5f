"""The process behind a page: what it is asked, and that it ends with its page."""

from __future__ import annotations

import asyncio
import json
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.web.session import MOST_COLUMNS, MOST_PASTED, MOST_ROWS, PastesCut, Session, Size, size_of

# Only a failing test waits so long.
_PATIENCE_SECONDS = 120.0
PASTE, END = "\x1b[200~", "\x1b[201~"
# Speaks as Textual's web driver does: a word, then packets. It copies the packets it gets into its own.
_ECHO = """
import os, sys
write = lambda kind, data: os.write(1, kind + len(data).to_bytes(4, "big") + data)
os.write(1, b"__GANGLION__\\n")
data = b""
while chunk := os.read(0, 4096):
    write(b"D", chunk)
    data += chunk
    if b'"quit"' in data and STOPS:
        write(b"M", b'{"type": "exit"}')
        break
"""


class _Page:
    """What a session sends to its page."""

    def __init__(self, *words: str, stops: bool = True) -> None:
        self.received = b""
        self.closed = asyncio.Event()
        self._news = asyncio.Event()
        echo = (sys.executable, "-S", "-c", f"STOPS = {stops}\n{_ECHO}")
        self.session = Session(words or echo, self._write, self._text, self._close)

    async def until(self, text: bytes) -> None:
        """Wait until that was drawn."""
        while text not in self.received:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), _PATIENCE_SECONDS)

    async def _write(self, data: bytes) -> None:
        self.received += data
        self._news.set()

    async def _text(self, text: str) -> None:
        self.received += text.encode()

    async def _close(self) -> None:
        self.closed.set()


async def test_keys_and_sizes_reach_the_process() -> None:
    """Keys as they are typed, sizes within bounds, and a ping is answered."""
    page = _Page()
    await page.session.start(80, 24)
    try:
        await page.session.take(json.dumps(["stdin", "q€"]))
        await page.session.take(json.dumps(["resize", {"width": 10**9, "height": 40}]))
        pong = await page.session.take(json.dumps(["ping", "17"]))
        await page.until("q€".encode())
        await page.until(f'"width": {MOST_COLUMNS}, "height": 40'.encode())
    finally:
        await page.session.end()

    assert ["pong", "17"] == json.loads(pong)
    assert page.closed.is_set()


async def test_a_size_among_the_keys_does_not_reach_the_process() -> None:
    """Whoever has the address may look, and not let a dashboard of 10 billion cells take all memory."""
    page = _Page()
    await page.session.start(80, 24)
    try:
        for keys in ("a\x1b[48;99999;99999;1;1tb", "\x1b", "[4", "8;99999;99999;1;1", "tt", "\x1b[Atz"):
            await page.session.take(json.dumps(["stdin", keys]))
        await page.until(b"z")
    finally:
        await page.session.end()

    # Each message is a packet: its kind, and four bytes of length.
    keys_alone = re.sub(rb"D\0\0\0.", b"", page.received)
    assert keys_alone.startswith(b"a\x1b[48;99999;99999;1;1b\x1b[48;99999;99999;1;1\x1b[Atz")


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_paste_is_cut_and_keys_are_not(size: int) -> None:
    """What a paste has too much is left out, its end is not, however the messages are cut."""
    cut = PastesCut(most_characters=20)
    typed = f"a\x1b[A{PASTE}sh\x1b[2ort{END}b{PASTE}{'x' * 500}{END}c{PASTE}{'y' * 17}{END}q"
    found = "".join(cut(typed[start : start + size]) for start in range(0, len(typed), size))

    assert found == typed.replace("x" * 500, "x" * 20)


def test_a_paste_without_an_end_takes_no_more_memory() -> None:
    """Messages of nothing else come to nothing once the paste is as long as one may be."""
    cut = PastesCut()
    cut(PASTE)
    cut("x" * MOST_PASTED)

    assert "" == cut("x" * MOST_PASTED)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "7",
        '["stdin"]',
        '["stdin", 7]',
        '["resize", 7]',
        '["eval", "x"]',
        '["ping", []]',
        "[" * 5000,
    ],
)
async def test_what_is_no_message_is_passed_over(text: str) -> None:
    """A broken page cannot end its session: nothing is raised, nothing answered."""
    page = _Page()

    assert await page.session.take(text) == ""


async def test_a_process_that_does_not_end_is_ended() -> None:
    """A page that is gone leaves nothing behind."""
    page = _Page(stops=False)
    page.session.patience_seconds = 0.1
    await page.session.start(80, 24)
    await page.session.take(json.dumps(["stdin", "x"]))
    await page.until(b"x")
    await page.session.end()

    assert page.session.is_over


async def test_a_process_that_fails_closes_its_page() -> None:
    """A page that waits for nothing would show nothing."""
    page = _Page("false")
    await page.session.start(80, 24)
    await asyncio.wait_for(page.closed.wait(), _PATIENCE_SECONDS)
    await page.session.end()

    assert page.session.is_over


@given(columns=st.integers() | st.text() | st.none() | st.floats(), rows=st.integers() | st.text())
def test_any_size_is_within_bounds(columns: object, rows: object) -> None:
    """Whatever a page asks for."""
    size = size_of(columns, rows)

    assert 1 <= size.columns <= MOST_COLUMNS
    assert 1 <= size.rows <= MOST_ROWS


def test_sizes_come_as_numbers_or_in_the_address() -> None:
    """What is neither is the usual size."""
    assert Size(120, 36) == size_of(120, "36")
    assert Size() == size_of("wide", True)


async def test_what_is_meant_for_the_servers_terminal_ends_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot be written is told in a terminal; behind a page nobody would see it."""
    monkeypatch.setenv("TEXTUAL_LOG", "/nonexistent/log")
    monkeypatch.setenv("TEXTUAL_COLOR_SYSTEM", "nonsense")
    check = (
        "import os; from gpumon.tui.textual_variables import check_variables; check_variables(os.environ);"
        "os.write(1, b'__GANGLION__\\nD' + (4).to_bytes(4, 'big') + b'fine')"
    )
    page = _Page(sys.executable, "-c", check)
    await page.session.start(80, 24)
    await asyncio.wait_for(page.closed.wait(), _PATIENCE_SECONDS)
    await page.session.end()

    assert b"fine" == page.received
