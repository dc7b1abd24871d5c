"""One real message of every type (its README has the provenance) decodes to what it is."""

import json
from pathlib import Path

import pytest

from hfptm.records import EventKind
from hfptm.venue import messages as m
from hfptm.venue.market_feed import MarketFeed
from tests.wire import RECV_NS, kinds_of, make_market

FIRST = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
SECOND = "52114319501245915516055106046884209969926127482827954674443846427813813222426"

MARKET_CHANNEL: dict[str, tuple[type, list[EventKind]]] = {
    "ws_book_snapshot.json": (m.Book, [EventKind.SNAPSHOT] + [EventKind.LEVEL] * 6),
    "ws_market_book_msg.json": (m.Book, [EventKind.SNAPSHOT] + [EventKind.LEVEL] * 4),
    "ws_last_trade.json": (m.LastTradePrice, [EventKind.TRADE]),
    "ws_market_last_trade_msg.json": (m.LastTradePrice, [EventKind.TRADE]),
    "ws_market_price_change_msg.json": (m.PriceChange, [EventKind.LEVEL]),
    "ws_quotes.json": (m.PriceChange, [EventKind.LEVEL, EventKind.LEVEL]),
    "ws_tick_size_change.json": (m.TickSizeChange, [EventKind.TICK]),
    "ws_market_tick_size_msg.json": (m.TickSizeChange, [EventKind.TICK]),
    "ws_market_best_bid_ask_msg.json": (m.BestBidAsk, [EventKind.BEST]),
    "ws_market_resolved_msg.json": (m.MarketResolved, [EventKind.STATE]),
    "ws_market_new_market_msg.json": (m.NewMarket, []),
    "clob_book_response.json": (m.Book, [EventKind.SNAPSHOT] + [EventKind.LEVEL] * 6),
    "older/last_trade_price.json": (m.LastTradePrice, [EventKind.TRADE]),
    "older/price_change.json": (m.PriceChange, [EventKind.LEVEL]),
    "older/price_change_v2.json": (m.PriceChange, [EventKind.LEVEL] * 3),
}


def tokens_of(message: m.Message) -> list[str]:
    if isinstance(message, m.PriceChange):
        return [change.asset_id for change in message.entries()]
    if isinstance(message, m.MarketResolved):
        return [message.winning_asset_id]
    return [getattr(message, "asset_id", FIRST)]


@pytest.mark.parametrize("name", MARKET_CHANNEL)
def test_market_channel(shared: Path, name: str) -> None:
    kind, kinds = MARKET_CHANNEL[name]
    payload = (shared / "recordings/messages" / name).read_bytes()
    (message,) = m.decode(payload)
    assert type(message) is kind
    token = tokens_of(message)[0]
    yes, no = (FIRST, SECOND) if token in (FIRST, SECOND) else (token, "0")
    feed = MarketFeed([make_market(json.loads(payload)["market"], yes, no, tick_e4=10)])
    feed.receive(payload, RECV_NS)
    assert kinds_of(feed.take()) == kinds


def test_the_long_older_book(shared: Path) -> None:
    payload = (shared / "recordings/messages/older/book.json").read_bytes()
    fields = json.loads(payload)
    feed = MarketFeed([make_market(fields["market"], fields["asset_id"], "0", tick_e4=10)])
    feed.receive(payload, RECV_NS)
    rows = feed.take()
    assert len(rows) == 1 + len(fields["bids"]) + len(fields["asks"])
    assert feed.counters.rows == len(rows)


def test_the_user_channel_is_none_of_it(shared: Path) -> None:
    paths = sorted((shared / "recordings/messages").glob("ws_user_*.json"))
    assert len(paths) > 5
    for path in paths:
        assert m.decode(path.read_bytes()) == [m.Malformed(m.Trouble.UNKNOWN_TYPE)], path.name
