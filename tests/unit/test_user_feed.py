"""The user feed: every piece of news once, whatever comes, how often and in which order."""

import itertools
from typing import Any

import msgspec
import pytest

from hfptm.records import EVENT, SELL, EventFlag, EventKind, RejectReason, Side
from hfptm.units import NS_PER_MS
from hfptm.venue.own_order import shares_e6
from hfptm.venue.own_orders import SETTLED_MAX, OwnOrders
from hfptm.venue.user_feed import UserFeed
from hfptm.venue.user_messages import NO_MORE, decode, decode_page
from tests.own_orders import CONDITION, MARKET, NOW_NS, feed_of, own_order, told

MINE, OTHER, NOBODY = "0xaa", "0xbb", "0xee"
TS_MS = 1_793_000_000_600


def order(order_id: str = MINE, **changes: Any) -> bytes:
    fields = {
        "event_type": "order",
        "id": order_id,
        "market": CONDITION,
        "type": "UPDATE",
        "status": "LIVE",
        "size_matched": "0",
        "timestamp": str(TS_MS),
    }
    return msgspec.json.encode(fields | changes)


def trade(**changes: Any) -> bytes:
    """Ten of the taker's at 0.52, made by somebody else."""
    fields = {
        "event_type": "trade",
        "id": "t1",
        "market": CONDITION,
        "status": "MATCHED",
        "taker_order_id": MINE,
        "size": "10",
        "price": "0.52",
        "timestamp": str(TS_MS),
        "maker_orders": [{"order_id": NOBODY, "matched_amount": "10", "price": "0.48"}],
    }
    return msgspec.json.encode(fields | changes)


def maker(order_id: str, price: str = "0.48") -> dict[str, str]:
    return {"order_id": order_id, "matched_amount": "10", "price": price, "side": "BUY"}


def news(feed: UserFeed, own: OwnOrders, *payloads: bytes) -> list[tuple[str, int, int, int]]:
    for payload in payloads:
        feed.receive(payload, NOW_NS)
    return told(own.take())


FILL, CONFIRMED = ("FILL", 1, 1_000, 5_200), ("FILL_CONFIRMED", 1, 1_000, 5_200)


def test_a_resting_order_from_its_placement_to_its_end() -> None:
    feed, own = feed_of(own_order(MINE))
    assert news(feed, own, order(type="PLACEMENT"), order()) == [("ACK", 1, 0, 0)]
    assert news(feed, own, order(size_matched="10")) == []
    assert news(feed, own, trade()) == [FILL]
    end = order(type="CANCELLATION", status="CANCELED", size_matched="10")
    assert news(feed, own, end, end) == [("DONE", 1, 9_000, 0)]
    assert [o.order_id for o in own.unsettled()] == [MINE]
    assert news(feed, own, trade(status="MINED"), trade(status="CONFIRMED")) == [CONFIRMED]
    assert list(own.unsettled()) == []


def test_rows_bear_both_times_market_and_side() -> None:
    feed, own = feed_of(own_order(MINE, side=Side(SELL)))
    feed.receive(trade(), NOW_NS)
    (row,) = own.take()
    assert row.dtype == EVENT
    assert (row["ts_recv_ns"], row["ts_venue_ns"]) == (NOW_NS, TS_MS * NS_PER_MS)
    assert (row["market"], row["side"], row["flags"]) == (MARKET, SELL, 0)
    assert len(own.take()) == 0
    feed.receive(trade(id="t2", timestamp="yesterday"), NOW_NS)
    assert own.take()[0]["ts_venue_ns"] == NOW_NS


def test_the_end_waits_for_the_trades_that_were_said_to_be() -> None:
    feed, own = feed_of(own_order(MINE, is_immediate=True))
    assert news(feed, own, order(type="PLACEMENT", status="MATCHED", size_matched="20")) == []
    assert news(feed, own, trade()) == [FILL]
    assert news(feed, own, trade(id="t2")) == [FILL, ("DONE", 1, 8_000, 0)]


def test_what_was_said_of_an_order_is_not_unsaid_by_older_news() -> None:
    feed, own = feed_of(own_order(MINE))
    end = order(type="CANCELLATION", status="CANCELED", size_matched="10")
    assert news(feed, own, end, order(size_matched="0")) == [("ACK", 1, 0, 0)]
    assert news(feed, own, trade()) == [FILL, ("DONE", 1, 9_000, 0)]


def test_a_resting_order_that_is_cancelled_unmatched_is_done() -> None:
    feed, own = feed_of(own_order(MINE))
    payloads = [order(), order(type="CANCELLATION", status="CANCELED")]
    assert news(feed, own, *payloads) == [("ACK", 1, 0, 0), ("DONE", 1, 10_000, 0)]


def test_an_order_can_be_unknown_again() -> None:
    feed, own = feed_of(own_order(MINE))
    (known,) = own.unsettled()
    own.doubt(known, NOW_NS)
    assert news(feed, own, order()) == [("UNKNOWN", 1, 10_000, 0), ("ACK", 1, 0, 0)]
    own.doubt(known, NOW_NS)
    assert news(feed, own) == [("UNKNOWN", 1, 10_000, 0)]
    assert news(feed, own, order(), order()) == [("ACK", 1, 0, 0)], "it rests after all"


def test_what_is_due() -> None:
    quiet, unknown, fresh = (own_order(f"0x{n}", n) for n in range(3))
    _, own = feed_of(quiet, unknown, fresh)
    own.doubt(unknown, NOW_NS)
    own.accepted(fresh, "live", 0, NOW_NS + 50)
    assert own.due(NOW_NS + 99, 10, 100) == [unknown]
    assert own.due(NOW_NS + 100, 10, 100) == [unknown, quiet]
    own.ask_soon(["0x2", "0x99"])
    assert own.due(NOW_NS + 99, 10, 100) == [unknown, fresh]
    assert own.due(NOW_NS - 1, 10, 100) == [unknown, quiet, fresh], "the clock was set back"


@pytest.mark.parametrize("order_of_news", list(itertools.permutations(range(4))))
def test_any_order_and_any_repetition_tell_the_same(order_of_news: tuple[int, ...]) -> None:
    statuses = ("MATCHED", "MINED", "RETRYING", "CONFIRMED")
    feed, own = feed_of(own_order(MINE))
    payloads = [trade(status=statuses[i]) for i in order_of_news for _ in range(2)]
    assert news(feed, own, *payloads) == [FILL, CONFIRMED]
    assert own.counters.contradictory == 0


def test_a_trade_that_fails_is_taken_back_once() -> None:
    feed, own = feed_of(own_order(MINE))
    payloads = [trade(), trade(status="RETRYING"), trade(status="FAILED"), trade(status="FAILED")]
    assert news(feed, own, *payloads) == [FILL, ("FILL_FAILED", 1, 1_000, 5_200)]
    assert news(feed, own, trade(status="CONFIRMED"), trade(status="MINED")) == []
    assert own.counters.contradictory == 1
    assert news(feed, own, order(status="MATCHED", size_matched="10")) == [("DONE", 1, 9_000, 0)]


def test_a_trade_first_heard_of_when_it_has_failed_was_no_fill() -> None:
    feed, own = feed_of(own_order(MINE))
    payloads = [trade(status="TRADE_STATUS_FAILED"), order(status="MATCHED", size_matched="10")]
    assert news(feed, own, *payloads) == [("DONE", 1, 9_000, 0)]


def test_the_maker_is_told_its_own_price_and_the_taker_the_one_on_top() -> None:
    feed, own = feed_of(own_order(MINE), own_order(OTHER, 2))
    taken = news(feed, own, trade(maker_orders=[maker(NOBODY), maker(OTHER)]))
    assert taken == [FILL, ("FILL", 2, 1_000, 4_800)]
    made = news(feed, own, trade(id="t2", taker_order_id=NOBODY, maker_orders=[maker(OTHER)]))
    assert made == [("FILL", 2, 1_000, 4_800)]


def test_who_rested_bears_the_flag_that_spares_the_fee() -> None:
    feed, own = feed_of(own_order(MINE), own_order(OTHER, 2))
    for status in ("MATCHED", "CONFIRMED"):
        feed.receive(trade(status=status, maker_orders=[maker(OTHER)]), NOW_NS)
    flags = [(int(row["aux"]), int(row["flags"])) for row in own.take()]
    assert flags == 2 * [(1, 0), (2, EventFlag.MAKER)]


def test_orders_of_others_are_nothing_to_us() -> None:
    feed, own = feed_of(own_order(MINE))
    assert news(feed, own, order(NOBODY), trade(taker_order_id=NOBODY)) == []
    assert own.counters.foreign == 2


def test_ids_are_the_same_in_capitals() -> None:
    feed, own = feed_of(own_order(MINE))
    assert news(feed, own, trade(taker_order_id=MINE.upper().replace("X", "x"))) == [FILL]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CANCELED_order couldn't be fully filled. FOK orders are ...", RejectReason.NO_MATCH),
        ("CANCELED_no orders found to match with FAK order.", RejectReason.NO_MATCH),
        ("CANCELED_MARKET_RESOLVED", RejectReason.MARKET_CLOSED),
        ("INVALID", RejectReason.REFUSED),
    ],
)
def test_an_order_that_dies_unmatched_is_rejected(text: str, reason: RejectReason) -> None:
    feed, own = feed_of(own_order(MINE, is_immediate=True))
    killed = order(type="CANCELLATION", status=text, size_matched="")
    assert news(feed, own, order(status="DELAYED"), order(status="DELAYED"), killed) == [
        ("DELAYED", 1, 10_000, 0),
        ("REJECT", 1, 10_000, reason),
    ]
    assert list(own.unsettled()) == []


@pytest.mark.parametrize(
    "payload",
    [
        order(size_matched="some"),
        order(status="MATCHED", size_matched=""),
        trade(price="0.52345"),
        trade(size="-1"),
        b'{"event_type":"trade","id":7,"market":"' + CONDITION.encode() + b'"}',
        b'[{"event_type":"order"',
        b"\xff\xfe",
    ],
)
def test_unreadable_news_makes_an_order_unknown_until_it_is_heard_of(payload: bytes) -> None:
    feed, own = feed_of(own_order(MINE))
    assert news(feed, own, payload, payload) == [("UNKNOWN", 1, 10_000, 0)]
    assert own.is_held(MARKET)
    assert not own.is_held(MARKET + 1)
    assert news(feed, own, trade()) == [FILL]
    assert not own.is_held(MARKET)


def test_unreadable_news_of_another_market_is_nothing_to_us() -> None:
    feed, own = feed_of(own_order(MINE))
    assert news(feed, own, b'{"event_type":"order","id":7,"market":"0xc1"}') == []
    assert feed.counters.bad_message == 1


@pytest.mark.parametrize("payload", [b"PONG", b"[]", b'{"event_type":"tide","id":"1"}', b"{}"])
def test_what_is_no_news(payload: bytes) -> None:
    feed, own = feed_of(own_order(MINE))
    assert news(feed, own, payload) == []


def test_an_unknown_status_is_counted_and_its_trade_a_fill_all_the_same() -> None:
    feed, own = feed_of(own_order(MINE))
    assert news(feed, own, trade(status="PONDERED"), order(status="ASLEEP")) == [FILL]
    assert own.counters.unknown_status == 2


def test_what_an_order_matches_after_its_end_is_told_and_counted() -> None:
    feed, own = feed_of(own_order(MINE))
    own.refused(next(own.unsettled()), "not found", NOW_NS)
    assert told(own.take()) == [("REJECT", 1, 10_000, RejectReason.REFUSED)]
    assert news(feed, own, trade()) == [FILL]
    assert own.counters.after_end == 1
    assert [o.order_id for o in own.unsettled()] == [MINE]


def test_answers_and_the_channel_tell_each_thing_once() -> None:
    resting, immediate = own_order(MINE), own_order(OTHER, 2, is_immediate=True)
    feed, own = feed_of(resting, immediate)
    own.accepted(resting, "live", 0, NOW_NS)
    own.accepted(immediate, "matched", 10_000_000, NOW_NS)
    assert news(feed, own, order(), order(OTHER, status="MATCHED", size_matched="10")) == [
        ("ACK", 1, 0, 0)
    ]
    assert news(feed, own, trade(taker_order_id=OTHER)) == [
        ("FILL", 2, 1_000, 5_200),
        ("DONE", 2, 9_000, 0),
    ]


def test_an_order_is_sent_once() -> None:
    _, own = feed_of(own_order(MINE))
    with pytest.raises(ValueError, match="sent before"):
        own.add(own_order(MINE))


def test_memory_is_bounded_and_keeps_what_is_open() -> None:
    own = OwnOrders()
    own.add(own_order("0x0"))
    for number in range(1, SETTLED_MAX + 3):
        own.add(made := own_order(f"0x{number:x}", number))
        own.refused(made, "no", NOW_NS)
    assert [own.get(i) is None for i in ("0x0", "0x1", "0x2", "0x3")] == [False, True, True, False]


def test_shares_of_an_answer() -> None:
    assert shares_e6(Side.BID, "5.2", "10") == shares_e6(Side.ASK, "10", "5.2") == 10_000_000
    assert shares_e6(Side.BID, "", "") == shares_e6(Side.BID, None, None) == 0


def test_pages() -> None:
    page = msgspec.json.encode({"data": [{"id": "t", "taker_order_id": "x"}], "next_cursor": "Mg"})
    (message,), cursor = decode_page(page)
    assert (type(message).__name__, cursor) == ("UserTrade", "Mg")
    (message,), cursor = decode_page(b"<html>")
    assert (type(message).__name__, cursor) == ("Malformed", NO_MORE)
    assert len(decode(b'[{"id":"x","size_matched":"0"}, 7]')) == 2


def test_kinds_of_rows_are_reports() -> None:
    assert EventKind.ACK <= EventKind.FILL_CONFIRMED < EventKind.FILL_FAILED
