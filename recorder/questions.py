"""Silent markets, asked about: has the exchange anything that no connection told of?

Its answer may be a ghost, a book of 0.01 against 0.99 (exchange reference, section 1.6), and what
it shows may still be on its way: only what has not come after a while was missed.
"""

import asyncio
from collections.abc import Callable

import msgspec

from hfptm.errors import VenueError
from hfptm.registry import Market
from hfptm.units import NS_PER_S, PRICE_ONE_E4
from hfptm.venue.batch import UNREADABLE, read_price_e4, read_ts_ns
from hfptm.venue.messages import Book, Level
from recorder.rest import Rest
from recorder.watchdog import Finding

GHOST_E4 = 100
"""A best bid at most here, with a best ask at least as far from the other end."""

_BOOK = msgspec.json.Decoder(Book)


class Questions:
    """`seen_ns` gives the newest exchange time of a market that was received, 0 if nothing was, and
    None while that is not known. `settle_ns` is the while.
    """

    def __init__(self, clob: Rest, seen_ns: Callable[[int], int | None], settle_ns: int) -> None:
        self._clob = clob
        self._seen_ns = seen_ns
        self._settle_ns = settle_ns

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
        finding = self._compare(market.market, changed_ns)
        if finding is Finding.MISSED and is_ghost(book):
            return Finding.UNSURE
        if finding is Finding.MISSED:
            await asyncio.sleep(self._settle_ns / NS_PER_S)
            finding = self._compare(market.market, changed_ns)
        return finding

    def _compare(self, market: int, changed_ns: int) -> Finding:
        seen_ns = self._seen_ns(market)
        if seen_ns is None:
            return Finding.UNSURE
        return Finding.QUIET if changed_ns <= seen_ns else Finding.MISSED


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
