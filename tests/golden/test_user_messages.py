"""Real messages of the user channel and of REST: each is understood."""

from pathlib import Path

import pytest

from hfptm.records import RejectReason
from tests.own_orders import NOW_NS, feed_of, own_order, told

ORDER = "0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef12"
FILL = [("FILL", 1, 2_500, 5_000), ("FILL_CONFIRMED", 1, 2_500, 5_000)]
TAKER = "0x3ad09f225ebe141dfbdb3824f31cb457e8e0301ca4e0a06311e543f5328b9dea"
MINTER = "0x3b67d584e1e7ad29b06bda373449638898aa87f0c9fd52a34bdbfb1325a6c184"
"""Bought the other token: its price is that token's."""
REFUSED = ("REJECT", 1, 10_000, RejectReason.REFUSED)

CASES = [
    ("ws_user_order_msg", ORDER, [("ACK", 1, 0, 0)]),
    ("ws_user_order_placement", ORDER, [("ACK", 1, 0, 0)]),
    ("ws_user_order_update", ORDER, [("ACK", 1, 0, 0)]),
    ("ws_user_order_cancellation", ORDER, [REFUSED]),
    ("ws_user_order_venue_cancel", "0x0e", [REFUSED]),
    ("ws_user_order_fok_killed", "0x78xx", [("REJECT", 1, 10_000, RejectReason.NO_MATCH)]),
    ("ws_user_order_matched", ORDER, []),
    ("ws_user_trade_msg", ORDER, FILL),
    ("ws_user_trade", ORDER, FILL),
    ("http_open_order", ORDER, [("ACK", 1, 0, 0)]),
    ("http_open_order_sell_fok", "0x" + "deadbeef" * 8, []),
    ("http_trade_report", ORDER, FILL),
    ("older/user_trade1", TAKER, [("FILL", 1, 109_687, 5_180)]),
    ("older/user_trade1", MINTER, [("FILL", 1, 1_000, 4_820)]),
]


@pytest.mark.parametrize(("name", "order_id", "rows"), CASES)
def test_each_message(shared: Path, name: str, order_id: str, rows: object) -> None:
    feed, own = feed_of(own_order(order_id))
    feed.receive((shared / "recordings" / "messages" / f"{name}.json").read_bytes(), NOW_NS)
    assert told(own.take()) == rows
    counters = feed.counters
    assert (counters.bad_json, counters.bad_message, counters.unknown_type) == (0, 0, 0)
    assert own.counters.unreadable == own.counters.unknown_status == own.counters.foreign == 0


def test_a_trade_of_others_is_foreign(shared: Path) -> None:
    feed, own = feed_of(own_order("0x0"))
    feed.receive((shared / "recordings/messages/older/user_trade4.json").read_bytes(), NOW_NS)
    assert (len(own.take()), own.counters.foreign) == (0, 1)
