"""Made-up rows and markets, and the plainest book there can be, for tests of tape and lake."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hfptm.records import EVENT, EventFlag, EventKind, Side
from hfptm.registry import Market, market_id

Rows = npt.NDArray[np.void]

START_NS = 1_777_428_000_000_000_000
"""2026-04-29 02:00 UTC."""

HOUR_NS = 3_600_000_000_000


def make_rows(ts_recv_ns: list[int], market: int = 7) -> Rows:
    """Level rows at these times, told apart by their size."""
    rows = np.zeros(len(ts_recv_ns), EVENT)
    rows["ts_recv_ns"] = ts_recv_ns
    rows["ts_venue_ns"] = rows["ts_recv_ns"] - 1_000
    rows["market"], rows["kind"] = market, EventKind.LEVEL
    rows["price_e4"], rows["size_e6"] = 5_000, np.arange(len(rows))
    return rows


def make_market(slug: str = "a", **changes: Any) -> Market:
    fields: dict[str, Any] = {
        "market": market_id(slug),
        "condition_id": slug,
        "yes_token": f"{slug}-yes",
        "no_token": f"{slug}-no",
        "slug": slug,
        "question": "?",
        "category": "crypto",
        "group": 0,
        "tick_e4": 100,
        "min_size_e6": 5_000_000,
        "fee_rate_e4": 700,
        "fee_exponent": 1,
        "neg_risk": False,
        "version": "v1",
        "end_ts_ns": 0,
        "valid_from_ns": START_NS,
    }
    return Market(**(fields | changes))


class Row(NamedTuple):
    """One row of records.EVENT as plain numbers, in the dtype's order."""

    ts_recv_ns: int
    ts_venue_ns: int
    market: int
    size_e6: int
    aux: int
    price_e4: int
    flags: int
    kind: int
    side: int


class PlainBook:
    """One market's levels in two dictionaries."""

    def __init__(self) -> None:
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def apply(self, row: Row) -> None:
        if row.kind == EventKind.LEVEL:
            levels = self.sides[row.side]
            levels[row.price_e4] = row.size_e6
            if not row.size_e6:
                del levels[row.price_e4]
        elif row.kind in (EventKind.SNAPSHOT, EventKind.GAP, EventKind.TICK):
            self.sides = ({}, {})

    @property
    def best_bid_e4(self) -> int:
        return max(self.sides[Side.BID], default=0)

    @property
    def best_ask_e4(self) -> int:
        return min(self.sides[Side.ASK], default=10_000)


def batch_ends(rows: Rows) -> Iterator[tuple[Row, dict[int, PlainBook]]]:
    """Every row that closes a batch, with the books of all markets as they are then."""
    assert rows.dtype.names == Row._fields
    books: dict[int, PlainBook] = {}
    last = int(EventFlag.LAST_IN_BATCH)
    for row in map(Row._make, rows.tolist()):
        if row.market not in books:
            books[row.market] = PlainBook()
        books[row.market].apply(row)
        if row.flags & last:
            yield row, books
