"""An exchange whose markets come and go by the hundred, and a recorder of them, each a process.

Time is compressed: what both take for the time is the machine's and half an hour more after each
wave. The recorder's parts are its own: discovery, feed, log and sealing, watchdog, questions, live
books.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import NamedTuple

import numpy as np
import uvloop

from benchmarks.child import child
from hfptm import sections
from hfptm.book_check import compile_kernels
from hfptm.clock import monotonic_ns, wall_ns
from hfptm.lake import Lake
from hfptm.records import BUY
from hfptm.registry import Market
from hfptm.sandbox.catalogue import EventTerms, MarketTerms, Tag
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.orders import OrderRequest, TimeInForce
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.sections import Servers
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from hfptm.venue.messages import MarketResolved, NewMarket, decode
from hfptm.venue.orders import limit_amounts
from recorder import live_books, questions
from recorder.connection import Append
from recorder.discovery import Discovery
from recorder.feed import Feed
from recorder.live_books import LiveBooks
from recorder.market_store import MarketStore
from recorder.questions import Questions
from recorder.rest import Rest
from recorder.storage import Storage
from recorder.watchdog import Patience, Watchdog
from recorder.writer import RawRow, WriterSettings
from tests.discovery import ALL
from tests.sandbox import make_market
from tests.sandbox_api import FUNDS_E6, MAKER, START_NS, make_sandbox

WAVE_NS = 1_800 * NS_PER_S
WINDOW_NS = 900 * NS_PER_S
FIRST_NUMBER = 1_000
ORDERS = 3
"""Of each market in each of its tokens, so that its book is told of."""

FLUSH_MS = 20
PATIENCE_MS = 500
TICK_S = 0.05
HEAR_S = 120.0
WAVE_S = 4 * HEAR_S
_STATM_RSS = 1
_PAGE_BYTES = 4_096


class Wave(NamedTuple):
    """What is said to the exchange: this wave begins, the one before it is resolved."""

    number: int
    skew_ns: int
    """Its clock is that of the machine and this."""


class Trade(NamedTuple):
    """Orders come in on the markets of a wave."""

    number: int


class Task(NamedTuple):
    data: Path
    waves: int
    size: int


def recorded(task: Task) -> list[int]:
    """Memory in bytes of the recorder behind each wave."""
    skew_ns = START_NS - wall_ns()
    with child(exchange, task.size, skew_ns) as there:
        servers = there.hear(HEAR_S)
        with child(record, task, servers, skew_ns) as recorder:
            while isinstance(said := recorder.hear(WAVE_S, there), Wave | Trade):
                there.tell(said)
                recorder.tell(there.hear(HEAR_S))
            found: list[int] = said
            return found


def numbers(wave: int, size: int) -> range:
    return range(FIRST_NUMBER + wave * size, FIRST_NUMBER + (wave + 1) * size)


def exchange(pipe: Pipe, size: int, skew_ns: int) -> None:
    """Serve until the pipe closes; each `Wave` and `Trade` is answered when it is done."""
    sandbox, now = make_sandbox(), [skew_ns]
    with Server(sandbox, now_ns=lambda: wall_ns() + now[0]) as server:
        pipe.send(server.servers)
        while True:
            try:
                asked = pipe.recv()
            except EOFError:
                return
            if isinstance(asked, Wave):
                now[0] = asked.skew_ns
                server.run(partial(_turn, wave=asked.number, size=size))
            else:
                server.run(partial(_trade, of=numbers(asked.number, size)))
            pipe.send(asked)


def _turn(sandbox: Sandbox, wave: int, size: int) -> None:
    if wave > 1:
        for number in numbers(wave - 2, size):
            sandbox.forget_event(_slug(number))
    if wave:
        for number in numbers(wave - 1, size):
            sandbox.resolve_market(make_market(number).market, 10_000, sandbox.now_ns)
    for number in numbers(wave, size):
        _list_window(sandbox, number)


def _slug(number: int) -> str:
    return f"sol-updown-15m-{number}"


def _list_window(sandbox: Sandbox, number: int) -> None:
    now_ns = sandbox.now_ns
    slug, end_ns = _slug(number), now_ns + WINDOW_NS
    tokens = {"yes_token": str(number << 64 | 1), "no_token": str(number << 64 | 2)}
    market = make_market(number, slug=slug, category="crypto", end_ts_ns=end_ns, **tokens)
    terms = EventTerms(
        slug=slug,
        title=slug,
        tags=(Tag(21, "Crypto", "crypto"),),
        start_ns=now_ns,
        end_ns=end_ns,
        series_slug="sol-up-or-down-15m",
    )
    sandbox.add_event(terms, now_ns)
    rules = MarketTerms(outcomes=("Up", "Down"), window_start_ns=now_ns)
    sandbox.add_market(slug, Listing(market=market), rules, now_ns)
    sandbox.open_market(market.market, now_ns)


def _trade(sandbox: Sandbox, of: Iterable[int]) -> None:
    for number in of:
        sandbox.fund(MAKER, FUNDS_E6)
        for side in (1, 2):
            for step in range(ORDERS):
                maker_e6, taker_e6 = limit_amounts(BUY, 4_000 - 100 * step, 10 * ONE_E6, 100)
                order = OrderRequest(
                    order_id=f"{number}-{side}-{step}",
                    account=MAKER,
                    token=str(number << 64 | side),
                    side=BUY,
                    maker_e6=maker_e6,
                    taker_e6=taker_e6,
                    time_in_force=TimeInForce.GTC,
                )
                sandbox.submit(order)


def record(pipe: Pipe, task: Task, servers: Servers, skew_ns: int) -> None:
    """Tell each `Wave` and `Trade` that is due, and the memory taken behind each wave."""
    compile_kernels()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        pipe.send(runner.run(_Recorder(pipe, task, skew_ns).run(servers)))


class _Recorder:
    def __init__(self, pipe: Pipe, task: Task, skew_ns: int) -> None:
        self._pipe, self._task, self._skew_ns = pipe, task, skew_ns
        self._markets: dict[int, Market] = {}
        self._watchdog = Watchdog(Patience.of(PATIENCE_MS))
        self._sizes: list[int] = []
        for module in (live_books, questions):  # this process is its own
            vars(module)["wall_ns"] = self._now_ns

    def _now_ns(self) -> int:
        return wall_ns() + self._skew_ns

    async def run(self, servers: Servers) -> list[int]:
        storage = Storage(self._task.data, WriterSettings(flush_interval_ms=FLUSH_MS))

        def append(row: RawRow) -> None:
            storage.append((row[0] + self._skew_ns, *row[1:]))

        try:
            await self._record(servers, append)
        finally:
            storage.close()
        return self._sizes

    async def _record(self, servers: Servers, append: Append) -> None:
        rest = Rest(servers.clob_url, "server.clob_url", np.random.default_rng(1))
        store = MarketStore(Lake(self._task.data), self._now_ns())
        room = ALL.max_order_books
        self._books = LiveBooks(self._task.data, 0, room, FLUSH_MS * NS_PER_MS)
        self._discovery = Discovery(ALL, servers, store, seed=1)
        self._feed = Feed(sections.Recorder(), servers.market_ws_url, append, self._hear, seed=1)
        self._questions = Questions(rest, self._books, PATIENCE_MS * NS_PER_MS // 2)
        async with rest, self._discovery, self._feed, asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(each()) for each in (self._watch, self._check)]
            for number in range(self._task.waves):
                await self._wave(number)
                gc.collect()
                pages = int(Path("/proc/self/statm").read_text().split()[_STATM_RSS])
                self._sizes.append(pages * _PAGE_BYTES)
            for task in working:
                task.cancel()
        self._books.close()

    async def _wave(self, number: int) -> None:
        """Until exactly what is open is recorded, with books, and its trading was received."""
        self._skew_ns += WAVE_NS
        await self._told(Wave(number, self._skew_ns))
        wanted, over = self._ids(number), self._ids(number - 1)
        while not (wanted <= self._markets.keys() and over.isdisjoint(self._markets)):
            await self._discover()
        await _until(lambda: self._is_whole(wanted))
        frames = self._frames()
        await self._told(Trade(number))
        await _until(lambda: self._frames() >= frames + len(wanted))
        await _until(lambda: all(map(self._books.seen_ns, wanted)))

    def _ids(self, wave: int) -> set[int]:
        return {make_market(number).market for number in numbers(wave, self._task.size)}

    def _frames(self) -> int:
        return self._feed.dialling.received()[0]

    def _is_whole(self, wanted: set[int]) -> bool:
        """Whether each line has the book of each, and nothing of a market that is over."""
        sights = [sight for link in self._feed.links() for sight in link.markets.values()]
        with_book = Counter(sight.market for sight in sights if sight.book_ns)
        lines = len(self._feed.lines)
        return len(with_book) == len(self._markets) and all(with_book[m] >= lines for m in wanted)

    async def _told(self, message: Wave | Trade) -> None:
        self._pipe.send(message)
        await asyncio.to_thread(self._pipe.recv)

    async def _discover(self) -> None:
        changes = await self._discovery.step(self._now_ns(), is_look=True)
        for market in (*changes.add, *changes.updated):
            self._markets[market.market] = market
            self._books.add(market)
        for gone in changes.remove:
            self._markets.pop(gone, None)
            self._books.remove(gone)
        self._feed.remove(changes.remove)
        self._feed.add(changes.add)

    def _hear(self, payload: bytes, ts_recv_ns: int) -> None:
        for message in decode(payload):
            if isinstance(message, NewMarket):
                self._discovery.hear_new_market(message)
            elif isinstance(message, MarketResolved):
                self._discovery.hear_resolved(message, ts_recv_ns + self._skew_ns)

    async def _watch(self) -> None:
        async with asyncio.TaskGroup() as asking:
            while True:
                now_ns = monotonic_ns()
                self._feed.tick(now_ns)
                self._feed.carry_out(self._watchdog.tick(now_ns, self._feed.links()))
                for number in self._watchdog.take_checks():
                    if market := self._markets.get(number):
                        asking.create_task(self._ask(market))
                await asyncio.sleep(TICK_S)

    async def _ask(self, market: Market) -> None:
        self._watchdog.answer(market.market, await self._questions.ask(market))

    async def _check(self) -> None:
        while True:
            for market in await asyncio.to_thread(self._books.step):
                self._watchdog.doubt(market)
            await asyncio.sleep(TICK_S)


async def _until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(HEAR_S):
        while not is_true():
            await asyncio.sleep(TICK_S)
