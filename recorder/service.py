"""The recorder, put together: its companion says what to receive, the feed receives, storage keeps
it, and the watchdog looks after all of it.

One loop, and nothing on it but that.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from hfptm.clock import monotonic_ns, wall_ns
from hfptm.config import Config
from hfptm.errors import VenueError
from hfptm.feed_status import FeedStatus
from hfptm.raw import Chosen, ClockReply, RawKind
from hfptm.registry import Group, Market
from hfptm.units import NS_PER_S
from recorder import talk
from recorder.companion import Companion
from recorder.connection import Append
from recorder.feed import Feed
from recorder.status import Gauge
from recorder.storage import Storage, writer_settings
from recorder.watchdog import Patience, Watchdog
from recorder.writer import RawRow

TICK_S = 1.0
"""Between two looks at all connections, and at most a tenth of their patience."""


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


Listener = Callable[[FeedStatus], None]


class Tap(Protocol):
    """Gets what the recorder gets, in the same order, in the same call, after it was kept."""

    def list_more(self, markets: list[Market], groups: list[Group]) -> None:
        """Markets of which rows will come."""

    def update(self, markets: list[Market], paid: dict[int, int]) -> None:
        """Markets with other rules than before, and what a YES share pays of those that resolved,
        in e4; it must not raise."""

    def receive(self, row: RawRow) -> None:
        """A raw row, as `Storage.append` has just taken it; it must not raise."""


class Service:
    """`run` it once, until told or for `limit_ns` from the first market found; each of `listeners`
    is told the status every second."""

    def __init__(
        self,
        config: Config,
        data: Path,
        listeners: Sequence[Listener] = (),
        tap: Tap | None = None,
        limit_ns: int | None = None,
    ) -> None:
        self._limit_ns = limit_ns
        self._tap = tap
        self._config = config
        self._data = data
        self._listeners = listeners
        self._patience = Patience.of(config.recorder.patience_ms)
        self._has_markets = False
        self._companion: Companion | None = None
        self._seed = wall_ns() % (1 << 32)

    async def run(self, stop: asyncio.Event) -> Summary:
        """Record until `stop`, which the end of the time sets too.

        Raises LakeError if another recorder has this folder or the disk refuses received rows, and
        VenueError if the exchange does not answer at the start.
        """
        since_ns, began_ns = wall_ns(), monotonic_ns()  # before the first log is begun
        storage = Storage(self._data, writer_settings(self._config))
        try:
            storage.append((wall_ns(), began_ns, 0, 0, 0, int(RawKind.START), b""))
            feed = await self._record(storage, stop, since_ns)
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

    @property
    def report(self) -> talk.Report | None:
        """The last one of the program beside the recorder."""
        return self._companion.report if self._companion else None

    def watch(self, markets: list[int]) -> None:
        """Have its reports show the books of these."""
        if self._companion:
            self._companion.watch(markets)

    async def _record(self, storage: Storage, stop: asyncio.Event, since_ns: int) -> Feed:
        config, watchdog = self._config, Watchdog(self._patience)
        self._companion = companion = Companion(self._begin(since_ns))
        address = config.server.market_ws_url
        append = _then(storage.append, self._tap.receive) if self._tap else storage.append
        feed = Feed(config.recorder, address, append, companion.hear, self._seed)
        gauge = Gauge(feed, watchdog, companion, monotonic_ns())
        async with companion, feed, asyncio.TaskGroup() as tasks:
            working = [
                tasks.create_task(self._follow(companion, feed, watchdog, storage, stop)),
                tasks.create_task(self._watch(companion, feed, watchdog)),
                tasks.create_task(self._tell(gauge, storage)),
            ]
            await stop.wait()
            for task in working:
                task.cancel()
        if not self._has_markets:
            address = config.server.gamma_url
            raise VenueError(address, "server.gamma_url", "has not answered until the end")
        return feed

    def _begin(self, since_ns: int) -> talk.Begin:
        return talk.Begin(
            data=self._data,
            servers=self._config.server,
            discovery=self._config.discovery,
            seed=self._seed,
            since_ns=since_ns,
            settle_ns=self._patience.behind_ns,
            storage=self._config.storage,
        )

    async def _follow(
        self,
        companion: Companion,
        feed: Feed,
        watchdog: Watchdog,
        storage: Storage,
        stop: asyncio.Event,
    ) -> None:
        async for told in companion.told():
            match told:
                case talk.Found(add=add, remove=remove, groups=groups):
                    if not self._has_markets:
                        self._begin_time(stop)
                        _keep(storage, RawKind.CHOSEN, Chosen(told.chosen))
                    if self._tap:
                        self._tap.list_more(add, groups)
                        self._tap.update(told.updated, told.paid)
                    feed.remove(remove)
                    feed.add(add)
                case talk.Answer(market=market, finding=finding):
                    watchdog.answer(market, finding)
                case talk.Doubted(markets=markets):
                    for market in markets:
                        watchdog.doubt(market)
                case talk.ClockAsked():
                    reply = told.payload.decode("latin-1")
                    clock = ClockReply(told.sent_ns, told.recv_ns, reply)
                    _keep(storage, RawKind.CLOCK, clock)

    def _begin_time(self, stop: asyncio.Event) -> None:
        """What comes before (kernels are compiled, an exchange hesitates) is not recording."""
        if self._limit_ns is not None:
            asyncio.get_running_loop().call_later(self._limit_ns / NS_PER_S, stop.set)
        self._has_markets = True

    async def _watch(self, companion: Companion, feed: Feed, watchdog: Watchdog) -> None:
        tick_s = min(TICK_S, self._patience.quiet_ns / NS_PER_S / 10)
        while True:
            now_ns = monotonic_ns()
            feed.tick(now_ns)
            feed.carry_out(watchdog.tick(now_ns, feed.links()))
            companion.ask(watchdog.take_checks())
            await asyncio.sleep(tick_s)

    async def _tell(self, gauge: Gauge, storage: Storage) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            status = gauge.read(storage.status(), monotonic_ns(), wall_ns())
            for listener in self._listeners:
                listener(status)


def _then(first: Append, second: Append) -> Append:
    def both(row: RawRow) -> None:
        first(row)
        second(row)

    return both


def _keep(storage: Storage, kind: RawKind, said: Chosen | ClockReply) -> None:
    """As a row of no connection."""
    storage.append((wall_ns(), monotonic_ns(), 0, 0, 0, int(kind), msgspec.json.encode(said)))


def _cause(group: BaseException) -> BaseException:
    """What went wrong, if it was one thing: tasks wrap it."""
    while isinstance(group, BaseExceptionGroup) and len(group.exceptions) == 1:
        group = group.exceptions[0]
    return group
