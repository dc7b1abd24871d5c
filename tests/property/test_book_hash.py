"""Hashes agree with those of the exchange's former client, and notice every difference."""

import json

from hypothesis import given
from hypothesis import strategies as st
from py_clob_client_v2.clob_types import OrderBookSummary, OrderSummary
from py_clob_client_v2.utilities import generate_orderbook_summary_hash

from hfptm.units import format_e4, format_e6
from hfptm.venue.book_hash import HashChecker, HashedBook, Verdict, book_hash
from hfptm.venue.messages import Level
from tests.wire import CONDITION, TS_MS, YES, change, frame, make_market

NUMBER = st.text("0123456789.", max_size=8)
LEVELS = st.lists(st.tuples(NUMBER, NUMBER), max_size=6)
SIZES_E6 = st.dictionaries(st.integers(1, 99), st.integers(1, 10**10), min_size=1, max_size=8)


@given(
    st.text(max_size=8),
    st.text(max_size=8),
    LEVELS,
    LEVELS,
    st.booleans(),
    NUMBER,
)
def test_same_hash_as_the_former_client(
    market: str,
    asset_id: str,
    bids: list[tuple[str, str]],
    asks: list[tuple[str, str]],
    neg_risk: bool,
    last_trade_price: str,
) -> None:
    head = {"market": market, "asset_id": asset_id, "timestamp": str(TS_MS)}
    tail = {"min_order_size": "5", "tick_size": "0.01", "last_trade_price": last_trade_price}
    ours = HashedBook(
        **head,
        **tail,
        neg_risk=neg_risk,
        bids=[Level(price, size) for price, size in bids],
        asks=[Level(price, size) for price, size in asks],
    )
    theirs = OrderBookSummary(
        **head,
        **tail,
        neg_risk=neg_risk,
        bids=[OrderSummary(price=price, size=size) for price, size in bids],
        asks=[OrderSummary(price=price, size=size) for price, size in asks],
        hash="anything",
    )
    assert book_hash(ours) == generate_orderbook_summary_hash(theirs)


def printed(sizes_e6: dict[int, int]) -> list[dict[str, str]]:
    """Bids as the exchange prints them, the best one last; prices in hundredths."""
    return [
        {"price": format_e4(cents * 100), "size": format_e6(sizes_e6[cents])}
        for cents in sorted(sizes_e6)
    ]


def claim(ts_ms: int, sizes_e6: dict[int, int]) -> str:
    return book_hash(
        HashedBook(
            market=CONDITION,
            asset_id=YES,
            timestamp=str(ts_ms),
            bids=[Level(**level) for level in printed(sizes_e6)],
            asks=[],
            min_order_size="5",
            tick_size="0.01",
            neg_risk=False,
            last_trade_price="",
        )
    )


@given(SIZES_E6, st.lists(st.tuples(st.integers(1, 99), st.integers(0, 10**10)), max_size=8))
def test_changes_lead_to_the_claimed_book(
    sizes_e6: dict[int, int], changes: list[tuple[int, int]]
) -> None:
    checker = HashChecker([make_market()], trusted_after=1)
    book = {"bids": printed(sizes_e6), "asks": [], "last_trade_price": ""}
    checker.receive(frame("book", asset_id=YES, hash=claim(TS_MS, sizes_e6), **book))
    for ts_ms, (cents, size_e6) in enumerate(changes, TS_MS + 1):
        sizes_e6[cents] = size_e6
        sizes_e6 = {place: size for place, size in sizes_e6.items() if size}
        entry = change(YES, "BUY", format_e4(cents * 100), format_e6(size_e6))
        entry["hash"] = claim(ts_ms, sizes_e6)
        checker.receive(frame("price_change", price_changes=[entry], timestamp=str(ts_ms)))
    checker.disconnect()
    assert checker.counts == {Verdict.OK: 1 + len(changes), Verdict.BAD: 0, Verdict.UNKNOWN: 0}


@given(st.binary(max_size=100), st.recursive(st.none() | st.text(max_size=5), st.lists))
def test_any_bytes(payload: bytes, field: object) -> None:
    checker = HashChecker([make_market()])
    checker.receive(payload)
    entry = {"asset_id": YES, "price": field, "size": field, "side": field, "hash": field}
    checker.receive(frame("price_change", price_changes=[entry]))
    checker.receive(json.dumps([{"asset_id": YES, "bids": [entry], "asks": [], "x": 1}]).encode())
    checker.disconnect()
    assert checker.counts[Verdict.OK] == 0
