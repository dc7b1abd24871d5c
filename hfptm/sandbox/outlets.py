"""What goes out on a connection: whole messages, round the WebSocket library's own sending.

That makes thousands of them a second too dear: each is put together once, whoever gets it, and what
one subscriber gets in one turn of the loop is written at once. Source: RFC 6455, section 5.2.
"""

import asyncio

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

UNREAD_MAX_BYTES = 16 << 20
"""What may wait for a subscriber that does not read, beside the system's own buffers, before it is
cut off."""

_TEXT, _BINARY = 0x81, 0x82


class Outlet:
    """The bytes that go out on one connection, in order, at the end of the loop's turn."""

    __slots__ = ("_closing", "_loop", "_waiting", "connection")

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._closing: asyncio.Task[None] | None = None

    def write(self, framed: bytes) -> None:
        """Send what is a whole frame of the protocol already."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(framed)

    def close(self, code: int) -> None:
        """Send a close frame behind what has been written; nothing after it."""
        if self._closing is None:
            self._flush()
            self._closing = self._loop.create_task(self.connection.close(code))

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        transport = self.connection.transport
        if self.connection.state is not State.OPEN or transport.is_closing():
            return
        transport.write(b"".join(waiting))
        if transport.get_write_buffer_size() > UNREAD_MAX_BYTES:
            transport.abort()


def text_frame(payload: bytes) -> bytes:
    """A whole text message from a server, which masks nothing."""
    return _frame(_TEXT, payload)


def binary_frame(payload: bytes) -> bytes:
    """A whole binary message from a server."""
    return _frame(_BINARY, payload)


def _frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 1 << 16:
        return bytes((opcode, 0x7E)) + size.to_bytes(2, "big") + payload
    return bytes((opcode, 0x7F)) + size.to_bytes(8, "big") + payload
