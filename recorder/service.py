"""The recorder, put together: discovery says what to receive, the feed receives, storage keeps it.

One loop, and nothing on it but that.
"""

import asyncio
from pathlib import Path

import msgspec

from hfptm.clock import monotonic_ns, wall_ns
from hfptm.config import Config
from hfptm.errors import VenueError
from hfptm.lake import Lake
from hfptm.raw import RawKind
from hfptm.units import NS_PER_S
from hfptm.venue.messages import MarketResolved, NewMarket, decode
from recorder.discovery import Discovery
from recorder.feed import Feed
from recorder.market_store import MarketStore
from recorder.observations import Watching
from recorder.storage import Storage, writer_settings

TICK_S = 1.0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Of a whole run."""

    ran_s: float
    frames: int
    size_bytes: int
    """Of the frames as received."""
    dropped_rows: int
    """What was received and could not be kept; each loss stands in the recording."""
    markets: int
    """At the end."""
    connections_opened: int
    connections_failed: int
    is_sealed: bool
    """False if sealing goes on in its own process."""


class Service:
    """`run` it once."""

    def __init__(self, config: Config, data: Path, watching: Watching) -> None:
        self._config = config
        self._data = data
        self._watching = watching
        self._has_markets = False
        self._seed = wall_ns() % (1 << 32)

    async def run(self, stop: asyncio.Event) -> Summary:
        """Record until `stop`.

        Raises LakeError if another recorder has this folder or the disk refuses received rows, and
        VenueError if the exchange does not answer at the start.
        """
        began_ns = monotonic_ns()
        storage = Storage(self._data, writer_settings(self._config))
        try:
            storage.append((wall_ns(), began_ns, 0, 0, 0, int(RawKind.START), b""))
            feed = await self._record(storage, stop)
        except BaseExceptionGroup as group:
            raise _cause(group) from None
        finally:
            is_sealed = storage.close()
        frames, size_bytes = feed.dialling.received()
        return Summary(
            ran_s=(monotonic_ns() - began_ns) / NS_PER_S,
            frames=frames,
            size_bytes=size_bytes,
            dropped_rows=storage.status().writer.dropped_rows,
            markets=len(feed.lines[0]),
            connections_opened=feed.dialling.opened,
            connections_failed=feed.dialling.failed,
            is_sealed=is_sealed,
        )

    async def _record(self, storage: Storage, stop: asyncio.Event) -> Feed:
        config = self._config
        store = MarketStore(Lake(self._data), wall_ns())
        discovery = Discovery(config.discovery, config.server, store, self._seed)
        feed = Feed(
            config.recorder,
            config.server.market_ws_url,
            storage.append,
            lambda payload, ts_recv_ns: hear(discovery, payload, ts_recv_ns),
            self._seed,
        )
        async with discovery, feed, asyncio.TaskGroup() as tasks:
            working = [
                tasks.create_task(self._follow(discovery, feed)),
                tasks.create_task(self._tick(feed)),
            ]
            await stop.wait()
            for task in working:
                task.cancel()
        if not self._has_markets:
            address = config.server.gamma_url
            raise VenueError(address, "server.gamma_url", "has not answered until the end")
        return feed

    async def _follow(self, discovery: Discovery, feed: Feed) -> None:
        async for changes in discovery.changes():
            self._has_markets = True
            feed.remove(changes.remove)
            feed.add(changes.add)

    async def _tick(self, feed: Feed) -> None:
        while True:
            now_ns = monotonic_ns()
            feed.tick(now_ns)
            feed.carry_out(self._watching.tick(now_ns, feed.links()))
            await asyncio.sleep(TICK_S)


def hear(discovery: Discovery, payload: bytes, ts_recv_ns: int) -> None:
    """Tell discovery the news of a frame."""
    for message in decode(payload):
        if isinstance(message, NewMarket):
            discovery.hear_new_market(message)
        elif isinstance(message, MarketResolved):
            discovery.hear_resolved(message, ts_recv_ns)


def _cause(group: BaseException) -> BaseException:
    """What went wrong, if it was one thing: tasks wrap it."""
    while isinstance(group, BaseExceptionGroup) and len(group.exceptions) == 1:
        group = group.exceptions[0]
    return group
