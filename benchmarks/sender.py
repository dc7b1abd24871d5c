"""A market channel that sends frames made before, as fast as they are read or at a rate.

Cheap enough to keep a recorder busy: a block of whole WebSocket frames is one write. Each
connection gets the frames of the markets that it asked for, over and over.
"""

import asyncio
from multiprocessing.connection import Connection as Pipe
from typing import Any, NamedTuple

import msgspec
import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from benchmarks.storage import make_frames
from hfptm.sandbox.outlets import text_frame

_BLOCK_FRAMES = 256
_BUFFER_BYTES = 1 << 20
_LEVELS = 20
"""A side, so that a book of a token takes 2 KB, as at the exchange."""

_CLOSE_S = 60

OPENING_S = 120.0
"""What the recorder is given to open all its connections."""


class Load(NamedTuple):
    """What is sent. `frames` different ones of `markets`, once so many connections are there."""

    seconds: int
    markets: int
    connections: int
    rate: int = 0
    """Frames per second, of all connections together; 0: as fast as they are read."""
    frames: int = 131_072
    has_books: bool = False
    """Whether a subscription is answered with books."""


class Head(msgspec.Struct):
    market: str
    price_changes: list[dict[str, str]]


def send(pipe: Pipe, load: Load) -> None:
    """Tell the address, send, and tell how many frames were sent."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Sender(load).run(pipe))


class _Sender:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._of_token: dict[str, list[bytes]] = {}
        for payload in make_frames(load.frames, load.markets):
            token = msgspec.json.decode(payload, type=Head).price_changes[0]["asset_id"]
            self._of_token.setdefault(token, []).append(text_frame(payload))
        self._lines = 0
        """That have asked for something and are open."""
        self._everybody = asyncio.Event()
        self._end_s = 0.0
        self._sent = 0

    async def run(self, pipe: Pipe) -> None:
        async with serve(
            self._meet,
            "127.0.0.1",
            0,
            compression=None,
            ping_interval=None,
            close_timeout=_CLOSE_S,
            max_size=_BUFFER_BYTES,
            write_limit=_BUFFER_BYTES,
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            pipe.send(f"ws://127.0.0.1:{port}/")
            await asyncio.wait_for(self._everybody.wait(), OPENING_S)
            while self._lines:
                await asyncio.sleep(0.05)
        pipe.send(self._sent)

    async def _meet(self, line: ServerConnection) -> None:
        """One that comes again, after it was lost, gets what is left of the time."""
        tokens = msgspec.json.decode(await line.recv(), type=dict[str, Any])["assets_ids"]
        self._lines += 1
        listening = asyncio.create_task(_listen(line))
        try:
            if self._load.has_books:
                await line.send(books(tokens))
            frames = [frame for token in tokens for frame in self._of_token.get(token, [])]
            await self._all(listening)
            await self._play(line, frames)
        except ConnectionClosed:
            return
        finally:
            self._lines -= 1
            listening.cancel()

    async def _all(self, listening: asyncio.Task[None]) -> None:
        """Wait until so many lines are open at once; one that is lost meanwhile does not count."""
        if self._lines == self._load.connections and not self._everybody.is_set():
            self._end_s = asyncio.get_running_loop().time() + self._load.seconds
            self._everybody.set()
        waiting = asyncio.create_task(self._everybody.wait())
        await asyncio.wait({waiting, listening}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def _play(self, line: ServerConnection, frames: list[bytes]) -> None:
        """Until the time is over or the line is lost, whose ConnectionClosed `drain` raises."""
        loop = asyncio.get_running_loop()
        rate = self._load.rate / self._load.connections
        size = _BLOCK_FRAMES if not rate else 1
        blocks = [b"".join(frames[at : at + size]) for at in range(0, len(frames) - size + 1, size)]
        began_s, sent = loop.time(), 0
        while loop.time() < self._end_s:
            line.transport.write(blocks[sent // size % len(blocks)])
            sent += size
            self._sent += size
            await line.drain()
            await asyncio.sleep(max(0, began_s + sent / rate - loop.time()) if rate else 0)


async def _listen(line: ServerConnection) -> None:
    """What else is asked is read, or it would stop the one who asks; PING is answered."""
    try:
        async for text in line:
            if text == "PING":
                await line.send("PONG")
    except ConnectionClosed:
        return


def books(tokens: list[str]) -> str:
    """Books of so many levels that each takes about 2 KB."""
    levels = {
        side: [{"price": f"0.{start + n:03d}", "size": f"{n * 37.5:.2f}"} for n in range(_LEVELS)]
        for side, start in (("bids", 100), ("asks", 600))
    }
    head = {"market": "0x" + "c0" * 32, "timestamp": "1793000000123", "event_type": "book"}
    made = [{**head, "asset_id": token, "hash": "66" * 20, **levels} for token in tokens]
    return msgspec.json.encode(made).decode()
