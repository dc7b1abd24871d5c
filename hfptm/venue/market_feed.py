"""The market channel as rows: frames and their receive times in, `records.EVENT` rows out.

Sans-I/O and without a clock. No book is kept here: `kernel.book` applies the rows, and compares
itself with the best prices that close each frame. A frame that cannot be used, in part or as a
whole, is a count in `Counters`; where it is known whose book may be wrong from then on, also a row
flagged MAYBE_BAD. Nothing the exchange sends raises.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hfptm.records import EventFlag, EventKind, MarketState, Side, Token
from hfptm.registry import Market
from hfptm.units import PRICE_ONE_E4, TICKS_E4
from hfptm.venue.batch import (
    UNREADABLE,
    Batch,
    Listing,
    ListingState,
    Row,
    Rows,
    as_rows,
    read_best,
    read_price_e4,
    read_size_e6,
    read_ts_ns,
)
from hfptm.venue.counters import Counters
from hfptm.venue.messages import (
    BestBidAsk,
    Book,
    Change,
    LastTradePrice,
    Level,
    Malformed,
    MarketResolved,
    NewMarket,
    PriceChange,
    Text,
    TickSizeChange,
    decode,
)

_SIDES: dict[Text, int] = {"BUY": int(Side.BID), "SELL": int(Side.ASK)}
_BEST, _TRADE, _TICK = int(EventKind.BEST), int(EventKind.TRADE), int(EventKind.TICK)
_STATE, _RESOLVED = int(EventKind.STATE), int(MarketState.RESOLVED)
_BID, _ASK = int(Side.BID), int(Side.ASK)
_LAST, _MAYBE_BAD = int(EventFlag.LAST_IN_BATCH), int(EventFlag.MAYBE_BAD)
_BEST_OF = (int(EventFlag.BEST_YES), int(EventFlag.BEST_NO))


class MarketFeed:
    """Decodes frames: `receive` them in the order they came, then `take` the rows."""

    def __init__(self, markets: Iterable[Market]) -> None:
        self.counters = Counters()
        self._tokens: dict[str, tuple[Listing, int]] = {}
        self._conditions: dict[str, Listing] = {}
        self._open: dict[int, Batch] = {}
        self._rows: list[Row] = []
        self._ts_recv_ns = 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            Book: self._on_book,
            PriceChange: self._on_price_change,
            LastTradePrice: self._on_trade,
            TickSizeChange: self._on_tick,
            BestBidAsk: self._on_best,
            NewMarket: self._on_new_market,
            MarketResolved: self._on_resolved,
            Malformed: self._on_malformed,
        }
        for market in markets:
            self.add_market(market)

    def add_market(self, market: Market) -> None:
        """Decode this market from now on; adding it again replaces its rules."""
        listing = Listing(market)
        self._tokens[market.yes_token] = (listing, int(Token.YES))
        self._tokens[market.no_token] = (listing, int(Token.NO))
        self._conditions[market.condition_id] = listing

    def remove_market(self, market: Market) -> None:
        """Forget a market that has ended; its tokens are unknown from now on."""
        self._conditions.pop(market.condition_id, None)
        for token in (market.yes_token, market.no_token):
            self._tokens.pop(token, None)

    def market_of(self, token: str) -> int | None:
        """Id of a token's market, None if it is unknown."""
        found = self._tokens.get(token)
        return found[0].market if found else None

    def markets(self) -> set[int]:
        """Ids of all that it decodes."""
        return {listing.market for listing in self._conditions.values()}

    def save(self) -> dict[str, ListingState]:
        """What was learnt of markets from their messages, by condition id; see `restore`."""
        return {key: listing.save() for key, listing in self._conditions.items() if listing.is_used}

    def restore(self, saved: Mapping[str, ListingState]) -> None:
        """Go on where another feed of these markets stopped."""
        for condition_id in saved.keys() & self._conditions.keys():
            self._conditions[condition_id].restore(saved[condition_id])

    def receive(self, payload: bytes, ts_recv_ns: int) -> None:
        """Decode one frame received at `ts_recv_ns`; never raises, whatever it holds.

        A message without a readable timestamp takes the last one known of its market, and before
        there is any, its receive time.
        """
        self._ts_recv_ns = ts_recv_ns
        self.counters.frames += 1
        for message in decode(payload):
            self._handlers[type(message)](message)
        for market in list(self._open):
            self._close(market)

    def take(self) -> Rows:
        """All rows since the last call, shape (n,), dtype `records.EVENT`, market = lake id."""
        return as_rows(self.take_tuples())

    def take_tuples(self) -> list[Row]:
        """The same as tuples, for whoever looks at every row in Python."""
        rows, self._rows = self._rows, []
        self.counters.rows += len(rows)
        return rows

    def _on_book(self, message: Book) -> None:
        found = self._find(message.asset_id)
        if found is None:
            return
        listing, token = found
        batch = self._batch(listing, self._ts_ns(message.timestamp), token, is_book=True)
        if message.tick_size is not None:
            self._set_book_tick(listing, batch, message.tick_size)
        readable = 0
        for side, levels in ((_BID, message.bids), (_ASK, message.asks)):
            for level in levels:
                readable += self._set_level(listing, batch, token, side, level)
        if readable != batch.count(token):
            self.counters.duplicate_level += readable - batch.count(token)
            batch.spoil()

    def _on_price_change(self, message: PriceChange) -> None:
        ts_venue_ns = self._ts_ns(message.timestamp)
        batch = None
        for change in message.entries():
            found = self._find(change.asset_id)
            if found is None:
                continue
            listing, token = found
            if batch is None or batch.market != listing.market:
                batch = self._batch(listing, ts_venue_ns, token, is_book=False)
            batch.see(token)
            side = _SIDES.get(change.side, UNREADABLE)
            if side == UNREADABLE:
                self.counters.bad_side += 1
                batch.spoil()
            else:
                self._set_level(listing, batch, token, side, change)
            best = read_best((change.best_bid, change.best_ask, token))
            if best >= 0:
                batch.set_best(token, best)
            self.counters.bad_best += best == UNREADABLE

    def _on_trade(self, message: LastTradePrice) -> None:
        found = self._find(message.asset_id)
        if found is None:
            return
        listing, token = found
        price_e4, size_e6 = read_price_e4(message.price), read_size_e6(message.size)
        side = _SIDES.get(message.side, UNREADABLE)
        self.counters.bad_side += side == UNREADABLE
        self.counters.bad_price += not 0 < price_e4 < PRICE_ONE_E4
        self.counters.bad_size += size_e6 <= 0
        if side == UNREADABLE or not 0 < price_e4 < PRICE_ONE_E4 or size_e6 <= 0:
            return
        if token:
            side, price_e4 = 1 - side, PRICE_ONE_E4 - price_e4
        self._add_row(listing, self._ts_ns(message.timestamp), _TRADE, (price_e4, size_e6, side))

    def _on_tick(self, message: TickSizeChange) -> None:
        found = self._find(message.asset_id)
        if found is None:
            return
        listing, _ = found
        tick_e4 = read_price_e4(message.new_tick_size)
        ts_venue_ns = self._ts_ns(message.timestamp)
        if tick_e4 not in TICKS_E4:
            self.counters.bad_tick += 1
            self._add_row(listing, ts_venue_ns, _BEST, flags=_LAST | _MAYBE_BAD)
            return
        ts_venue_ns = listing.stamp(ts_venue_ns, self._ts_recv_ns)
        if (listing.tick_e4, listing.ts_tick_ns) != (tick_e4, ts_venue_ns):
            listing.tick_e4, listing.ts_tick_ns = tick_e4, ts_venue_ns
            self._add_row(listing, ts_venue_ns, _TICK, (tick_e4, 0, 0))

    def _on_best(self, message: BestBidAsk) -> None:
        found = self._find(message.asset_id)
        if found is None:
            return
        listing, token = found
        best = read_best((message.best_bid, message.best_ask, token))
        if best < 0:
            self.counters.bad_best += 1
            return
        ts_venue_ns = self._ts_ns(message.timestamp)
        self._add_row(listing, ts_venue_ns, _BEST, aux=best, flags=_LAST | _BEST_OF[token])

    def _on_new_market(self, _message: NewMarket) -> None:
        self.counters.new_markets += 1

    def _on_resolved(self, message: MarketResolved) -> None:
        found = self._find(message.winning_asset_id)
        if found is None:
            return
        listing, token = found
        payout_e4 = 0 if token else PRICE_ONE_E4
        ts_venue_ns = self._ts_ns(message.timestamp)
        self._add_row(listing, ts_venue_ns, _STATE, (payout_e4, 0, 0), aux=_RESOLVED)

    def _on_malformed(self, message: Malformed) -> None:
        name = message.trouble.value
        setattr(self.counters, name, getattr(self.counters, name) + 1)
        listing = self._conditions.get(message.market)
        if listing is not None:
            self._add_row(listing, UNREADABLE, _BEST, flags=_LAST | _MAYBE_BAD)

    def _find(self, asset_id: str) -> tuple[Listing, int] | None:
        found = self._tokens.get(asset_id)
        if found is None:
            self.counters.unknown_token += 1
        return found

    def _ts_ns(self, timestamp: Text) -> int:
        ts_venue_ns = read_ts_ns(timestamp)
        self.counters.bad_timestamp += ts_venue_ns == UNREADABLE
        return ts_venue_ns

    def _batch(self, listing: Listing, ts_venue_ns: int, token: int, *, is_book: bool) -> Batch:
        """The batch that a message of this token joins, begun anew where the last one cannot."""
        ts_venue_ns = listing.stamp(ts_venue_ns, self._ts_recv_ns)
        batch = self._open.get(listing.market)
        if batch is None or not batch.takes(ts_venue_ns, is_book, token):
            self._close(listing.market)
            batch = self._open[listing.market] = Batch(listing.market, ts_venue_ns, is_book)
        batch.see(token)
        return batch

    def _close(self, market: int) -> None:
        batch = self._open.pop(market, None)
        if batch is not None:
            self._rows += batch.rows(self._ts_recv_ns)
            self.counters.mirror_break += batch.is_broken

    def _set_book_tick(self, listing: Listing, batch: Batch, tick_size: Text) -> None:
        tick_e4 = read_price_e4(tick_size)
        if tick_e4 in TICKS_E4:
            listing.tick_e4 = batch.tick_e4 = tick_e4
        else:
            self.counters.bad_tick += 1
            batch.spoil()

    def _set_level(
        self, listing: Listing, batch: Batch, token: int, side: int, level: Level | Change
    ) -> bool:
        """Whether the level was readable; if not, its market's closing row says MAYBE_BAD."""
        price_e4, size_e6 = read_price_e4(level.price), read_size_e6(level.size)
        if not 0 < price_e4 < PRICE_ONE_E4:
            self.counters.bad_price += 1
        elif price_e4 % listing.tick_e4:
            self.counters.off_grid_price += 1
        elif size_e6 < 0:
            self.counters.bad_size += 1
        else:
            batch.set_level(token, side, price_e4, size_e6)
            return True
        batch.spoil()
        return False

    def _add_row(
        self,
        listing: Listing,
        ts_venue_ns: int,
        kind: int,
        values: tuple[int, int, int] = (0, 0, 0),
        *,
        aux: int = 0,
        flags: int = 0,
    ) -> None:
        """A row of its own, after what the frame said about the market so far.

        `values` are price_e4, size_e6 and side.
        """
        self._close(listing.market)
        ts_venue_ns = listing.stamp(ts_venue_ns, self._ts_recv_ns)
        price_e4, size_e6, side = values
        head = (self._ts_recv_ns, ts_venue_ns, listing.market)
        self._rows.append((*head, size_e6, aux, price_e4, flags, kind, side))
