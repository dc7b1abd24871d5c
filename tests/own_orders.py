"""Own orders to test with, and their rows in few words."""

from typing import Any

from hfptm.records import BUY, EventKind, Side
from hfptm.units import ONE_E6
from hfptm.venue.own_order import OwnOrder
from hfptm.venue.own_orders import OwnOrders, Rows
from hfptm.venue.user_feed import UserFeed

NOW_NS = 1_800_000_000_000_000_000
CONDITION = "0xdd22472e552920b8438158ea7238bfadfa4f736aa4cee91a6b86c39ead110917"
MARKET = 77


def own_order(order_id: str, order: int = 1, **changes: Any) -> OwnOrder:
    """A resting BUY of 100 shares."""
    fields: dict[str, Any] = {
        "order_id": order_id.lower(),
        "order": order,
        "market": MARKET,
        "condition_id": CONDITION,
        "side": Side(BUY),
        "size_e6": 100 * ONE_E6,
        "is_immediate": False,
        "sent_ns": NOW_NS,
    }
    return OwnOrder(**fields | changes)


def feed_of(*orders: OwnOrder) -> tuple[UserFeed, OwnOrders]:
    own = OwnOrders()
    for order in orders:
        own.add(order)
    return UserFeed(own), own


def told(rows: Rows) -> list[tuple[str, int, int, int]]:
    """(kind, order, size in shares times 100, price_e4) of each row."""
    return [
        (
            EventKind(int(r["kind"])).name,
            int(r["aux"]),
            int(r["size_e6"]) // 10_000,
            int(r["price_e4"]),
        )
        for r in rows
    ]
