"""The connections that a server may have at once, and which of them has to go for another."""

from __future__ import annotations

import asyncio

from aiohttp import web

# A page has one for its dashboard and some for its files. All that every user of the machine could open would
# take all descriptors, and asyncio complains of each that it cannot accept, some ten thousand a second.
MOST_CONNECTIONS = 128


class Places:
    """Places for connections. Who brought the token keeps its own; of the others the oldest makes room.

    Every user of the machine can open connections: were the new ones refused, whoever holds all places would
    keep out the only one who may come in.
    """

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        """Begin with all places free."""
        self._most = most
        self._kept: set[web.RequestHandler] = set()

    def keep(self, connection: web.RequestHandler) -> None:
        """Leave its place to a connection until it ends."""
        self._kept.add(connection)

    def take(self, runner: web.AppRunner) -> asyncio.BaseProtocol:
        """Return what speaks with a new connection: a runner's server, unless all places are kept."""
        server = runner.server
        if server is None or len(self._kept.intersection(_open(server))) >= self._most:
            return _Refusal()
        # Many may come at once, of which asyncio has begun none yet: each makes room just before it begins.
        asyncio.get_running_loop().call_soon(self._make_room, server)
        return server()

    def _make_room(self, server: web.Server) -> None:
        there = _open(server)
        self._kept.intersection_update(there)
        strangers = [each for each in there if each not in self._kept]
        for oldest in strangers[: max(0, len(there) + 1 - self._most)]:
            oldest.force_close()


class _Refusal(asyncio.Protocol):
    """A connection that is closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


def _open(server: web.Server) -> list[web.RequestHandler]:
    """Return the connections of a server that nobody has closed, the oldest first."""
    return [each for each in server.connections if each.transport is not None]
