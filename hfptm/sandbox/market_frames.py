"""The market channel's frames: each action of the engine as one batch, as the exchange prints it.

All frames of a batch have one timestamp, that of the market's tape, and the price changes carry the
hash of each token's book after the whole batch, and its final best prices. Source: exchange
reference, sections 1.2 to 1.4.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Protocol

import msgspec

from hfptm.records import BUY, Token
from hfptm.sandbox.book_text import price_text, size_text
from hfptm.sandbox.books import PrintedBook, best_e4, print_book
from hfptm.sandbox.catalogue import MarketEntry
from hfptm.sandbox.history import History, TradeRecord
from hfptm.sandbox.listings import Phase
from hfptm.sandbox.market_news import market_resolved, new_market, tick_size_change
from hfptm.sandbox.reports import Action, LevelChange, MarketChanged, Trade
from hfptm.sandbox.sandbox import Sandbox
from hfptm.units import NS_PER_MS, PRICE_ONE_E4


class EventType(StrEnum):
    BOOK = "book"
    PRICE_CHANGE = "price_change"
    LAST_TRADE_PRICE = "last_trade_price"
    TICK_SIZE_CHANGE = "tick_size_change"
    BEST_BID_ASK = "best_bid_ask"
    NEW_MARKET = "new_market"
    MARKET_RESOLVED = "market_resolved"


CUSTOM = frozenset({EventType.BEST_BID_ASK, EventType.NEW_MARKET, EventType.MARKET_RESOLVED})
"""What only subscribers with `custom_feature_enabled` get."""


class Published(msgspec.Struct, frozen=True, gc=False):
    """One frame, and who gets it: subscribers of any of `assets`, or all of them."""

    number: int
    """Counted from 1 over all markets, in the order of sending."""
    ts_ms: int
    market: int
    """`registry.Market.market`."""
    event_type: EventType
    assets: tuple[str, ...]
    payload: bytes
    is_custom: bool
    is_exchange_wide: bool


Publisher = Callable[[list[Published]], None]
"""Takes the frames of one action, in order."""


class FrameSource(Protocol):
    """Hands the frames of each action to all its listeners."""

    listeners: list[Publisher]


_Frame = tuple[EventType, tuple[str, ...], str]
_TOKENS = tuple(Token)


class MarketFrames:
    """Prints what happens at a sandbox from now on, and hands each batch to its `listeners`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.listeners: list[Publisher] = []
        self._history = sandbox.history
        self._printed = 0
        self._markets: dict[int, _MarketPrinter] = {}
        for entry in sandbox.catalogue.markets:
            self._add_market(entry)
        sandbox.listing_listeners.append(self._on_listing)
        sandbox.listeners.append(self._on_action)

    def _add_market(self, entry: MarketEntry) -> None:
        if entry.listed.phase is not Phase.RESOLVED:
            self._markets[entry.listed.market.market] = _MarketPrinter(entry, self._history)

    def _on_listing(self, entry: MarketEntry) -> None:
        self._add_market(entry)
        frame = (EventType.NEW_MARKET, entry.listed.tokens(), new_market(entry))
        self._publish(entry, entry.created_ns // NS_PER_MS, [frame])

    def _on_action(self, action: Action, records: list[TradeRecord]) -> None:
        printer = self._markets.get(action.market)
        if printer is None:  # an order refused because its market is resolved
            return
        entry = printer.entry
        self._publish(entry, entry.tape.changed_ms, printer.print(action, records))
        if entry.listed.phase is Phase.RESOLVED:
            del self._markets[action.market]

    def _publish(self, entry: MarketEntry, ts_ms: int, frames: Iterable[_Frame]) -> None:
        batch = []
        for event_type, assets, text in frames:
            self._printed += 1
            batch.append(
                Published(
                    self._printed,
                    ts_ms,
                    entry.listed.market.market,
                    event_type,
                    assets,
                    text.encode(),
                    event_type in CUSTOM,
                    event_type is EventType.NEW_MARKET,
                )
            )
        if batch:
            for listener in self.listeners:
                listener(batch)


class _MarketPrinter:
    """One market: what never changes is put together once."""

    __slots__ = ("_best_e4", "_history", "_opening", "_tick_e4", "_tokens", "entry")

    def __init__(self, entry: MarketEntry, history: History) -> None:
        self.entry = entry
        self._history = history
        self._tokens = entry.listed.tokens()
        self._tick_e4 = entry.listed.market.tick_e4
        self._best_e4 = best_e4(entry, Token.YES)
        self._opening = f'{{"market":"{entry.clob_condition()}", '

    def print(self, action: Action, records: list[TradeRecord]) -> Iterator[_Frame]:
        """The frames of an action that has just happened, in order."""
        changes = [report for report in action.reports if isinstance(report, MarketChanged)]
        if not (action.levels or records or changes):
            return
        tick_e4, old_tick_e4 = self.entry.listed.market.tick_e4, self._tick_e4
        books = [print_book(self.entry, token) for token in _TOKENS]
        yield from self._price_changes(action.levels, books)
        for record in records:
            yield self._last_trade(record.trade)
        if tick_e4 != old_tick_e4:
            self._tick_e4 = tick_e4
            for token in _TOKENS:
                text = tick_size_change(self.entry, token, old_tick_e4)
                yield EventType.TICK_SIZE_CHANGE, (self._tokens[token],), text
        is_resolved = self.entry.listed.phase is Phase.RESOLVED
        if records or (changes and not is_resolved):
            for token in _TOKENS:
                yield EventType.BOOK, (self._tokens[token],), books[token].frame()
        yield from self._best_bid_ask()
        if is_resolved:
            yield EventType.MARKET_RESOLVED, self._tokens, market_resolved(self.entry)

    def _price_changes(
        self, levels: list[LevelChange], books: list[PrintedBook]
    ) -> Iterator[_Frame]:
        """A frame for each level: the token that is bought, and mirrored, the one that is sold."""
        if not levels:
            return
        endings = [
            f'", "hash":"{books[token].hash}", "best_bid":"{price_text(bid_e4)}"'
            f', "best_ask":"{price_text(ask_e4)}"}}'
            for token in _TOKENS
            for bid_e4, ask_e4 in (best_e4(self.entry, token),)
        ]
        closing = f'], "timestamp":"{self.entry.tape.changed_ms}", "event_type":"price_change"}}'
        opening = f'{self._opening}"price_changes":[{{"asset_id":"'
        for level in levels:
            bought, sold = (0, 1) if level.side == BUY else (1, 0)
            own_e4 = (level.price_e4, PRICE_ONE_E4 - level.price_e4)
            size = size_text(level.size_e6)
            text = (
                f'{opening}{self._tokens[bought]}", "price":"{price_text(own_e4[bought])}"'
                f', "size":"{size}", "side":"BUY{endings[bought]}, {{"asset_id":"'
                f'{self._tokens[sold]}", "price":"{price_text(own_e4[sold])}"'
                f', "size":"{size}", "side":"SELL{endings[sold]}{closing}'
            )
            yield EventType.PRICE_CHANGE, self._tokens, text

    def _last_trade(self, trade: Trade) -> _Frame:
        """In the taker's token, with the side that it took."""
        text = (
            f'{self._opening}"asset_id":"{trade.token}", "price":"{price_text(trade.price_e4)}"'
            f', "size":"{size_text(trade.size_e6)}", "fee_rate_bps":"0"'
            f', "side":"{"BUY" if trade.side == BUY else "SELL"}"'
            f', "timestamp":"{self.entry.tape.changed_ms}", "event_type":"last_trade_price"'
            f', "transaction_hash":"{self._history.transaction_hash(trade)}"}}'
        )
        return EventType.LAST_TRADE_PRICE, (trade.token,), text

    def _best_bid_ask(self) -> Iterator[_Frame]:
        if self._best_e4 == (now_e4 := best_e4(self.entry, Token.YES)):
            return
        self._best_e4 = now_e4
        for token in _TOKENS:
            bid_e4, ask_e4 = best_e4(self.entry, token)
            text = (
                f'{self._opening}"asset_id":"{self._tokens[token]}"'
                f', "best_bid":"{price_text(bid_e4)}", "best_ask":"{price_text(ask_e4)}"'
                f', "spread":"{price_text(ask_e4 - bid_e4)}"'
                f', "timestamp":"{self.entry.tape.changed_ms}", "event_type":"best_bid_ask"}}'
            )
            yield EventType.BEST_BID_ASK, (self._tokens[token],), text
