"""The WebSocket channels on the network: one address with /ws/market and /ws/user.

Frames go round the library's own sending, which makes thousands of them a second too dear: each is
put together once, whoever gets it, and what one subscriber gets in one turn of the loop is written
at once. The library keeps the handshake, reading and closing. Source: RFC 6455, section 5.2.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import State

from hfptm.sandbox.market_channel import MarketChannels
from hfptm.sandbox.market_frames import MarketFrames, Published
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.user_channel import AccessDeniedError, UserChannels

MARKET_PATH = "/ws/market"
USER_PATH = "/ws/user"

UNREAD_MAX_BYTES = 16 << 20
"""What may wait for a subscriber that does not read, beside the system's own buffers, before it is
cut off."""

REQUEST_MAX_BYTES = 4 << 20
"""A frame of a client; 50,000 tokens fit."""

_CLOSE_S = 0.5


class Sockets:
    """Serves the channels of a sandbox. `advance` brings it up to date, before each request."""

    def __init__(self, sandbox: Sandbox, frames: MarketFrames, advance: Callable[[], None]) -> None:
        self._advance = advance
        self._framed = (0, b"")
        self._market = MarketChannels(sandbox.catalogue)
        self._user = UserChannels(sandbox)
        self._handlers = {MARKET_PATH: self._serve_market, USER_PATH: self._serve_user}
        frames.listeners.append(self._market.publish)

    async def serve(self, listening: socket.socket) -> WebSocketServer:
        """Start on a bound socket; close the result to end it and every connection."""
        return await serve(
            self._serve,
            sock=listening,
            process_request=self._refuse_unknown_path,
            compression=None,
            ping_interval=None,
            close_timeout=_CLOSE_S,
            max_size=REQUEST_MAX_BYTES,
            server_header=None,
        )

    def _refuse_unknown_path(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        if _path(request) in self._handlers:
            return None
        return connection.respond(HTTPStatus.NOT_FOUND, "404 page not found\n")

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        with suppress(ConnectionClosedError):  # without a goodbye, as lines break
            await self._handlers[_path(connection.request)](connection)

    async def _serve_market(self, connection: ServerConnection) -> None:
        outlet = Outlet(connection)
        channel = self._market.open(lambda frame: outlet.write(self._frame(frame)))
        try:
            async for message in connection:
                self._advance()
                answer = channel.receive(message) if isinstance(message, str) else None
                if answer is not None:
                    outlet.write(text_frame(answer))
        finally:
            self._market.close(channel)

    async def _serve_user(self, connection: ServerConnection) -> None:
        outlet = Outlet(connection)
        channel = self._user.open(lambda payload: outlet.write(text_frame(payload)))
        try:
            async for message in connection:
                self._advance()
                answer = channel.receive(message) if isinstance(message, str) else None
                if answer is not None:
                    outlet.write(text_frame(answer))
        except AccessDeniedError as error:
            await connection.close(CloseCode.POLICY_VIOLATION, str(error))
        finally:
            self._user.close(channel)

    def _frame(self, frame: Published) -> bytes:
        """Its bytes on the wire, put together for the first subscriber."""
        if self._framed[0] != frame.number:
            self._framed = (frame.number, text_frame(frame.payload))
        return self._framed[1]


class Outlet:
    """The bytes that go out on one connection, in order, at the end of the loop's turn."""

    __slots__ = ("_connection", "_loop", "_waiting")

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []

    def write(self, framed: bytes) -> None:
        """Send what is a whole frame of the protocol already."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(framed)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        transport = self._connection.transport
        if self._connection.state is not State.OPEN or transport.is_closing():
            return
        transport.write(b"".join(waiting))
        if transport.get_write_buffer_size() > UNREAD_MAX_BYTES:
            transport.abort()


def text_frame(payload: bytes) -> bytes:
    """A whole text message from a server, which masks nothing."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def _path(request: Request) -> str:
    return request.path.partition("?")[0]
