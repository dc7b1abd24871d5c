"""The WebSocket channels on the network: one address with /ws/market and /ws/user.

The library keeps the handshake, reading and closing; frames go round it, through `outlets`.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from hfptm.sandbox.faults_sockets import Door, FaultyLines, FaultyOutlet
from hfptm.sandbox.market_channel import PONG, MarketChannels
from hfptm.sandbox.market_frames import EventType, FrameSource, Published
from hfptm.sandbox.outlets import Outlet, text_frame
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.user_channel import AccessDeniedError, UserChannels

MARKET_PATH = "/ws/market"
USER_PATH = "/ws/user"

REQUEST_MAX_BYTES = 4 << 20
"""A frame of a client; 50,000 tokens fit."""

_CLOSE_S = 0.5
_NEWS = (EventType.NEW_MARKET, EventType.MARKET_RESOLVED)


class Sockets:
    """Serves the channels of a sandbox. `advance` brings it up to date, before each request.

    `bind` binds a socket to the port where they are served.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        frames: FrameSource,
        advance: Callable[[], None],
        bind: Callable[[], socket.socket],
    ) -> None:
        self._advance = advance
        self._framed = (0, b"")
        self._lines = FaultyLines(sandbox.faults, sandbox.catalogue)
        self._door = Door(sandbox.faults, self._listen, bind)
        self._market = MarketChannels(sandbox.catalogue, lambda: sandbox.faults.now_ns)
        self._user = UserChannels(sandbox)
        self._handlers = {MARKET_PATH: self._serve_market, USER_PATH: self._serve_user}
        frames.listeners.append(self._market.publish)

    async def serve(self, bound: socket.socket) -> None:
        """Start on a bound socket; `close` ends it and every connection."""
        await self._door.open(bound)

    async def review(self) -> None:
        """After time has passed: what faults held back, or want to be done."""
        self._lines.review()
        await self._door.review()

    async def close(self) -> None:
        await self._door.close()

    @property
    def connections(self) -> int:
        """Open ones, of both channels."""
        return len(self._lines)

    async def _listen(self, bound: socket.socket) -> WebSocketServer:
        return await serve(
            self._serve,
            sock=bound,
            process_request=self._refuse,
            compression=None,
            ping_interval=None,
            close_timeout=_CLOSE_S,
            max_size=REQUEST_MAX_BYTES,
            server_header=None,
        )

    def _refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        if _path(request) not in self._handlers:
            return connection.respond(HTTPStatus.NOT_FOUND, "404 page not found\n")
        return self._lines.refuse(connection, _channel(request))

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        with suppress(ConnectionClosedError):  # without a goodbye, as lines break
            await self._handlers[_path(connection.request)](connection)

    async def _serve_market(self, connection: ServerConnection) -> None:
        channel = self._market.open(lambda frame: self._send(frame, faulty))
        faulty = self._lines.open("market", Outlet(connection), channel.assets)
        try:
            await self._talk(connection, channel.receive, faulty)
        finally:
            self._market.close(channel)
            self._lines.close(faulty)

    async def _serve_user(self, connection: ServerConnection) -> None:
        faulty = self._lines.open("user", Outlet(connection), {})
        channel = self._user.open(faulty.send)
        try:
            await self._talk(connection, channel.receive, faulty)
        except AccessDeniedError as error:
            await connection.close(CloseCode.POLICY_VIOLATION, str(error))
        finally:
            self._user.close(channel)
            self._lines.close(faulty)

    async def _talk(
        self,
        connection: ServerConnection,
        receive: Callable[[str], bytes | None],
        faulty: FaultyOutlet,
    ) -> None:
        async for message in connection:
            self._advance()
            answer = receive(message) if isinstance(message, str) else None
            if answer == PONG:
                faulty.outlet.write(text_frame(PONG))
            elif answer is not None:
                faulty.send(answer)

    def _send(self, frame: Published, faulty: FaultyOutlet) -> None:
        """Its bytes on the wire are put together for the first subscriber."""
        if self._framed[0] != frame.number:
            self._framed = (frame.number, text_frame(frame.payload))
        assets = () if frame.event_type in _NEWS else frame.assets
        framed, market = self._framed[1], frame.market
        faulty.send(frame.payload, framed, n=frame.number, market=market, assets=assets)


def _channel(request: Request) -> str:
    return _path(request).rpartition("/")[2]


def _path(request: Request) -> str:
    return request.path.partition("?")[0]
