"""Silent markets, asked about: has the exchange anything that no connection told of?

Its answer may be a ghost, a book of 0.01 against 0.99 (exchange reference, section 1.6), and what
it shows may still be on its way: only what has not come after a while was missed.
"""

import asyncio
from typing import Protocol

import msgspec

from hfptm.clock import wall_ns
from hfptm.errors import VenueError
from hfptm.registry import Market
from hfptm.units import PRICE_ONE_E4
from hfptm.venue.batch import UNREADABLE, read_price_e4, read_ts_ns
from hfptm.venue.messages import Book, Level
from recorder.rest import Rest
from recorder.watchdog import Finding

GHOST_E4 = 100
"""A best bid at most here, with a best ask at least as far from the other end."""

_LOOK_S = 0.1
_PATIENCE = 4
_BOOK = msgspec.json.Decoder(Book)


class Seen(Protocol):
    """What was received, as far as it has been read."""

    def seen_ns(self, market: int) -> int:
        """The newest exchange time of a change of the market, 0 if there was none."""
        ...

    def read_ns(self) -> int:
        """UTC up to which all that was received has been read."""
        ...


class Questions:
    """`settle_ns` is the while."""

    def __init__(self, clob: Rest, seen: Seen, settle_ns: int) -> None:
        self._clob, self._seen, self._settle_ns = clob, seen, settle_ns

    async def ask(self, market: Market) -> Finding:
        try:
            payload = await self._clob.get("/book", (("token_id", market.yes_token),))
        except VenueError:
            return Finding.UNSURE
        if payload is None:
            return Finding.NO_BOOK
        book = decode_book(payload)
        changed_ns = read_ts_ns(book.timestamp) if book else UNREADABLE
        if book is None or changed_ns == UNREADABLE:
            return Finding.UNSURE
        if changed_ns > self._seen.seen_ns(market.market) and is_ghost(book):
            return Finding.UNSURE
        return await self._wait_for(market.market, changed_ns)

    async def _wait_for(self, market: int, changed_ns: int) -> Finding:
        """Whether a change of that time comes. Who reads too slowly cannot tell."""
        asked_ns = wall_ns()
        while changed_ns > self._seen.seen_ns(market):
            if self._seen.read_ns() > asked_ns + self._settle_ns:
                return Finding.MISSED
            if wall_ns() > asked_ns + _PATIENCE * self._settle_ns:
                return Finding.UNREAD
            await asyncio.sleep(_LOOK_S)
        return Finding.QUIET


def decode_book(payload: bytes) -> Book | None:
    """None if it is none."""
    try:
        return _BOOK.decode(payload)
    except msgspec.DecodeError:
        return None


def is_ghost(book: Book) -> bool:
    bids, asks = _prices_e4(book.bids), _prices_e4(book.asks)
    return max(bids, default=0) <= GHOST_E4 and min(asks, default=PRICE_ONE_E4) >= (
        PRICE_ONE_E4 - GHOST_E4
    )


def _prices_e4(levels: list[Level]) -> list[int]:
    prices = (read_price_e4(level.price) for level in levels)
    return [price_e4 for price_e4 in prices if price_e4 != UNREADABLE]
