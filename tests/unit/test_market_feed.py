"""What each frame becomes, row by row."""

import json

import pytest

from hfptm.records import EventFlag, EventKind, MarketState, Side
from hfptm.units import NO_ASK_E4, NO_BID_E4, unpack_best
from hfptm.venue.market_feed import MarketFeed
from tests.wire import (
    NO,
    RECV_NS,
    TS_MS,
    YES,
    apply_rows,
    change,
    decode_all,
    flags_of,
    frame,
    kinds_of,
    levels,
    make_market,
    message,
)

LAST, OF_BOOK = EventFlag.LAST_IN_BATCH, EventFlag.SNAPSHOT
BOTH_BEST = {EventFlag.BEST_YES, EventFlag.BEST_NO}
BUY_51 = change(YES, "BUY", "0.51", "40", best_bid="0.51", best_ask="0.52")
MIRRORED = change(NO, "SELL", "0.49", "40", best_bid="0.48", best_ask="0.49")


@pytest.fixture
def feed() -> MarketFeed:
    return MarketFeed([make_market()])


def test_a_mirrored_pair_is_one_row(feed: MarketFeed) -> None:
    (row,) = decode_all(feed, frame("price_change", price_changes=[BUY_51, MIRRORED]))
    assert row.tolist() == (
        RECV_NS,
        TS_MS * 1_000_000,
        make_market().market,
        40_000_000,
        5100 << 32 | 5200,
        5100,
        EventFlag.LAST_IN_BATCH | EventFlag.BEST_YES | EventFlag.BEST_NO,
        EventKind.LEVEL,
        Side.BID,
    )
    assert feed.counters.troubles == {}
    assert (feed.counters.frames, feed.counters.rows) == (1, 1)


@pytest.mark.parametrize(("side", "mirrored"), [("BUY", Side.ASK), ("SELL", Side.BID)])
def test_no_is_folded(feed: MarketFeed, side: str, mirrored: Side) -> None:
    entry = change(NO, side, "0.3", "5.5", best_bid="0.2", best_ask="")
    (row,) = decode_all(feed, frame("price_change", price_changes=[entry]))
    assert (row["side"], row["price_e4"], row["size_e6"]) == (mirrored, 7000, 5_500_000)
    assert unpack_best(int(row["aux"])) == (NO_BID_E4, 8000)
    assert flags_of(row) == {LAST, EventFlag.BEST_NO}


def test_contradicting_tokens_both_stand_with_yes_last(feed: MarketFeed) -> None:
    other = MIRRORED | {"size": "41"}
    rows = decode_all(feed, frame("price_change", price_changes=[BUY_51, other]))
    assert rows["size_e6"].tolist() == [41_000_000, 40_000_000]
    assert flags_of(rows[0]) == set()
    assert flags_of(rows[1]) == {LAST, EventFlag.MIRROR_BREAK} | BOTH_BEST
    assert feed.counters.troubles == {"mirror_break": 1}


def test_contradicting_best_prices_leave_those_of_yes(feed: MarketFeed) -> None:
    other = MIRRORED | {"best_bid": "0.47"}
    (row,) = decode_all(feed, frame("price_change", price_changes=[other, BUY_51]))
    assert flags_of(row) == {LAST, EventFlag.BEST_YES, EventFlag.MIRROR_BREAK}
    assert unpack_best(int(row["aux"])) == (5100, 5200)


def test_the_last_entry_of_a_token_reports_its_best_prices(feed: MarketFeed) -> None:
    later = change(YES, "BUY", "0.5", "1", best_bid="0.5", best_ask="1")
    rows = decode_all(feed, frame("price_change", price_changes=[BUY_51, later]))
    assert rows["price_e4"].tolist() == [5100, 5000]
    assert flags_of(rows[0]) == set()
    assert flags_of(rows[1]) == {LAST, EventFlag.BEST_YES}
    assert unpack_best(int(rows[1]["aux"])) == (5000, NO_ASK_E4)


@pytest.mark.parametrize(("bid", "ask"), [("0", "1"), ("", ""), ("1", "0")])
def test_empty_sides(feed: MarketFeed, bid: str, ask: str) -> None:
    for token in (YES, NO):
        entry = change(token, "BUY", "0.5", "0", best_bid=bid, best_ask=ask)
        (row,) = decode_all(feed, frame("price_change", price_changes=[entry]))
        assert unpack_best(int(row["aux"])) == (NO_BID_E4, NO_ASK_E4)


def test_the_older_shapes_report_no_best_prices(feed: MarketFeed) -> None:
    entry = {"price": "0.51", "size": "40", "side": "BUY"}
    rows = decode_all(
        feed,
        frame("price_change", asset_id=NO, changes=[entry]),
        frame("price_change", asset_id=NO, **entry),
    )
    assert rows["price_e4"].tolist() == [4900, 4900]
    assert [flags_of(row) for row in rows] == [{LAST}, {LAST}]


def test_a_book_of_both_tokens_is_one_snapshot(feed: MarketFeed) -> None:
    bids, asks = levels(("0.47", "30"), ("0.5", "20.5")), levels(("0.55", "7"))
    no_bids, no_asks = levels(("0.45", "7")), levels(("0.5", "20.5"), ("0.53", "30"))
    yes = message("book", asset_id=YES, bids=bids, asks=asks, tick_size="0.01")
    no = message("book", asset_id=NO, bids=no_bids, asks=no_asks, tick_size="0.01")
    rows = decode_all(feed, json.dumps([no, yes]).encode())
    assert kinds_of(rows) == [EventKind.SNAPSHOT] + [EventKind.LEVEL] * 3
    assert rows[0]["price_e4"] == 100
    assert apply_rows(rows) == {
        (Side.BID, 4700): 30_000_000,
        (Side.BID, 5000): 20_500_000,
        (Side.ASK, 5500): 7_000_000,
    }
    assert [flags_of(row) for row in rows] == [{OF_BOOK}] * 3 + [{OF_BOOK, LAST}]


def test_an_unmirrored_pair_of_books_is_that_of_yes_under_suspicion(feed: MarketFeed) -> None:
    yes = message("book", asset_id=YES, bids=levels(("0.47", "30")), asks=[])
    no = message("book", asset_id=NO, bids=[], asks=levels(("0.53", "31"), ("0.6", "1")))
    rows = decode_all(feed, json.dumps([no, yes]).encode())
    assert apply_rows(rows) == {(Side.BID, 4700): 30_000_000}
    assert flags_of(rows[-1]) == {OF_BOOK, LAST, EventFlag.MIRROR_BREAK}


def test_books_of_two_times_are_two_snapshots(feed: MarketFeed) -> None:
    yes = message("book", asset_id=YES, bids=levels(("0.47", "30")), asks=[])
    no = message("book", asset_id=NO, bids=[], asks=[]) | {"timestamp": str(TS_MS + 1)}
    rows = decode_all(feed, json.dumps([yes, no]).encode())
    assert kinds_of(rows) == [EventKind.SNAPSHOT, EventKind.LEVEL, EventKind.SNAPSHOT]
    assert (flags_of(rows[1]), flags_of(rows[2])) == ({OF_BOOK, LAST}, {OF_BOOK, LAST})


def test_the_second_book_of_a_token_replaces_the_first(feed: MarketFeed) -> None:
    books = [
        message("book", asset_id=YES, bids=levels((price, "1")), asks=[])
        for price in ("0.1", "0.2")
    ]
    rows = decode_all(feed, json.dumps(books).encode())
    assert apply_rows(rows) == {(Side.BID, 2000): 1_000_000}


def test_a_book_brings_its_tick(feed: MarketFeed) -> None:
    bids = levels(("0.515", "1"))
    rows = decode_all(
        feed,
        frame("book", asset_id=YES, bids=bids, asks=[], tick_size="0.001"),
        frame("price_change", price_changes=[change(YES, "BUY", "0.513", "1")]),
    )
    assert rows["price_e4"].tolist() == [10, 5150, 5130]
    assert feed.counters.troubles == {}


def test_rows_of_a_market_keep_the_order_of_the_array(feed: MarketFeed) -> None:
    parts = [
        message("price_change", price_changes=[BUY_51]),
        message("last_trade_price", asset_id=YES, price="0.51", size="1", side="SELL"),
        message("price_change", price_changes=[BUY_51 | {"size": "39"}]),
    ]
    rows = decode_all(feed, json.dumps(parts).encode())
    assert kinds_of(rows) == [EventKind.LEVEL, EventKind.TRADE, EventKind.LEVEL]
    assert rows["size_e6"].tolist() == [40_000_000, 1_000_000, 39_000_000]


def test_an_array_closes_each_market_once() -> None:
    other = make_market("0x" + "d0" * 32, "81", "82")
    feed = MarketFeed([make_market(), other])
    parts = [
        message("price_change", price_changes=[BUY_51]),
        message("price_change", price_changes=[change("81", "BUY", "0.2", "1")]),
        message("price_change", price_changes=[MIRRORED]),
    ]
    rows = decode_all(feed, json.dumps(parts).encode())
    assert rows["market"].tolist() == [make_market().market, other.market]
    assert all(LAST in flags_of(row) for row in rows)


@pytest.mark.parametrize(
    ("entry", "counter"),
    [
        (change(YES, "BUY", "0.515", "1"), "off_grid_price"),
        (change(YES, "BUY", "0.51234", "1"), "bad_price"),
        (change(YES, "BUY", "0", "1"), "bad_price"),
        (change(YES, "BUY", "1", "1"), "bad_price"),
        (change(YES, "BUY", "-0.5", "1"), "bad_price"),
        (change(YES, "BUY", "0." + "5" * 60, "1"), "bad_price"),
        (change(YES, "BUY", "0.5", "-1"), "bad_size"),
        (change(YES, "BUY", "0.5", "1e9"), "bad_size"),
        (change(YES, "BUY", "0.5", "1000000001"), "bad_size"),
        (change(YES, "BUY", "0.5", "nan"), "bad_size"),
        (change(YES, "HOLD", "0.5", "1"), "bad_side"),
        ({"asset_id": YES, "price": 0.5, "size": "1", "side": "BUY"}, "bad_price"),
    ],
)
def test_an_unreadable_level_leaves_a_warning_and_the_good_ones(
    feed: MarketFeed, entry: dict[str, str], counter: str
) -> None:
    good = change(YES, "SELL", "0.6", "2", best_bid="0.5", best_ask="0.6")
    rows = decode_all(
        feed,
        frame("price_change", price_changes=[entry]),
        frame("price_change", price_changes=[good, entry]),
    )
    assert kinds_of(rows) == [EventKind.BEST, EventKind.LEVEL]
    assert flags_of(rows[0]) == {LAST, EventFlag.MAYBE_BAD}
    assert flags_of(rows[1]) == {LAST, EventFlag.MAYBE_BAD, EventFlag.BEST_YES}
    assert feed.counters.troubles == {counter: 2}


def test_a_book_with_a_price_twice_is_under_suspicion(feed: MarketFeed) -> None:
    bids = levels(("0.47", "30"), ("0.470", "31"), ("0.4777", "1"))
    rows = decode_all(feed, frame("book", asset_id=YES, bids=bids, asks=[]))
    assert flags_of(rows[-1]) == {OF_BOOK, LAST, EventFlag.MAYBE_BAD}
    assert feed.counters.troubles == {"duplicate_level": 1, "off_grid_price": 1}


def test_an_unreadable_message_warns_its_market(feed: MarketFeed) -> None:
    (row,) = decode_all(feed, frame("book", asset_id=YES, bids="none"))
    assert row["kind"] == EventKind.BEST
    assert flags_of(row) == {LAST, EventFlag.MAYBE_BAD}
    assert feed.counters.troubles == {"bad_message": 1}


@pytest.mark.parametrize(
    ("payload", "counter"),
    [
        (b"{", "bad_json"),
        (frame("comment"), "unknown_type"),
        (frame("price_change", price_changes=[change("99", "BUY", "0.5", "1")]), "unknown_token"),
        (frame("book", asset_id="99", bids=[], asks=[]), "unknown_token"),
        (frame("market_resolved", winning_asset_id="99"), "unknown_token"),
        (frame("best_bid_ask", asset_id=YES, best_bid="x", best_ask="1"), "bad_best"),
        (frame("last_trade_price", asset_id=YES, price="2", size="1", side="BUY"), "bad_price"),
        (frame("last_trade_price", asset_id=YES, price=".2", size="0", side="BUY"), "bad_size"),
    ],
)
def test_what_concerns_no_book_is_counted_only(
    feed: MarketFeed, payload: bytes, counter: str
) -> None:
    assert len(decode_all(feed, payload)) == 0
    assert feed.counters.troubles == {counter: 1}


@pytest.mark.parametrize("timestamp", [None, "", "soon", "-5", "1703875200", "9" * 30, "１", 1.5])
def test_a_message_without_a_time_takes_the_last_one(feed: MarketFeed, timestamp: object) -> None:
    untimed = frame("price_change", price_changes=[BUY_51], timestamp=timestamp)
    rows = decode_all(feed, untimed, frame("price_change", price_changes=[BUY_51]), untimed)
    assert rows["ts_venue_ns"].tolist() == [RECV_NS, TS_MS * 1_000_000, TS_MS * 1_000_000]
    assert feed.counters.troubles == {"bad_timestamp": 2}


def test_trades_are_in_yes_terms(feed: MarketFeed) -> None:
    rows = decode_all(
        feed,
        frame("last_trade_price", asset_id=YES, price="0.491", size="12.5", side="BUY"),
        frame("last_trade_price", asset_id=NO, price="0.3", size="2", side="BUY"),
    )
    assert kinds_of(rows) == [EventKind.TRADE, EventKind.TRADE]
    assert rows["side"].tolist() == [Side.BID, Side.ASK]
    assert rows["price_e4"].tolist() == [4910, 7000]
    assert rows["size_e6"].tolist() == [12_500_000, 2_000_000]


def test_a_tick_change_counts_once_though_both_tokens_tell(feed: MarketFeed) -> None:
    def tick(token: str, ts_ms: int) -> bytes:
        fields = {"old_tick_size": "0.01", "new_tick_size": "0.001", "timestamp": str(ts_ms)}
        return frame("tick_size_change", asset_id=token, **fields)

    fine = frame("price_change", price_changes=[change(YES, "BUY", "0.515", "1")])
    rows = decode_all(feed, tick(YES, TS_MS), tick(NO, TS_MS), fine, tick(YES, TS_MS + 1))
    assert kinds_of(rows) == [EventKind.TICK, EventKind.LEVEL, EventKind.TICK]
    assert rows["price_e4"].tolist() == [10, 5150, 10]
    assert feed.counters.troubles == {}


def test_an_unknown_tick_puts_the_book_under_suspicion(feed: MarketFeed) -> None:
    rows = decode_all(
        feed,
        frame("tick_size_change", asset_id=YES, new_tick_size="0.07"),
        frame("book", asset_id=YES, bids=[], asks=[], tick_size="two"),
    )
    assert kinds_of(rows) == [EventKind.BEST, EventKind.SNAPSHOT]
    assert all(EventFlag.MAYBE_BAD in flags_of(row) for row in rows)
    assert feed.counters.troubles == {"bad_tick": 2}


def test_best_prices_alone(feed: MarketFeed) -> None:
    (row,) = decode_all(feed, frame("best_bid_ask", asset_id=NO, best_bid="0.4", best_ask="0.45"))
    assert row["kind"] == EventKind.BEST
    assert unpack_best(int(row["aux"])) == (5500, 6000)
    assert flags_of(row) == {LAST, EventFlag.BEST_NO}


@pytest.mark.parametrize(("winner", "payout_e4"), [(YES, 10_000), (NO, 0)])
def test_resolution_pays_yes(feed: MarketFeed, winner: str, payout_e4: int) -> None:
    (row,) = decode_all(feed, frame("market_resolved", winning_asset_id=winner))
    assert (row["kind"], row["aux"]) == (EventKind.STATE, MarketState.RESOLVED)
    assert row["price_e4"] == payout_e4


def test_new_markets_are_counted(feed: MarketFeed) -> None:
    payload = frame("new_market", question="?", assets_ids=["92", "91"], clob_token_ids=["91"])
    assert len(decode_all(feed, payload)) == 0
    assert feed.counters.new_markets == 1
    assert feed.counters.troubles == {}


def test_a_market_added_later_is_decoded_from_then_on() -> None:
    feed = MarketFeed([])
    payload = frame("price_change", price_changes=[BUY_51, MIRRORED])
    assert len(decode_all(feed, payload)) == 0
    feed.add_market(make_market())
    assert len(decode_all(feed, payload)) == 1
    assert len(feed.take()) == 0


def test_a_removed_market_is_unknown(feed: MarketFeed) -> None:
    payload = frame("book", asset_id=YES, bids=[], asks=[])
    assert len(decode_all(feed, payload)) == 1
    feed.remove_market(make_market())
    assert len(decode_all(feed, payload)) == 0
    assert feed.counters.troubles == {"unknown_token": 1}
    assert feed.save() == {}
    feed.remove_market(make_market())
