"""The market channel's frames of a sandbox world, as the exchange would print them."""

from collections.abc import Iterator
from functools import lru_cache

import msgspec

from hfptm.records import Side, Token
from hfptm.registry import Market
from hfptm.sandbox.plan import Step
from hfptm.sandbox.world import Change, Trade, World
from hfptm.units import PRICE_ONE_E4, format_e4, format_e6
from hfptm.venue.book_hash import HashedBook, book_hash
from hfptm.venue.messages import Level

_SIDES = ("BUY", "SELL")
_TOKENS = (Token.YES, Token.NO)


class _BookMessage(msgspec.Struct):
    """A full book in the key order of the WebSocket."""

    market: str
    asset_id: str
    timestamp: str
    hash: str
    bids: list[Level]
    asks: list[Level]
    tick_size: str
    event_type: str
    last_trade_price: str


class Wire:
    """Prints steps of a world that have just been applied to it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last_trades = [""] * len(world.books)

    def dump(self) -> str:
        """Full books of every token in one array, as on a subscription."""
        books = (self.book(i, token) for i in range(len(self._world.books)) for token in _TOKENS)
        return f"[{','.join(books)}]"

    def step(self, step: Step) -> Iterator[str]:
        """The frames of one step in order, lost ones left out."""
        if step.tick_e4:
            yield from (self._tick_change(step, token) for token in _TOKENS)
        for side, price_e4, _ in step.trades:
            self._last_trades[step.index] = _three_decimals(_own_price_e4(Token(side), price_e4))
        hashes = [book_hash(self._hashed(step.index, token)) for token in _TOKENS]
        for change in step.changes[step.lost :]:
            yield self._price_change(step, change, hashes)
        for trade in step.trades:
            yield self._trade(step, trade)
        if step.is_book:
            yield from (self.book(step.index, token) for token in _TOKENS)

    def book(self, index: int, token: Token) -> str:
        """The full book of one token, with its hash."""
        hashed = self._hashed(index, token)
        message = _BookMessage(
            market=hashed.market,
            asset_id=hashed.asset_id,
            timestamp=str(hashed.timestamp),
            hash=book_hash(hashed),
            bids=hashed.bids,
            asks=hashed.asks,
            tick_size=str(hashed.tick_size),
            event_type="book",
            last_trade_price=str(hashed.last_trade_price),
        )
        return msgspec.json.encode(message).decode()

    def _hashed(self, index: int, token: Token) -> HashedBook:
        market, book = self._world.universe.markets[index], self._world.books[index]
        return HashedBook(
            market=market.condition_id,
            asset_id=_token_id(market, token),
            timestamp=str(book.ts_ms),
            bids=_levels(book.sides[Side.BID ^ token], token, is_descending=False),
            asks=_levels(book.sides[Side.ASK ^ token], token, is_descending=True),
            min_order_size=format_e6(market.min_size_e6),
            tick_size=format_e4(self._world.ticks_e4[index]),
            neg_risk=market.neg_risk,
            last_trade_price=self._last_trades[index],
        )

    def _price_change(self, step: Step, change: Change, hashes: list[str]) -> str:
        market, book = self._world.universe.markets[step.index], self._world.books[step.index]
        side, price_e4, size_e6 = change
        best_e4 = (book.best(Side.BID), book.best(Side.ASK))
        entries = ", ".join(
            f'{{"asset_id":"{_token_id(market, token)}"'
            f', "price":"{_own_price(token, price_e4)}", "size":"{_size(size_e6)}"'
            f', "side":"{_SIDES[side ^ token]}", "hash":"{hashes[token]}"'
            f', "best_bid":"{_own_price(token, best_e4[token])}"'
            f', "best_ask":"{_own_price(token, best_e4[1 - token])}"}}'
            for token in _TOKENS
        )
        return (
            f'{{"market":"{market.condition_id}", "price_changes":[{entries}]'
            f', "timestamp":"{step.ts_ms}", "event_type":"price_change"}}'
        )

    def _trade(self, step: Step, trade: Trade) -> str:
        """Printed as the taker's purchase: who sells YES buys NO."""
        side, price_e4, size_e6 = trade
        market, token = self._world.universe.markets[step.index], Token(side)
        return (
            f'{{"market":"{market.condition_id}", "asset_id":"{_token_id(market, token)}"'
            f', "price":"{_own_price(token, price_e4)}", "size":"{_size(size_e6)}"'
            f', "fee_rate_bps":"0", "side":"BUY", "timestamp":"{step.ts_ms}"'
            ', "event_type":"last_trade_price"}'
        )

    def _tick_change(self, step: Step, token: Token) -> str:
        market = self._world.universe.markets[step.index]
        return (
            f'{{"market":"{market.condition_id}", "asset_id":"{_token_id(market, token)}"'
            f', "old_tick_size":"{format_e4(market.tick_e4)}"'
            f', "new_tick_size":"{format_e4(step.tick_e4)}", "timestamp":"{step.ts_ms}"'
            ', "event_type":"tick_size_change"}'
        )


def _token_id(market: Market, token: Token) -> str:
    return market.no_token if token else market.yes_token


def _own_price_e4(token: Token, price_e4: int) -> int:
    return PRICE_ONE_E4 - price_e4 if token else price_e4


@lru_cache(maxsize=1 << 16)
def _own_price(token: Token, price_e4: int) -> str:
    return format_e4(_own_price_e4(token, price_e4))


@lru_cache(maxsize=1 << 16)
def _size(size_e6: int) -> str:
    return format_e6(size_e6)


def _three_decimals(price_e4: int) -> str:
    """How books print the last trade: "0.510"."""
    return f"0.{price_e4:04d}".removesuffix("0")


def _levels(levels: dict[int, int], token: Token, *, is_descending: bool) -> list[Level]:
    """Levels of one side in the token's own terms, the best one last."""
    own = sorted(
        ((_own_price_e4(token, price_e4), size_e6) for price_e4, size_e6 in levels.items()),
        reverse=is_descending,
    )
    return [Level(_own_price(Token.YES, price_e4), _size(size_e6)) for price_e4, size_e6 in own]
