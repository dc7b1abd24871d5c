"""The program that runs beside the recorder, so that nothing but receiving runs within it.

It discovers markets, asks about silent ones, checks every book as it is recorded, and keeps up what
is sealed. `python -m recorder.aside` is started by `recorder.companion`, talks to it
over its standard input and output, and ends with it.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Iterable
from itertools import count

import numpy as np

from hfptm.book_check import compile_kernels, is_compiled
from hfptm.clock import wall_ns
from hfptm.errors import VenueError
from hfptm.lake import Lake
from hfptm.registry import Market
from hfptm.units import NS_PER_MS, NS_PER_S
from hfptm.venue.messages import MarketResolved, NewMarket, decode
from recorder import talk
from recorder.discovery import Discovery
from recorder.live_books import LiveBooks
from recorder.market_store import MarketStore
from recorder.questions import Questions
from recorder.rest import Rest
from recorder.upkeep import HOURLY_S, Upkeep

STEP_S = 0.25
"""Between two looks at what has become durable."""

REPORT_S = 1.0
CLOCK_S = 60.0
DERIVE_S = 30
"""Between two looks for sealed segments that stand as no events yet."""

NICENESS = 10


class Aside:
    """All the work; `run` it until the recorder goes."""

    def __init__(self, begin: talk.Begin, reader: asyncio.StreamReader) -> None:
        self._begin = begin
        self._reader = reader
        self._rng = np.random.default_rng(begin.seed)
        store = MarketStore(Lake(begin.data), wall_ns())
        self._discovery = Discovery(begin.discovery, begin.servers, store, begin.seed)
        self._clob = Rest(begin.servers.clob_url, "server.clob_url", self._rng)
        room = begin.discovery.max_order_books
        flush_ns = begin.storage.flush_interval_ms * NS_PER_MS
        self._books = LiveBooks(begin.data, begin.since_ns, room, flush_ns)
        self._questions = Questions(self._clob, self._books, begin.settle_ns)
        self._markets: dict[int, Market] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._clock_offset_ns = 0
        self._upkeep = Upkeep(begin.data, begin.storage)

    async def run(self) -> None:
        async with self._discovery, self._clob:
            work = (
                self._discover(),
                self._check_books(),
                self._ask_time(),
                self._keep_up(),
                self._report(),
            )
            tasks = [asyncio.create_task(each) for each in work]
            listening = asyncio.create_task(self._listen())
            done, rest = await asyncio.wait(
                [listening, *tasks], return_when=asyncio.FIRST_COMPLETED
            )
            for task in (*rest, *self._asking):
                task.cancel()
            await asyncio.gather(*rest, *self._asking, return_exceptions=True)
            for task in done:
                task.result()

    async def _listen(self) -> None:
        """Until the recorder has gone."""
        while message := await talk.receive(self._reader, talk.TO_COMPANION):
            if isinstance(message, talk.Ask):
                self._ask(message.markets)
            elif isinstance(message, talk.Heard):
                self._hear(message)
            elif isinstance(message, talk.Watch):
                self._books.watched = message.markets

    def _ask(self, markets: Iterable[int]) -> None:
        for market in markets:
            if market in self._markets:
                task = asyncio.create_task(self._answer(self._markets[market]))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)

    async def _answer(self, market: Market) -> None:
        tell(talk.Answer(market.market, await self._questions.ask(market)))

    def _hear(self, heard: talk.Heard) -> None:
        for message in decode(heard.payload):
            if isinstance(message, NewMarket):
                self._discovery.hear_new_market(message)
            elif isinstance(message, MarketResolved):
                self._discovery.hear_resolved(message, heard.ts_recv_ns)

    async def _discover(self) -> None:
        async for changes in self._discovery.changes():
            await _compile()
            for market in (*changes.add, *changes.updated):
                self._markets[market.market] = market
                self._books.add(market)
            for gone in changes.remove:
                self._markets.pop(gone, None)
                self._books.remove(gone)
            removed = {market: str(why) for market, why in changes.remove.items()}
            tell(
                talk.Found(
                    add=changes.add,
                    remove=removed,
                    updated=changes.updated,
                    groups=changes.groups,
                    waiting=changes.waiting,
                    paid=changes.paid,
                )
            )

    async def _check_books(self) -> None:
        while True:
            doubted = await asyncio.to_thread(self._books.step)
            if doubted:
                tell(talk.Doubted(doubted))
            await asyncio.sleep(STEP_S)

    async def _ask_time(self) -> None:
        while True:
            sent_ns = wall_ns()
            try:
                payload = await self._clob.get("/time")
            except VenueError as error:
                logging.getLogger(__name__).warning("clock: %s", error)
            else:
                if payload is not None:
                    self._note_clock(talk.ClockAsked(sent_ns, wall_ns(), payload))
            await asyncio.sleep(CLOCK_S)

    def _note_clock(self, asked: talk.ClockAsked) -> None:
        tell(asked)
        text = asked.payload.strip()
        if text.isdigit() and len(text) <= 10:
            # It says the second that has begun: on average half of it is over.
            theirs_ns = int(text) * NS_PER_S + NS_PER_S // 2
            self._clock_offset_ns = theirs_ns - (asked.sent_ns + asked.recv_ns) // 2

    async def _keep_up(self) -> None:
        rounds = HOURLY_S // DERIVE_S
        for number in count(1):
            await asyncio.sleep(DERIVE_S)
            await asyncio.to_thread(self._upkeep.tape)
            if number % rounds == 0:
                await asyncio.to_thread(self._upkeep.files)

    async def _report(self) -> None:
        while True:
            tell(
                talk.Report(
                    discovery=self._discovery.status,
                    books=self._books.status,
                    clock_offset_ns=self._clock_offset_ns,
                    upkeep=self._upkeep.status,
                    took=self._books.took.tolist(),
                    took_ns=self._books.took_ns,
                    watched=self._books.views,
                )
            )
            await asyncio.sleep(REPORT_S)


async def _compile() -> None:
    """Before anything is received: who cannot read books can tell neither silence nor an error."""
    if not is_compiled():
        text = "compiling the check of books, once for this version; recording begins after it"
        logging.getLogger(__name__).warning(text)
        await asyncio.to_thread(compile_kernels)


def tell(message: talk.ToRecorder) -> None:
    sys.stdout.buffer.write(talk.packed(message))
    sys.stdout.buffer.flush()


class Logs(logging.Handler):
    """The recorder writes the log."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(talk.Logged(record.levelno, record.name, record.getMessage()))


async def main() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    begin = await talk.receive(reader, talk.TO_COMPANION)
    if not isinstance(begin, talk.Begin):
        return
    logging.basicConfig(handlers=[Logs()], level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every request
    try:
        await _aside(begin, reader)
    except BrokenPipeError:  # the recorder was killed; what is buffered would be tried once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _aside(begin: talk.Begin, reader: asyncio.StreamReader) -> None:
    try:
        await Aside(begin, reader).run()
    except VenueError as error:
        tell(talk.Refused(error.url, error.setting, error.problem))


if __name__ == "__main__":
    os.nice(NICENESS)
    asyncio.run(main())
