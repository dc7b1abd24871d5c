"""A relay between an HTTP client and its server, that notes when a request was whole."""

import asyncio
from typing import NamedTuple, cast

from hfptm import clock


class Seen(NamedTuple):
    """A request whose last byte came in then (UTC)."""

    ts_ns: int
    line: bytes
    """Method and path."""
    body: bytes


class Tap(asyncio.Protocol):
    """One client's connection; `seen` gets each of its requests."""

    def __init__(self, host: str, port: int, seen: list[Seen]) -> None:
        self._server, self._seen = (host, port), seen
        self._held = b""
        self._rest: asyncio.Transport | None = None
        self._waiting: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._client = cast(asyncio.Transport, transport)  # uvloop's is none by its type
        self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        self._rest, _ = await loop.create_connection(lambda: _Back(self._client), *self._server)
        self._rest.writelines(self._waiting)

    def data_received(self, data: bytes) -> None:
        ts_ns = clock.wall_ns()
        self._held += data
        while request := self._whole():
            self._seen.append(Seen(ts_ns, *request))
        if self._rest:
            self._rest.write(data)
        else:
            self._waiting.append(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self._rest:
            self._rest.close()

    def _whole(self) -> tuple[bytes, bytes] | None:
        """(method and path, body) of the first request that is here to its end."""
        head, end, rest = self._held.partition(b"\r\n\r\n")
        if not end:
            return None
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        count = int(length or b"0")
        if len(rest) < count:
            return None
        self._held = rest[count:]
        return head.partition(b" HTTP/")[0], rest[:count]


class _Back(asyncio.Protocol):
    """Answers on their way to the client."""

    def __init__(self, client: asyncio.Transport) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        self._client.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._client.close()
