"""The exchange's book hashes: computed, and checked against a stream of raw frames.

They need the exchange's own strings, so they are checked from raw frames and not from rows. The
hash of a price change is that of the token's book after everything that happened at this market at
this timestamp (exchange reference, section 1.4: first-hand findings on a small sample, hence the
calibration of `HashChecker`).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Self

import msgspec

from hfptm.registry import Market
from hfptm.units import PRICE_ONE_E4, format_e4, format_e6
from hfptm.venue.batch import UNREADABLE, read_price_e4, read_size_e6, read_ts_ns
from hfptm.venue.messages import (
    Book,
    Change,
    LastTradePrice,
    Level,
    PriceChange,
    Text,
    TickSizeChange,
    decode,
)

_LAST_TRADES_TRIED = 6
"""How many last trade prices may be in question at a time."""


class HashedBook(msgspec.Struct, kw_only=True):
    """The fields that are hashed, in the order in which they are hashed, all as on the wire."""

    market: str
    asset_id: str
    timestamp: Text
    hash: str = ""
    bids: list[Level]
    asks: list[Level]
    min_order_size: Text
    tick_size: Text
    neg_risk: bool
    last_trade_price: Text


def book_hash(book: HashedBook) -> str:
    """SHA-1 hex of the compact JSON of a book whose `hash` is empty, levels in the order given.

    The exchange lists bids from low to high and asks from high to low.
    """
    return hashlib.sha1(msgspec.json.encode(book), usedforsecurity=False).hexdigest()


class Verdict(StrEnum):
    OK = "ok"
    BAD = "bad"
    """Differs although hashes of this market have been reproduced before: something is missing."""
    UNKNOWN = "unknown"
    """Differs or cannot be computed, and that proves nothing."""


class HashCheck(msgspec.Struct, frozen=True):
    """What became of one token's hash at the end of one (market, timestamp)."""

    market: int
    asset_id: str
    ts_venue_ns: int
    is_snapshot: bool
    verdict: Verdict


class _TokenBook:
    """One token's book in the exchange's own strings, by price_e4; trusted while `is_known`."""

    __slots__ = ("asks", "bids", "is_known")

    def __init__(self) -> None:
        self.bids: dict[int, Level] = {}
        self.asks: dict[int, Level] = {}
        self.is_known = False

    def reset(self, book: Book) -> None:
        self.bids = {read_price_e4(level.price): level for level in book.bids}
        self.asks = {read_price_e4(level.price): level for level in book.asks}
        self.is_known = UNREADABLE not in self.bids and UNREADABLE not in self.asks

    def apply(self, change: Change) -> None:
        price_e4, size_e6 = read_price_e4(change.price), read_size_e6(change.size)
        side = {"BUY": self.bids, "SELL": self.asks}.get(str(change.side))
        if side is None or UNREADABLE in (price_e4, size_e6):
            self.is_known = False
        elif size_e6 == 0:
            side.pop(price_e4, None)
        else:
            side[price_e4] = Level(change.price, change.size)


class _MarketBooks:
    """Both tokens of a market, what else is hashed, and the batch that has not ended yet."""

    def __init__(self, market: Market, reproduced: Counter[int]) -> None:
        self.market = market
        self.min_order_size: Text = format_e6(market.min_size_e6)
        self.tick_size: Text = format_e4(market.tick_e4)
        self.neg_risk = market.neg_risk
        self.last_trades: list[tuple[Text, ...]] = []
        self.books = {market.yes_token: _TokenBook(), market.no_token: _TokenBook()}
        self.ts: Text = None
        self.claimed: dict[str, str] = {}
        self.reproduced = reproduced
        """How many hashes of each market were, on all lines."""

    def adopt(self, message: Book) -> None:
        """Take over a full book and every string that comes with it."""
        self.tick_size = message.tick_size or self.tick_size
        self.min_order_size = message.min_order_size or self.min_order_size
        if message.neg_risk is not None:
            self.neg_risk = message.neg_risk
        if message.last_trade_price is not None:
            self._note_last_trade((message.last_trade_price,))
        self.books[message.asset_id].reset(message)
        self.claimed.pop(message.asset_id, None)

    def note_trade(self, price_e4: int) -> None:
        """Books print the last trade with three decimals or more; of which token is not known."""
        either_e4 = (price_e4, PRICE_ONE_E4 - price_e4)
        self._note_last_trade(tuple(f"0.{e4:04d}".removesuffix("0") for e4 in either_e4))

    def _note_last_trade(self, texts: tuple[Text, ...]) -> None:
        others = [other for other in self.last_trades if other != texts]
        self.last_trades = [*others[1 - _LAST_TRADES_TRIED :], texts]

    @property
    def is_last_trade_certain(self) -> bool:
        return [len(texts) for texts in self.last_trades] == [1]

    def reproduces(self, asset_id: str, claimed: str, bids: list[Level], asks: list[Level]) -> bool:
        """Whether these levels hash to `claimed`, with one of the last trades that it may name.

        If so, trades before that one are out of the question from now on.
        """
        book = HashedBook(
            market=self.market.condition_id,
            asset_id=asset_id,
            timestamp=self.ts,
            bids=bids,
            asks=asks,
            min_order_size=self.min_order_size,
            tick_size=self.tick_size,
            neg_risk=self.neg_risk,
            last_trade_price="",
        )
        for index in reversed(range(len(self.last_trades))):
            for book.last_trade_price in self.last_trades[index]:
                if book_hash(book) == claimed:
                    self.last_trades[: index + 1] = [(book.last_trade_price,)]
                    self.reproduced[self.market.market] += 1
                    return True
        return False


class HashChecker:
    """Checks the hashes of one line of raw frames.

    `receive` every frame in order, and call `disconnect` where the line broke and at the end.
    A difference counts as BAD only at a market `trusted_after` of whose hashes were reproduced, on
    whatever line, and whose last trade price is certain; after it, the token is UNKNOWN until its
    next full book.
    """

    def __init__(self, markets: Iterable[Market], trusted_after: int = 3) -> None:
        self.counts = dict.fromkeys(Verdict, 0)
        self._trusted_after = trusted_after
        self._listed: dict[str, Market] = {}
        self._tokens: dict[str, _MarketBooks] = {}
        self._checks: list[HashCheck] = []
        self._reproduced: Counter[int] = Counter()
        for market in markets:
            self._listed[market.yes_token] = self._listed[market.no_token] = market

    def of_other_line(self) -> Self:
        """A checker of the same markets that has seen no book yet; what was reproduced counts."""
        other = type(self)((), self._trusted_after)
        other._listed, other._reproduced = self._listed, self._reproduced
        return other

    def receive(self, payload: bytes) -> list[HashCheck]:
        """The checks that this frame completed: of its full books, and of batches before it."""
        for message in decode(payload):
            if isinstance(message, Book):
                self._on_book(message)
            elif isinstance(message, PriceChange):
                self._on_price_change(message)
            elif isinstance(message, LastTradePrice):
                self._on_trade(message)
            elif isinstance(message, TickSizeChange):
                self._on_tick(message)
        return self._take()

    def disconnect(self) -> list[HashCheck]:
        """The checks of batches still open, which may be cut off; every book is forgotten."""
        for books in self._tokens.values():
            self._settle(books, is_cut=True)
            for book in books.books.values():
                book.is_known = False
        return self._take()

    def _take(self) -> list[HashCheck]:
        checks, self._checks = self._checks, []
        return checks

    def _find(self, asset_id: str, timestamp: Text) -> _MarketBooks | None:
        """The token's market, its batch ended if the timestamp is another one."""
        books = self._tokens.get(asset_id) or self._begin(asset_id)
        if books is not None and books.ts != timestamp:
            self._settle(books)
            books.ts = timestamp
        return books

    def _begin(self, asset_id: str) -> _MarketBooks | None:
        market = self._listed.get(asset_id)
        if market is None:
            return None
        books = _MarketBooks(market, self._reproduced)
        self._tokens[market.yes_token] = self._tokens[market.no_token] = books
        return books

    def _on_book(self, message: Book) -> None:
        books = self._find(message.asset_id, message.timestamp)
        if books is None:
            return
        books.adopt(message)
        if isinstance(message.hash, str) and message.hash:
            is_same = books.reproduces(message.asset_id, message.hash, message.bids, message.asks)
            self._judge(books, message.asset_id, is_same, is_snapshot=True)

    def _on_price_change(self, message: PriceChange) -> None:
        for change in message.entries():
            books = self._find(change.asset_id, message.timestamp)
            if books is None:
                continue
            books.books[change.asset_id].apply(change)
            if isinstance(change.hash, str) and change.hash:
                books.claimed[change.asset_id] = change.hash

    def _on_trade(self, message: LastTradePrice) -> None:
        books = self._find(message.asset_id, message.timestamp)
        price_e4 = read_price_e4(message.price)
        if books is not None and price_e4 != UNREADABLE:
            books.note_trade(price_e4)

    def _on_tick(self, message: TickSizeChange) -> None:
        books = self._find(message.asset_id, message.timestamp)
        if books is not None:
            books.tick_size = message.new_tick_size
            for book in books.books.values():
                book.is_known = False

    def _settle(self, books: _MarketBooks, *, is_cut: bool = False) -> None:
        for asset_id, claimed in books.claimed.items():
            book = books.books[asset_id]
            is_same = book.is_known and books.reproduces(
                asset_id, claimed, _levels(book.bids), _levels(book.asks, is_descending=True)
            )
            self._judge(books, asset_id, is_same, is_cut=is_cut)
        books.claimed.clear()

    def _judge(
        self,
        books: _MarketBooks,
        asset_id: str,
        is_same: bool,
        *,
        is_snapshot: bool = False,
        is_cut: bool = False,
    ) -> None:
        book = books.books[asset_id]
        is_proof = (
            self._reproduced[books.market.market] >= self._trusted_after
            and books.is_last_trade_certain
            and (is_snapshot or (book.is_known and not is_cut))
        )
        verdict = Verdict.OK if is_same else Verdict.BAD if is_proof else Verdict.UNKNOWN
        if verdict is Verdict.BAD:
            book.is_known = False
        self.counts[verdict] += 1
        self._checks.append(
            HashCheck(books.market.market, asset_id, read_ts_ns(books.ts), is_snapshot, verdict)
        )


def _levels(levels: dict[int, Level], is_descending: bool = False) -> list[Level]:
    return [levels[price_e4] for price_e4 in sorted(levels, reverse=is_descending)]
