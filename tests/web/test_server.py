"""`gpumon serve` from the side of the browser: its page, its terminal, and who is turned away."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gpumon.web.places import MOST_CONNECTIONS
from gpumon.web.server import MOST_SESSIONS, Server

_TOKEN = "made-up-token"  # noqa: S105 - of a server that lives for one test
# A dashboard on a process that is no training: what else runs on the machine changes nothing in it.
_GPUMON = (sys.executable, "-m", "gpumon.cli.served")
_DASHBOARD = (*_GPUMON, "attach", f"{os.getpid()}", "--readonly", "--config", os.devnull)
_PATIENCE_SECONDS = 120.0
_ESCAPES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")


class _Browser:
    """A client that connects as the page's script does."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session = session
        self.base = base
        self.drawn = b""

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Return status and text of an answer."""
        async with self.session.get(self.base + path, headers=headers) as answer:
            return answer.status, await answer.text()

    def connect(self, **headers: str) -> aiohttp.client._WSRequestContextManager:
        """Open the terminal of a page."""
        own = {"Origin": self.base, **headers}
        return self.session.ws_connect(f"{self.base}/{_TOKEN}/ws?width=120&height=36", headers=own)

    async def until(self, websocket: aiohttp.ClientWebSocketResponse[bool], text: str) -> None:
        """Read what is drawn until that stands in it, colours and places left out."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + _PATIENCE_SECONDS
        while text.encode() not in _ESCAPES.sub(b"", self.drawn):
            assert clock() < deadline, self.drawn[-3000:]
            message = await websocket.receive(timeout=_PATIENCE_SECONDS)
            assert message.type is aiohttp.WSMsgType.BINARY, (message, self.drawn[-3000:])
            self.drawn += message.data


@asynccontextmanager
async def _served(*words: str, idle_seconds: float = 15.0) -> AsyncIterator[_Browser]:
    """Serve `words` on a free port of loopback while the block runs."""
    over = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        server = Server(words, _TOKEN, "gpumon on box", idle_seconds=idle_seconds)
        serving = asyncio.create_task(server.serve(listening, over))
        try:
            async with aiohttp.ClientSession() as session:
                yield _Browser(session, f"http://127.0.0.1:{port}")
        finally:
            over.set()
            await asyncio.wait_for(serving, _PATIENCE_SECONDS)


async def test_a_page_shows_the_dashboard_and_hands_on_keys() -> None:
    """Page, script, first frame, a key that opens the help, and q that closes the connection."""
    async with _served(*_DASHBOARD) as browser:
        status, text = await browser.get(f"/{_TOKEN}/")
        script, _ = await browser.get(f"/{_TOKEN}/static/js/textual.js")
        async with browser.connect() as websocket:
            await browser.until(websocket, "overview")
            browser.drawn = b""
            await websocket.send_str(json.dumps(["stdin", "?"]))
            await browser.until(websocket, "all pictures at once")
            await websocket.send_str(json.dumps(["stdin", "q"]))
            await websocket.send_str(json.dumps(["stdin", "q"]))
            while (
                message := await websocket.receive(timeout=_PATIENCE_SECONDS)
            ).type is aiohttp.WSMsgType.BINARY:
                browser.drawn += message.data

    assert (200, 200) == (status, script)
    assert f"ws://{browser.base.removeprefix('http://')}/{_TOKEN}/ws" in text
    assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED}


async def test_who_does_not_know_the_token_sees_nothing() -> None:
    """Another user of the machine finds no page, no terminal and no file."""
    async with _served("false") as browser:
        found = [
            (await browser.get(path))[0]
            for path in (
                "/",
                "/ws",
                "/static/js/textual.js",
                "/other/",
                f"/{_TOKEN}/../x",
                f"/{_TOKEN}/static/..%2fserver.py",
            )
        ]

    assert {404} == set(found)


async def test_foreign_names_and_pages_are_turned_away() -> None:
    """A page of elsewhere that knows even the token can neither read nor connect."""
    async with _served("false") as browser:
        rebound = await browser.get(f"/{_TOKEN}/", Host="evil.example:8000")
        foreign = await browser.get(f"/{_TOKEN}/", Origin="http://evil.example")
        statuses = []
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await browser.connect(**headers)
            statuses.append(refused.value.status)

    assert [403, 403, 403, 403] == [rebound[0], foreign[0], *statuses]


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\xff\xfe\x1b[31m\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
    ids=["garbage", "two-hosts", "long"],
)
async def test_a_request_that_is_none_leaves_no_word(
    request_: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Another user of the machine cannot fill the terminal, or the log, of whoever serves."""
    async with _served("false") as browser:
        port = int(browser.base.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_)
        status = (await reader.readline()).split()[1]
        writer.close()

    assert (b"400", "", []) == (status, capfd.readouterr().err, caplog.records)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: localh"], ids=["nothing", "half a request"])
async def test_a_connection_that_asks_for_nothing_is_closed(sent: bytes) -> None:
    """Another user of the machine cannot hold all descriptors of the server."""
    async with _served("false", idle_seconds=0.05) as browser:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(browser.base.rpartition(":")[2]))
        writer.write(sent)
        left = await asyncio.wait_for(reader.read(), _PATIENCE_SECONDS)
        writer.close()

    assert b"" == left


async def test_who_holds_all_places_does_not_keep_the_owner_out() -> None:
    """Another user of the machine holds all connections: for each new one the oldest of theirs is closed."""
    async with _served("false", idle_seconds=_PATIENCE_SECONDS) as browser:
        port = int(browser.base.rpartition(":")[2])
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_CONNECTIONS)]
        status, _ = await browser.get(f"/{_TOKEN}/")
        left = await asyncio.wait_for(held[0][0].read(), _PATIENCE_SECONDS)
        ended = [reader.at_eof() for reader, _ in held]
        for _, writer in held:
            writer.close()

    assert (200, b"") == (status, left)
    assert [True] + [False] * (MOST_CONNECTIONS - 1) == ended


# More at once than asyncio lets wait (100) are not there before the kernel tries again, seconds later.
@pytest.mark.parametrize("at_once", [1, 64])
async def test_who_brought_the_token_keeps_its_place(at_once: int) -> None:
    """However many connections others open, one by one or many at once, the page's own stays."""
    request = f"GET /{_TOKEN}/ HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    async with _served("false", idle_seconds=_PATIENCE_SECONDS) as browser:
        port = int(browser.base.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        first = await asyncio.wait_for(reader.readuntil(b"</html>"), _PATIENCE_SECONDS)
        held = []
        for _ in range(2 * MOST_CONNECTIONS // at_once):
            opening = [asyncio.open_connection("127.0.0.1", port) for _ in range(at_once)]
            held += await asyncio.gather(*opening)
        reading = {asyncio.ensure_future(other.read()) for other, _ in held}
        while len(reading) >= MOST_CONNECTIONS:
            ended, reading = await asyncio.wait(
                reading, timeout=_PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            assert ended
        writer.write(request)
        second = await asyncio.wait_for(reader.readuntil(b"</html>"), _PATIENCE_SECONDS)
        still_held = len(reading)
        for _, other in held:
            other.close()
        writer.close()

    assert first.startswith(b"HTTP/1.1 200")
    assert second.strip().startswith(b"HTTP/1.1 200")
    assert MOST_CONNECTIONS - 1 == still_held


async def test_a_dashboard_is_not_idle() -> None:
    """However long nobody types, its connection stays."""
    async with _served(*_DASHBOARD, idle_seconds=0.05) as browser, browser.connect() as websocket:
        await browser.until(websocket, "overview")
        browser.drawn = b""
        await websocket.send_str(json.dumps(["stdin", "?"]))
        await browser.until(websocket, "all pictures at once")


async def test_a_terminal_needs_an_origin() -> None:
    """Browsers always tell one."""
    async with _served("false") as browser:
        status, text = await browser.get(f"/{_TOKEN}/ws", Connection="Upgrade", Upgrade="websocket")

    assert (403, "a page must tell its origin") == (status, text)


async def test_there_are_only_so_many_dashboards_at_once() -> None:
    """A flood of tabs starts no flood of processes."""
    async with _served("head", "-c", "1") as browser:
        opened = [await browser.connect() for _ in range(MOST_SESSIONS)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await browser.connect()

        assert refused.value.status == 503
        for websocket in opened:
            await websocket.close()
