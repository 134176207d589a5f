"""The server of `gpumon serve`: one page on loopback, at an address that only its user knows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from hmac import compare_digest
from importlib import resources
from pathlib import Path

from aiohttp import WSMsgType, web
from aiohttp.http_exceptions import HttpProcessingError

from gpumon.web.guard import refusal
from gpumon.web.page import headers, page
from gpumon.web.places import Places
from gpumon.web.session import Session, size_of

# Each is a process that samples: some tabs, not a flood.
MOST_SESSIONS = 8
_HEARTBEAT_SECONDS = 15.0
_SHUTDOWN_SECONDS = 5.0
# Every user of the machine can open connections: one that asks for nothing, or never ends its request, is
# closed after this. Not those of dashboards, which have a heartbeat.
_IDLE_SECONDS = 15.0
# A paste of a person; a key is a few bytes.
_MOST_MESSAGE_BYTES = 1 << 16

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Serves the dashboard that `words` start, below the path `/TOKEN/`.

    Whoever knows the token may look; anything else is 404, and a request whose Host or Origin is not
    loopback is 403.
    """

    def __init__(
        self, words: Sequence[str], token: str, title: str, *, idle_seconds: float = _IDLE_SECONDS
    ) -> None:
        """Prepare; nothing is started before a page asks for it.

        A connection on which nothing is asked for so long is closed.
        """
        self._idle_seconds = idle_seconds
        self._words = tuple(words)
        self._token = token
        self._title = title
        self._sockets: set[web.WebSocketResponse] = set()
        self._places = Places()

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(middlewares=[_guarded, self._places_kept])
        prefix = f"/{self._token}"
        application.router.add_get(f"{prefix}/", self._page)
        application.router.add_get(f"{prefix}/ws", self._websocket)
        application.router.add_static(f"{prefix}/static", _static_path())
        application.on_shutdown.append(self._close)
        return application

    async def serve(
        self, listening: socket.socket, over: asyncio.Event, started: Callable[[], None] = lambda: None
    ) -> None:
        """Serve on a socket until `over`; then every dashboard is ended. `started` is called in between."""
        runner = web.AppRunner(
            self.application(),
            access_log=None,
            logger=_logger(),
            shutdown_timeout=_SHUTDOWN_SECONDS,
            keepalive_timeout=self._idle_seconds,
        )
        await runner.setup()
        accepting = await asyncio.get_running_loop().create_server(
            partial(self._places.take, runner), sock=listening
        )
        try:
            started()
            await over.wait()
        finally:
            accepting.close()
            await runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        address = f"ws://{request.host}/{self._token}/ws"
        text = page(self._title, address, request.query.get("fontsize", ""))
        return web.Response(text=text, content_type="text/html")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Origin") is None:
            # A browser always tells it; without one a foreign page could not be told from our own.
            raise web.HTTPForbidden(text="a page must tell its origin")
        if len(self._sockets) >= MOST_SESSIONS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_SESSIONS} dashboards are open already")
        websocket = web.WebSocketResponse(heartbeat=_HEARTBEAT_SECONDS, max_msg_size=_MOST_MESSAGE_BYTES)
        self._sockets.add(websocket)
        try:
            await websocket.prepare(request)
            await self._run(websocket, request)
        finally:
            self._sockets.discard(websocket)
        return websocket

    async def _run(self, websocket: web.WebSocketResponse, request: web.Request) -> None:
        async def close() -> None:
            await websocket.close()

        session = Session(self._words, websocket.send_bytes, websocket.send_str, close)
        size = size_of(request.query.get("width"), request.query.get("height"))
        try:
            await session.start(size.columns, size.rows)
            async for message in websocket:
                if message.type is WSMsgType.TEXT:
                    answer = await session.take(message.data)
                    if answer:
                        await websocket.send_str(answer)
        finally:
            # A page that is gone must not leave a process behind, whatever ends this handler.
            await asyncio.shield(session.end())

    @web.middleware
    async def _places_kept(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let a connection stay that brings the token, whatever else it asks for."""
        if compare_digest(request.path.split("/")[1].encode(), self._token.encode()):
            self._places.keep(request.protocol)
        return await handler(request)

    async def _close(self, application: web.Application) -> None:
        del application
        for websocket in tuple(self._sockets):
            with contextlib.suppress(ConnectionError):
                await websocket.close()


@web.middleware
async def _guarded(request: web.Request, handler: _Handler) -> web.StreamResponse:
    reason = refusal(request.headers.get("Host"), request.headers.get("Origin"))
    if reason:
        return web.Response(status=403, text=reason)
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(headers(request.host))
        raise
    if not response.prepared:
        response.headers.update(headers(request.host))
    return response


def _logger() -> logging.Logger:
    """Return what writes errors of the server on stderr, but for requests that are none.

    Every user of the machine can send those: a traceback for each would bury the address.
    """
    logger = logging.getLogger("gpumon.web")
    logger.addFilter(_is_own_error)
    return logger


def _is_own_error(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


def _static_path() -> Path:
    """Return where textual-serve keeps its terminal: script, style and font."""
    found = resources.files("textual_serve") / "static"
    return Path(str(found))
