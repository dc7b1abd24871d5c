"""Server-sent events: everybody gets the newest, and nobody is waited for.

An event is encoded and compressed once, whoever reads. Compressed, each ends so that the next needs
none before it (zlib's full flush): what a reader takes of them, in order, is one gzip file.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

STREAMS_MAX = 64
PING_S = 10.0
"""Something is said at least so often, so that both ends notice when the other has gone."""

_PING = b"event: ping\ndata: {}\n\n"
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LEVEL = 1


class Streams:
    """What is published, and who reads it."""

    def __init__(self) -> None:
        self.open = 0
        self._serial = 0
        self._plain = self._packed = b""
        self._news = asyncio.Event()
        self._is_over = False

    @property
    def is_full(self) -> bool:
        return self.open >= STREAMS_MAX

    def publish(self, state: bytes) -> None:
        """A state as JSON, in one line; the one before is forgotten."""
        self._plain, self._packed = b"event: state\ndata: %b\n\n" % state, b""
        self._serial += 1
        self._wake()

    def close(self) -> None:
        """All of them end."""
        self._is_over = True
        self._wake()

    async def read(self, *, is_packed: bool) -> AsyncIterator[bytes]:
        """The newest state, then each newer one when it comes; a reader that is late misses some.

        `is_packed`: as gzip.
        """
        seen = 0
        if is_packed:
            yield _GZIP_HEAD
        while not self._is_over:
            if self._serial != seen:
                seen = self._serial
                yield self._newest(is_packed=is_packed)
            elif not await self._is_news():
                yield _flushed(_PING) if is_packed else _PING

    async def _is_news(self) -> bool:
        try:
            async with asyncio.timeout(PING_S):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _newest(self, *, is_packed: bool) -> bytes:
        if not is_packed:
            return self._plain
        self._packed = self._packed or _flushed(self._plain)
        return self._packed

    def _wake(self) -> None:
        """All who wait now; who comes later waits for the next."""
        reached, self._news = self._news, asyncio.Event()
        reached.set()


class StreamResponse(StreamingResponse):
    """One reader's stream, until he goes or all end."""

    def __init__(self, streams: Streams, tell: Callable[[], None], *, is_packed: bool) -> None:
        """`tell` publishes what is now: where nobody reads nothing was."""
        super().__init__(streams.read(is_packed=is_packed), media_type="text/event-stream")
        if is_packed:
            self.headers["content-encoding"] = "gzip"
        self._streams = streams
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._streams.open += 1
        try:
            if self._streams.open == 1:
                self._tell()
            await super().__call__(scope, receive, send)
        finally:
            self._streams.open -= 1


def _flushed(event: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
    return packer.compress(event) + packer.flush(zlib.Z_FULL_FLUSH)
