"""One HTTP/1.1 connection of a client: a request leaves in the call that makes it, so nothing that
the event loop has to do comes between a decision and its orders. Its answer comes later.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import NamedTuple, cast
from urllib.parse import SplitResult

import httptools

_INTERIM = 200
"""Statuses below announce the answer that comes after them."""


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Connection(asyncio.Protocol):
    """Made by `connect`. It takes a request once the answer to the last one is there.

    What goes wrong comes out of the answer as an OSError: then the request may have arrived.
    """

    def __init__(self) -> None:
        self.is_open = False
        self.since_ns = 0
        """For whoever keeps it, to note when it became idle."""
        self._answer: asyncio.Future[Reply] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its type
        self.is_open = True
        self._parser = httptools.HttpResponseParser(self)
        self._begin()

    def ask(self, request: bytes) -> "asyncio.Future[Reply]":
        """Write a whole request. Whoever gives the answer up closes the connection."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """At once; what was asked is never answered."""
        self.is_open = False
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(ConnectionError(f"an answer that is no HTTP ({error})"))

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or ConnectionError("closed by the other side"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= _INTERIM:
            self._tell(Reply(status, self._headers, b"".join(self._body)))
        if not self._parser.should_keep_alive():
            self.close()
        self._begin()

    def _begin(self) -> None:
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def _tell(self, reply: Reply) -> None:
        """One that nobody asked for is how a server says that it will listen no more."""
        answer, self._answer = self._answer, None
        if answer is None:
            self.close()
        elif not answer.done():
            answer.set_result(reply)

    def _end(self, error: Exception) -> None:
        answer, self._answer = self._answer, None
        if answer and not answer.done():
            answer.set_exception(error)
        self.close()


async def connect(address: SplitResult, context: ssl.SSLContext | None) -> Connection:
    """To a host, over TLS if its address says so. Raises OSError."""
    is_safe = address.scheme == "https"
    _, connection = await asyncio.get_running_loop().create_connection(
        Connection,
        str(address.hostname),
        address.port or (443 if is_safe else 80),
        ssl=context if is_safe else None,
    )
    return connection
