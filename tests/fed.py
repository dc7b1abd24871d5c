"""A living sandbox under faults and what records it, in one process: feed, log, watchdog, questions
and books are the recorder's own; markets are told to it at once, without discovery.

`python -m tests.fed SEED...` runs the mixed faults of seeds at once, and says what is not
accounted for.
"""

import asyncio
import logging
import sys
import tempfile
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np

from hfptm import sections
from hfptm.book_check import compile_kernels
from hfptm.clock import monotonic_ns, wall_ns
from hfptm.errors import HfptmError
from hfptm.lake import Lake
from hfptm.raw import RawKind
from hfptm.records import BUY, SELL
from hfptm.registry import Market
from hfptm.sandbox.faults_kinds import (
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    Fault,
    Freeze,
    GhostBook,
    Lose,
    Malformed,
    RateLimit,
    Refuse,
    Reorder,
    Slow,
)
from hfptm.sandbox.faults_log import Deed
from hfptm.sandbox.listings import Phase
from hfptm.sandbox.market_frames import Published
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.server import Server
from hfptm.sandbox.session import Session, Settings
from hfptm.units import NS_PER_MS, NS_PER_S
from recorder.feed import Feed
from recorder.live_books import LiveBooks
from recorder.questions import Questions
from recorder.rest import Rest
from recorder.watchdog import Patience, Watchdog
from recorder.writer import RawWriter, WriterSettings
from tests.account import Account, Sample, Sent
from tests.raw_tape import Book, Tape

SECTION = sections.Recorder(assets_per_connection=12, connections_per_s=100, reconnect_interval_s=0)
FLUSH_MS = 20
TICK_S = 0.05
SAMPLE_S = 0.4
AT_ONCE = 8

WAIT_S = 120.0
"""Until books must have come: no measure of anything, but nothing hangs."""


class Fed:
    """`run` it once; then everything that was sent, done and recorded is there.

    Faults end after a while but for silence, which lasts until it is healed.
    """

    def __init__(
        self, folder: Path, seed: int, *, markets: int = 12, rate: int = 150, patience_ms: int = 500
    ) -> None:
        self.markets: list[Market] = []
        self.published: list[Published] = []
        self.deeds: list[Deed] = []
        self.samples: list[Sample] = []
        self.watchdog = Watchdog(Patience.of(patience_ms))
        self.folder = folder
        self.logs: list[Path] = []
        self._patience_s = patience_ms / 1_000
        self._settle_ns = Patience.of(patience_ms).behind_ns
        self._settings = Settings(seed=seed, markets=markets, rate=rate)
        self._seed = seed
        self._stopped_ns = 0

    def sent(self) -> Sent:
        return Sent(self.markets, self.published, self.deeds, self.samples)

    async def run(self, faults: Iterable[Fault], faulty_s: float) -> None:
        """Record a while without faults, with them, and until everything is healed."""
        session = Session(self._settings, wall_ns())
        session.feed.listeners.append(self.published.extend)
        session.sandbox.faults.tell = self.deeds.append
        server = Server(session.sandbox, now_ns=self._now_ns, frames=session.feed)
        await asyncio.to_thread(server.start)
        try:
            self.markets = server.run(_open_markets)
            await self._record(server, list(faults), faulty_s)
            self._sample(server)
        finally:
            await asyncio.to_thread(server.stop)

    def _now_ns(self) -> int:
        return self._stopped_ns or wall_ns()

    async def _record(self, server: Server, faults: list[Fault], faulty_s: float) -> None:
        settings = WriterSettings(flush_interval_ms=FLUSH_MS)
        writer = RawWriter(Lake(self.folder).wal, settings, self.logs.append)
        writer.append((wall_ns(), monotonic_ns(), 0, 0, 0, int(RawKind.START), b""))
        rest = Rest(server.clob_url, "server.clob_url", np.random.default_rng(self._seed))
        address = server.servers.market_ws_url
        feed = Feed(SECTION, address, writer.append, _ignore_news, self._seed)
        books = LiveBooks(self.folder, 0, len(self.markets), FLUSH_MS * NS_PER_MS)
        try:
            async with rest, feed, asyncio.TaskGroup() as tasks:
                questions = Questions(rest, books, self._settle_ns)
                watching = [
                    tasks.create_task(self._watch(feed, questions)),
                    tasks.create_task(self._check(books)),
                    tasks.create_task(self._take_samples(server)),
                ]
                for market in self.markets:
                    books.add(market)
                feed.add(self.markets)
                await self._until_whole(feed)
                numbers = [_start(server, fault) for fault in faults]
                await asyncio.sleep(faulty_s)
                for number, fault in zip(numbers, faults, strict=True):
                    if not isinstance(fault, Lose | Freeze):
                        _stop(server, number)
                await self._until_healed()
                await self._until_whole(feed)
                self._stopped_ns = wall_ns()
                await self._until_healed()  # its last frame may have met a silence
                await self._until_whole(feed)
                for task in watching:
                    task.cancel()
                await self._until_drained(server, feed)
        finally:
            writer.close()
            books.close()

    async def _until_healed(self) -> None:
        """Nothing has been silent for as long as the watchdog takes for a market that it does not
        know well. Silence does not end by itself: whoever is subscribed again has none.
        """
        quiet_ns = int(9 * self._patience_s * NS_PER_S)
        begun_ns = wall_ns() - 2 * quiet_ns // 3
        while wall_ns() < max([begun_ns, *self._silenced_ns()]) + quiet_ns:
            await asyncio.sleep(TICK_S)

    def _silenced_ns(self) -> list[int]:
        return [deed.ts_ns for deed in self.deeds[-200:] if deed.kind in ("lose", "freeze")]

    async def _until_whole(self, feed: Feed) -> None:
        """Every line has every book, and nothing waits to be healed."""
        end_ns = monotonic_ns() + int(WAIT_S * NS_PER_S)
        wanted = len(self.markets) * len(feed.lines)
        while monotonic_ns() < end_ns:
            sights = [sight for link in feed.links() for sight in link.markets.values()]
            if len(sights) >= wanted and all(sight.book_ns for sight in sights):
                return
            await asyncio.sleep(TICK_S)
        raise AssertionError(f"not whole after {WAIT_S} s")

    async def _until_drained(self, server: Server, feed: Feed) -> None:
        """All that was sent has come: a connection answers behind it. Its first answer may be to
        a question asked before.
        """
        await asyncio.to_thread(server.run, lambda _: None)
        end_ns = monotonic_ns() + int(WAIT_S * NS_PER_S)
        for _ in range(2):
            asked_ns = monotonic_ns()
            for connection in feed.dialling.open.values():
                connection.ping()
            while any(link.last_pong_ns < asked_ns for link in feed.links()):
                assert monotonic_ns() < end_ns, "no answer"
                await asyncio.sleep(TICK_S)

    async def _watch(self, feed: Feed, questions: Questions) -> None:
        by_id = {market.market: market for market in self.markets}
        async with asyncio.TaskGroup() as asking:
            while True:
                now_ns = monotonic_ns()
                feed.tick(now_ns)
                feed.carry_out(self.watchdog.tick(now_ns, feed.links()))
                for market in self.watchdog.take_checks():
                    asking.create_task(self._ask(questions, by_id[market]))
                await asyncio.sleep(TICK_S)

    async def _ask(self, questions: Questions, market: Market) -> None:
        self.watchdog.answer(market.market, await questions.ask(market))

    async def _take_samples(self, server: Server) -> None:
        while True:
            await asyncio.to_thread(self._sample, server)
            await asyncio.sleep(SAMPLE_S)

    def _sample(self, server: Server) -> None:
        def look(sandbox: Sandbox) -> Sample:
            return Sample({frame.market: frame.number for frame in self.published}, _books(sandbox))

        self.samples.append(server.run(look))

    async def _check(self, books: LiveBooks) -> None:
        while True:
            for market in await asyncio.to_thread(books.step):
                self.watchdog.doubt(market)
            await asyncio.sleep(TICK_S)


def mixed(seed: int) -> list[Fault]:
    """Some of the kinds, often enough to be met within a second or two."""
    rng = np.random.default_rng(seed)
    window = {"start_s": Decimal("0.1"), "duration_s": Decimal("0.3"), "every_s": Decimal("0.7")}
    half = window | {"share": Decimal("0.5")}
    few = Decimal("0.02")
    kinds: list[Fault] = [
        Drop(share=few),
        Duplicate(share=few),
        Malformed(share=few),
        Delay(share=few, delay_ms=(0, 100)),
        Reorder(share=few, delay_ms=(0, 100)),
        Slow(delay_ms=(0, 300), share=Decimal("0.5")),
        Freeze(share=Decimal("0.5")),
        Lose(share=Decimal("0.5")),
        msgspec.convert(half | {"kind": "disconnect", "code": 1012}, Disconnect),
        msgspec.convert(half | {"kind": "disconnect"}, Disconnect),
        msgspec.convert(half | {"kind": "refuse", "status": 503}, Refuse),
        msgspec.convert(window | {"kind": "refuse"}, Refuse),
        msgspec.convert(half | {"kind": "ghost_book"}, GhostBook),
        msgspec.convert(half | {"kind": "rate_limit"}, RateLimit),
    ]
    return [fault for fault in kinds if rng.random() < 0.5]


async def of_seed(seed: int, folder: Path) -> list[str]:
    """The mixed faults of a seed: what is not accounted for."""
    fed = Fed(folder, seed)
    await fed.run(mixed(seed), 1.5)
    return await asyncio.to_thread(lambda: account(fed).errors)


async def of_seeds(seeds: Iterable[int]) -> list[str]:
    """Several at once: they wait most of the time. Each error with what shows it again."""
    compile_kernels()
    gate = asyncio.Semaphore(AT_ONCE)

    async def run(seed: int, folder: Path) -> list[str]:
        async with gate:
            try:
                errors = await of_seed(seed, folder)
            except (AssertionError, ExceptionGroup, HfptmError, OSError) as error:
                errors = [repr(error)]
        return [f"python -m tests.fed {seed}: {error}" for error in errors]

    with tempfile.TemporaryDirectory() as folder:
        runs = (run(seed, Path(folder, str(n))) for n, seed in enumerate(seeds))
        found = await asyncio.gather(*runs)
    return [error for errors in found for error in errors]


def account(fed: Fed) -> Account:
    return Account(fed.sent(), Tape(fed.folder, fed.markets))


def _ignore_news(payload: bytes, ts_recv_ns: int) -> None:
    """Markets are known."""


def _start(server: Server, fault: Fault) -> int:
    return server.run(lambda sandbox: sandbox.faults.start(fault))


def _stop(server: Server, number: int) -> None:
    server.run(lambda sandbox: sandbox.faults.stop(number))


def _open_markets(sandbox: Sandbox) -> list[Market]:
    entries = sandbox.catalogue.markets
    return [e.listed.market for e in entries if e.listed.phase is Phase.OPEN]


def _books(sandbox: Sandbox) -> dict[int, Book]:
    found = {}
    for entry in sandbox.catalogue.markets:
        book = entry.listed.book
        found[entry.listed.market.market] = (
            book.published_levels(BUY),
            book.published_levels(SELL),
        )
    return found


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    errors = asyncio.run(of_seeds(map(int, sys.argv[1:])))
    sys.exit("\n".join(errors) or None)
