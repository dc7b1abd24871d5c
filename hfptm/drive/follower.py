"""What became of a transaction: asked for by its hash until the chain says so."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import NamedTuple, TypeVar

from hfptm import clock
from hfptm.units import NS_PER_S
from hfptm.venue.client import Transactions
from hfptm.venue.transaction import ChainError, Fate, Sent

CALL_S = 30.0
"""How long a node and the exchange may take to answer, several calls together."""

DOUBLINGS_MAX = 6
"""Of the wait after a failure: an hour, from a minute on."""

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


class Pace(NamedTuple):
    poll_s: float = 1.0
    """Between two questions about a transaction."""
    again_ns: int = 15 * NS_PER_S
    """A transaction that nobody has mined is sent again after so long: the same bytes."""
    replaced_ns: int = 30 * NS_PER_S
    """How long nodes must agree that another transaction has its nonce."""
    look_s: float = 10.0
    """Between two looks at the gas price, and at what can be redeemed."""
    back_off_ns: int = 60 * NS_PER_S
    """After a failure its market waits so long, after the next one twice, and so on."""
    end_s: float = 60.0
    """How long the last transaction may take to be mined."""


PACE = Pace()


class Follower:
    """Of one account's transactions."""

    def __init__(self, transactions: Transactions, pace: Pace) -> None:
        self._transactions, self._pace = transactions, pace

    async def is_done(self, sent: Sent) -> bool:
        """Whether it did what it was for, in the end, however long that takes."""
        tried_ns, replaced_ns = clock.monotonic_ns(), 0
        while True:
            fate = await self._fate(sent)
            if fate in (Fate.DONE, Fate.REVERTED):
                return fate is Fate.DONE
            now_ns = clock.monotonic_ns()
            if fate is Fate.REPLACED:
                replaced_ns = replaced_ns or now_ns
                if now_ns - replaced_ns >= self._pace.replaced_ns:
                    return False
            elif now_ns - tried_ns >= self._pace.again_ns:
                tried_ns, replaced_ns = now_ns, 0
                await self._send_again(sent)
            await asyncio.sleep(self._pace.poll_s)

    async def _fate(self, sent: Sent) -> Fate:
        try:
            return await in_time(self._transactions.fate(sent))
        except ChainError as error:
            _log.warning("transaction %s: %s", sent.hash, error)
            return Fate.OPEN

    async def _send_again(self, sent: Sent) -> None:
        try:
            await in_time(self._transactions.send_again(sent))
        except ChainError as error:
            _log.info("transaction %s again: %s", sent.hash, error)


async def in_time(asked: Awaitable[Answer]) -> Answer:
    """Raises ChainError if there is no answer within `CALL_S`."""
    try:
        async with asyncio.timeout(CALL_S):
            return await asked
    except TimeoutError:
        raise ChainError(f"no answer within {CALL_S:.0f} s") from None


class BackOff:
    """Who failed waits, the longer the more often; by lake id."""

    def __init__(self, first_ns: int) -> None:
        self._first_ns = first_ns
        self._failures: dict[int, tuple[int, int]] = {}

    def is_on(self, market: int) -> bool:
        _, until_ns = self._failures.get(market, (0, 0))
        return clock.monotonic_ns() < until_ns

    def failed(self, market: int) -> None:
        count, _ = self._failures.get(market, (0, 0))
        wait_ns = self._first_ns << min(count, DOUBLINGS_MAX)
        self._failures[market] = count + 1, clock.monotonic_ns() + wait_ns

    def succeeded(self, market: int) -> None:
        self._failures.pop(market, None)
