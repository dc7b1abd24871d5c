"""Plays a wire file over WebSockets: the load for whatever records, as fast as it reads.

Every subscriber gets the whole file, from its own subscription on, and is then sent off: what it
gets depends on nobody else. Frames go round the library's own sending, which would be the slowest
part by far.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import msgspec
import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request as Handshake
from websockets.http11 import Response

from hfptm.clock import monotonic_ns
from hfptm.errors import InputError
from hfptm.sandbox.market_channel import PING, PONG, Request, read_request
from hfptm.sandbox.playback import Playback
from hfptm.sandbox.server import HOST, listen
from hfptm.sandbox.sockets import MARKET_PATH, REQUEST_MAX_BYTES
from hfptm.sandbox.wire_file import read_header
from hfptm.units import NS_PER_S

_BLOCK_FRAMES = 500
_BLOCKS_PER_S = 200
"""At a rate; a block is smaller then."""
_BUFFER_BYTES = 1 << 20
_CLOSE_S = 60
"""How long a subscriber may take to read what is still on its way."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What the subscribers who got the whole file were sent, all together."""

    subscribers: int
    frames: int
    size_bytes: int
    took_ns: int
    """From the first one's first block until the last one had everything."""
    frames_per_s: int


def resend(
    path: Path,
    *,
    port: int = 0,
    rate_frames_per_s: int = 0,
    subscribers: int = 1,
    on_ready: Callable[[str], None],
) -> Sent:
    """Serve until so many subscribers had the whole file, each at the rate, or 0 for full speed.

    `on_ready` hears the address. Raises ConfigError for a port that is taken, and InputError for a
    file that is none or damaged; what stands before the damage was sent.
    """
    read_header(path)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Resend(path, rate_frames_per_s, subscribers).run(port, on_ready))


class _Resend:
    def __init__(self, path: Path, rate_frames_per_s: int, subscribers: int) -> None:
        self._path = path
        self._rate = rate_frames_per_s
        self._subscribers = subscribers
        self._served: list[_Subscriber] = []

    async def run(self, port: int, on_ready: Callable[[str], None]) -> Sent:
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        server = await serve(
            self._meet,
            sock=listen("ws_port", port),
            process_request=_refuse_other_paths,
            compression=None,
            ping_interval=None,
            close_timeout=_CLOSE_S,
            max_size=REQUEST_MAX_BYTES,
            write_limit=_BUFFER_BYTES,
        )
        async with server:
            on_ready(f"ws://{HOST}:{next(iter(server.sockets)).getsockname()[1]}{MARKET_PATH}")
            await self._ended
        return _sum(self._served)

    async def _meet(self, connection: ServerConnection) -> None:
        subscriber = _Subscriber(connection, Playback(self._path), self._rate)
        try:
            if await subscriber.attend():
                self._served.append(subscriber)
        except InputError as error:
            if not self._ended.done():
                self._ended.set_exception(error)
        if len(self._served) == self._subscribers and not self._ended.done():
            self._ended.set_result(None)


class _Subscriber:
    """One connection, from its handshake to its end."""

    def __init__(self, connection: ServerConnection, playback: Playback, rate: int) -> None:
        self.frames = self.size_bytes = 0
        self.began_ns = self.ended_ns = 0
        self._connection = connection
        self._playback = playback
        self._rate = rate
        self._block = min(_BLOCK_FRAMES, rate // _BLOCKS_PER_S + 1 if rate else _BLOCK_FRAMES)
        self._is_begun = False

    async def attend(self) -> bool:
        """Whether it stayed until it had everything."""
        try:
            while not self._is_begun:
                await self._hear()
            listening = asyncio.create_task(self._listen())
            try:
                return await self._play()
            finally:
                listening.cancel()
        except (ConnectionClosed, ConnectionError):
            return False

    async def _listen(self) -> None:
        with suppress(ConnectionClosed, ConnectionError):  # `_play` sees it too
            while True:
                await self._hear()

    async def _hear(self) -> None:
        """One frame of the subscriber; what cannot be read is ignored, as by the sandbox."""
        text = await self._connection.recv()
        if text == PING:
            await self._connection.send(PONG, text=True)
        elif isinstance(text, str) and (request := read_request(text)):
            self._obey(request)

    def _obey(self, request: Request) -> None:
        if request.operation == "unsubscribe":
            self._playback.remove(request.assets_ids)
        elif request.operation == "subscribe" or request.type == "market":
            self._is_begun = True
            self._playback.add(request.assets_ids)
            if request.custom_feature_enabled is not None:
                self._playback.is_custom = request.custom_feature_enabled

    async def _play(self) -> bool:
        self.began_ns = monotonic_ns()
        transport = self._connection.transport
        while (frames := self._playback.take(self._block)) is not None:
            if transport.is_closing():  # nobody is there to play to
                return False
            data = b"".join(frames)
            transport.write(data)
            self.frames += len(frames)
            self.size_bytes += len(data)
            await self._connection.drain()
            await asyncio.sleep(self._ahead_s())
        await self._connection.close()
        self.ended_ns = monotonic_ns()
        return self._connection.close_code == CloseCode.NORMAL_CLOSURE

    def _ahead_s(self) -> float:
        """How long until the next block is due."""
        if not self._rate:
            return 0
        due_ns = self.began_ns + self.frames * NS_PER_S // self._rate
        return max(0, due_ns - monotonic_ns()) / NS_PER_S


def _sum(served: list[_Subscriber]) -> Sent:
    frames = sum(subscriber.frames for subscriber in served)
    began_ns = min(subscriber.began_ns for subscriber in served)
    took_ns = max(1, max(subscriber.ended_ns for subscriber in served) - began_ns)
    return Sent(
        subscribers=len(served),
        frames=frames,
        size_bytes=sum(subscriber.size_bytes for subscriber in served),
        took_ns=took_ns,
        frames_per_s=frames * NS_PER_S // took_ns,
    )


def _refuse_other_paths(connection: ServerConnection, request: Handshake) -> Response | None:
    if request.path == MARKET_PATH:
        return None
    return connection.respond(HTTPStatus.NOT_FOUND, f"only {MARKET_PATH} is served\n")
