"""Some markets of one line, and the connection that carries them: there again whenever it is lost,
and replaced from time to time by one that has all their books before the old one goes.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from hfptm.clock import monotonic_ns
from hfptm.errors import VenueError
from hfptm.registry import Market
from hfptm.units import NS_PER_S
from recorder.connection import Connection
from recorder.dialling import Dialling

STABLE_NS = 30 * NS_PER_S
"""A connection that lasted so long did not fail at once."""

OVERLAP_S = 10.0
"""How long two connections carry the same markets at most: some of them may have no book."""

_LOOK_S = 0.05
_log = logging.getLogger(__name__)


class Shard:
    """Lives from `start` to `stop`; `add` and `remove` at any time."""

    def __init__(self, line: int, dialling: Dialling) -> None:
        self.markets: dict[int, Market] = {}
        self._line = line
        self._dialling = dialling
        self._connections: list[Connection] = []
        """None while it is down, two while one takes over from the other."""
        self._down = asyncio.Event()
        self._cause = ""
        """Why it was stopped."""

    def start(self, tasks: asyncio.TaskGroup) -> None:
        self._task = tasks.create_task(self._run())

    def stop(self, cause: str) -> None:
        self._cause = cause
        self._task.cancel()
        for connection in list(self._connections):
            connection.close(cause)

    def add(self, markets: Sequence[Market]) -> None:
        """Ask for markets that it does not carry."""
        self.markets.update((market.market, market) for market in markets)
        for connection in self._connections:
            connection.subscribe(markets)

    def remove(self, markets: Sequence[int]) -> None:
        """Ask for nothing more of these, which it carries, by id."""
        gone = [self.markets.pop(market) for market in markets]
        if not self._connections:
            self._dialling.note_removed(self._line, gone)
        for connection in self._connections:
            connection.unsubscribe(markets)

    def has_book(self, market: int) -> bool:
        """Whether a full book of the market came on the newest connection."""
        sights = self._connections[-1].sight.markets if self._connections else {}
        return market in sights and sights[market].book_ns > 0

    async def renew(self) -> None:
        """Another connection takes over; if it does not come up in time, all stays as it is."""
        before = list(self._connections)
        if not before or not await self._connect():
            return
        fresh = self._connections[-1]
        await wait_for(lambda: fresh.cause != "" or all(map(self.has_book, self.markets)))
        if fresh in self._connections:
            for connection in before:
                connection.close("replaced")

    async def _run(self) -> None:
        """Stay connected."""
        failures = 0
        while True:
            since_ns = monotonic_ns()
            if await self._connect():
                await self._down.wait()
            is_stable = monotonic_ns() - since_ns >= STABLE_NS
            failures = 0 if is_stable else failures + 1
            await asyncio.sleep(self._dialling.wait_s(failures))

    async def _connect(self) -> bool:
        try:
            made = await self._dialling.connect(self._line, self._note_end)
        except VenueError as error:
            _log.warning("line %d: %s", self._line, error)
            return False
        if self._cause:  # stopped meanwhile, while it was to be renewed
            made.close(self._cause)
            return False
        self._down.clear()
        self._connections.append(made)
        made.subscribe(list(self.markets.values()))
        return True

    def _note_end(self, connection: Connection) -> None:
        number, cause = connection.sight.connection, connection.cause
        _log.info("line %d: connection %d ended: %s", self._line, number, cause)
        if connection in self._connections:
            self._connections.remove(connection)
        if not self._connections:
            self._down.set()


async def wait_for(is_true: Callable[[], bool]) -> None:
    """Until it is, for `OVERLAP_S` at most."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + OVERLAP_S
    while not is_true() and loop.time() < end_s:
        await asyncio.sleep(_LOOK_S)
