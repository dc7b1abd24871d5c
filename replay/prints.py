"""Real orders as their prints tell of them, and where on the tape each met the book.

A print is one TRADE row. Prints of one market, exchange time and side are one order: a taker who
sweeps several levels, or meets several makers, prints once for each. Two takers of one millisecond
and side count as one, too.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hfptm.records import EventKind, Side

Rows = npt.NDArray[np.void]


class Order(NamedTuple):
    """What a real taker took."""

    market: int
    ts_venue_ns: int
    ts_recv_ns: int
    """Of its first print."""
    side: Side
    """Of the taker in YES terms, as the exchange says: who buys NO sells YES."""
    prints: tuple[tuple[int, int], ...]
    """(price_e4 of YES, size_e6) of each, as they came."""

    @property
    def key(self) -> tuple[int, int, int]:
        return self.market, self.ts_venue_ns, self.side

    @property
    def size_e6(self) -> int:
        return sum(size_e6 for _, size_e6 in self.prints)

    @property
    def limit_e4(self) -> int:
        """The worst price that it took."""
        prices_e4 = [price_e4 for price_e4, _ in self.prints]
        return max(prices_e4) if self.side == Side.BID else min(prices_e4)


def orders_in(rows: Rows) -> list[tuple[int, Order]]:
    """Every order with prints in `rows` (n,) EVENT of lake ids, by where it met the book.

    That is the index of the first row of its market that the exchange stamped no earlier than the
    prints: whatever stands before it was there when the order came.
    """
    by_key: dict[tuple[int, int, int], list[np.void]] = {}
    for row in rows[rows["kind"] == EventKind.TRADE]:
        key = int(row["market"]), int(row["ts_venue_ns"]), int(row["side"])
        by_key.setdefault(key, []).append(row)
    orders = [_order(prints) for prints in by_key.values()]
    return sorted(zip(_places(rows, orders), orders, strict=True), key=lambda found: found[0])


def _order(prints: list[np.void]) -> Order:
    first = prints[0]
    return Order(
        int(first["market"]),
        int(first["ts_venue_ns"]),
        int(first["ts_recv_ns"]),
        Side(first["side"]),
        tuple((int(row["price_e4"]), int(row["size_e6"])) for row in prints),
    )


def _places(rows: Rows, orders: Iterable[Order]) -> list[int]:
    if not len(rows):
        return []
    about_markets = np.flatnonzero(rows["kind"] <= EventKind.GAP)
    by_market = about_markets[np.argsort(rows["market"][about_markets], kind="stable")]
    markets = rows["market"][by_market]
    latest_ns: dict[int, npt.NDArray[np.int64]] = {}
    places = []
    for order in orders:
        start, stop = np.searchsorted(markets, [order.market, order.market + 1])
        of_market = by_market[start:stop]
        if order.market not in latest_ns:
            latest_ns[order.market] = np.maximum.accumulate(rows["ts_venue_ns"][of_market])
        reached = int(np.searchsorted(latest_ns[order.market], order.ts_venue_ns))
        places.append(int(of_market[reached]))
    return places
