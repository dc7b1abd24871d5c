"""Faults where they meet sockets: lines that are late or cut, and a door that is shut."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Response

from hfptm.errors import ConfigError
from hfptm.sandbox.catalogue import Catalogue
from hfptm.sandbox.faults import Faults
from hfptm.sandbox.faults_frames import Sent
from hfptm.sandbox.faults_kinds import Disconnect, Refuse
from hfptm.sandbox.faults_lines import Line
from hfptm.sandbox.faults_log import OPENED, Deed
from hfptm.sandbox.outlets import Outlet, binary_frame, text_frame

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: throw away what is not sent, and say so."""


class FaultyOutlet:
    """An outlet whose frames pass the faults of its connection. PONG goes to the outlet itself."""

    def __init__(self, line: Line, outlet: Outlet) -> None:
        self.line = line
        self.outlet = outlet

    def send(
        self,
        payload: bytes,
        framed: bytes | None = None,
        *,
        n: int = 0,
        market: int = 0,
        assets: tuple[str, ...] = (),
    ) -> None:
        """A frame of the exchange; `framed` is the same as a whole message, if at hand.

        The others as for `Line.take`.
        """
        if self.line.is_clear:
            self.line.skip(1)
            self.outlet.write(framed or text_frame(payload))
            return
        self._write(self.line.take(payload, n=n, market=market, assets=assets))

    def review(self) -> None:
        """Send what was late until now, and let the connection be cut."""
        self._write(self.line.due())
        if fault := self.line.cut():
            self._cut(fault)

    def _write(self, frames: list[Sent]) -> None:
        for payload, is_binary in frames:
            self.outlet.write(binary_frame(payload) if is_binary else text_frame(payload))

    def _cut(self, fault: Disconnect) -> None:
        connection = self.outlet.connection
        if fault.code is not None:
            self.outlet.close(fault.code)
            return
        if connection.transport.is_closing():  # cut before, or gone by itself
            return
        raw = connection.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.transport.abort()


class FaultyLines:
    """All connections, numbered in the order in which they were opened."""

    def __init__(self, faults: Faults, catalogue: Catalogue) -> None:
        self._faults, self._catalogue = faults, catalogue
        self._opened = 0
        self._open: dict[FaultyOutlet, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def open(self, channel: str, outlet: Outlet, subscribed_ns: Mapping[str, int]) -> FaultyOutlet:
        """A new connection; `subscribed_ns` says since when it has each of its tokens."""
        self._opened += 1
        line = Line(self._faults, self._opened, channel, self._names_of, subscribed_ns)
        faulty = FaultyOutlet(line, outlet)
        self._open[faulty] = None
        host, port = outlet.connection.remote_address[:2]
        peer, now_ns = f"{host}:{port}", self._faults.now_ns
        self._faults.tell(Deed(ts_ns=now_ns, kind=OPENED, connection=self._opened, peer=peer))
        return faulty

    def close(self, faulty: FaultyOutlet) -> None:
        faulty.line.close()
        del self._open[faulty]

    def review(self) -> None:
        """After time has passed."""
        for faulty in list(self._open):
            faulty.review()

    def refuse(self, connection: ServerConnection, channel: str) -> Response | None:
        """The answer to a connection that is not let in; None if it is."""
        for active in self._faults.active(Refuse):
            status = active.fault.status
            if status is None or active.fault.channel not in (None, channel):
                continue
            if number := self._faults.hits_next(active):
                self._faults.note(active, request=number, path=f"/ws/{channel}", status=status)
                return connection.respond(HTTPStatus(status), f"{HTTPStatus(status).phrase}\n")
        return None

    def _names_of(self, market: int) -> tuple[str, str]:
        entry = self._catalogue.of_market(market)
        return entry.listed.market.slug, entry.clob_condition()


class Door:
    """A port on which somebody listens, unless a fault has shut it.

    `serve` starts listening on a bound socket, `bind` binds another one to the same port.
    """

    def __init__(
        self,
        faults: Faults,
        serve: Callable[[socket.socket], Awaitable[WebSocketServer]],
        bind: Callable[[], socket.socket],
    ) -> None:
        self._faults, self._serve, self._bind = faults, serve, bind
        self._servers: list[WebSocketServer] = []
        self._bound: socket.socket | None = None
        self._is_shut = True

    async def open(self, bound: socket.socket) -> None:
        self._servers = [server for server in self._servers if server.handlers]
        self._servers.append(await self._serve(bound))
        self._is_shut = False

    async def review(self) -> None:
        """Shut or open as the faults want it. Connections that are open stay so."""
        shutting = [a for a in self._faults.active(Refuse) if a.fault.status is None]
        if shutting and not self._is_shut:
            self._faults.note(shutting[0], detail="nobody listens")
            self._servers[-1].server.close()
            self._is_shut = True
        if self._is_shut and self._bound is None:
            self._bound = self._try_to_bind()
        if not shutting and self._bound is not None:
            bound, self._bound = self._bound, None
            await self.open(bound)

    def _try_to_bind(self) -> socket.socket | None:
        """Keep the port from others; None while the loop has not yet closed the last listener, or
        a connection of somebody else got it in between."""
        try:
            return self._bind()
        except ConfigError:
            return None

    async def close(self) -> None:
        """Close every connection, and return once they are."""
        if self._bound is not None:
            self._bound.close()
        for server in self._servers:
            server.close()
        await asyncio.gather(*(server.wait_closed() for server in self._servers))
