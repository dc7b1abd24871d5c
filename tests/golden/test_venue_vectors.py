"""Vectors that the exchange reference states: hashes (1.4) and what its example frames become."""

import json

import pytest

from hfptm.records import EventFlag, EventKind, Side
from hfptm.registry import Market
from hfptm.venue.book_hash import HashChecker, HashedBook, Verdict, book_hash
from hfptm.venue.market_feed import MarketFeed
from hfptm.venue.messages import Level
from tests.wire import RECV_NS, apply_rows, flags_of, kinds_of, make_market

CONDITION = "0xd23f0824128b2f330c5c7fd0a6a3a4506513270e269e0d37f2a74de452e6b438"
YES = "12430175616472221454162180969950967837556342716352606253447509588223701520427"
NO = "31903456400540094894163005950035899511696464677071245378879139948489508212952"
SNAPSHOT_MS, CHANGE_MS = "1793000000123", "1793000000987"

YES_HASH = "664455256fc385031338ceda9bde732fae487e6b"
NO_HASH = "827512efbef708731e69dd5c8fe1c237d402ea34"
YES_HASH_AFTER = "f3bdd1d9da879d65c81ed27942bce7a7f0e39f36"
NO_HASH_AFTER = "43426cb74099d508a54f372624a631936408609e"

Pairs = list[tuple[str, str]]
YES_BIDS: Pairs = [("0.47", "30"), ("0.5", "20.5")]
YES_ASKS: Pairs = [("0.55", "7"), ("0.52", "25")]
NO_BIDS: Pairs = [("0.45", "7"), ("0.48", "25")]
NO_ASKS: Pairs = [("0.53", "30"), ("0.5", "20.5")]


def sides(bids: Pairs, asks: Pairs) -> dict[str, list[dict[str, str]]]:
    named = {"bids": bids, "asks": asks}
    return {
        name: [{"price": price, "size": size} for price, size in pairs]
        for name, pairs in named.items()
    }


def book(asset_id: str, claimed: str, bids: Pairs, asks: Pairs) -> dict[str, object]:
    return {
        "market": CONDITION,
        "asset_id": asset_id,
        "timestamp": SNAPSHOT_MS,
        "hash": claimed,
        **sides(bids, asks),
        "tick_size": "0.01",
        "event_type": "book",
        "last_trade_price": "0.510",
    }


DUMP = json.dumps(
    [book(YES, YES_HASH, YES_BIDS, YES_ASKS), book(NO, NO_HASH, NO_BIDS, NO_ASKS)]
).encode()
CHANGE = (
    f'{{"market":"{CONDITION}","price_changes":['
    f'{{"asset_id":"{YES}","price":"0.51","size":"40","side":"BUY",'
    f'"hash":"{YES_HASH_AFTER}","best_bid":"0.51","best_ask":"0.52"}},'
    f'{{"asset_id":"{NO}","price":"0.49","size":"40","side":"SELL",'
    f'"hash":"{NO_HASH_AFTER}","best_bid":"0.48","best_ask":"0.49"}}],'
    f'"timestamp":"{CHANGE_MS}","event_type":"price_change"}}'
).encode()


@pytest.fixture
def market() -> Market:
    return make_market(CONDITION, YES, NO)


@pytest.mark.parametrize(
    ("asset_id", "timestamp", "bids", "asks", "expected"),
    [
        (YES, SNAPSHOT_MS, YES_BIDS, YES_ASKS, YES_HASH),
        (NO, SNAPSHOT_MS, NO_BIDS, NO_ASKS, NO_HASH),
        (YES, CHANGE_MS, [*YES_BIDS, ("0.51", "40")], YES_ASKS, YES_HASH_AFTER),
        (NO, CHANGE_MS, NO_BIDS, [*NO_ASKS, ("0.49", "40")], NO_HASH_AFTER),
    ],
)
def test_hash_vectors(
    asset_id: str, timestamp: str, bids: Pairs, asks: Pairs, expected: str
) -> None:
    hashed = HashedBook(
        market=CONDITION,
        asset_id=asset_id,
        timestamp=timestamp,
        bids=[Level(*pair) for pair in bids],
        asks=[Level(*pair) for pair in asks],
        min_order_size="5",
        tick_size="0.01",
        neg_risk=False,
        last_trade_price="0.510",
    )
    assert book_hash(hashed) == expected


def test_the_checker_follows_the_vectors(market: Market) -> None:
    checker = HashChecker([market])
    checks = [*checker.receive(DUMP), *checker.receive(CHANGE), *checker.disconnect()]
    assert [check.asset_id for check in checks] == [YES, NO, YES, NO]
    assert {check.verdict for check in checks} == {Verdict.OK}


def test_the_example_frames_as_rows(market: Market) -> None:
    feed = MarketFeed([market])
    feed.receive(DUMP, RECV_NS)
    feed.receive(CHANGE, RECV_NS)
    rows = feed.take()
    assert kinds_of(rows) == [EventKind.SNAPSHOT] + [EventKind.LEVEL] * 5
    assert apply_rows(rows) == {
        (Side.BID, 4700): 30_000_000,
        (Side.BID, 5000): 20_500_000,
        (Side.BID, 5100): 40_000_000,
        (Side.ASK, 5500): 7_000_000,
        (Side.ASK, 5200): 25_000_000,
    }
    assert flags_of(rows[-1]) == {
        EventFlag.LAST_IN_BATCH,
        EventFlag.BEST_YES,
        EventFlag.BEST_NO,
    }
