"""Rows that tell a kernel what became of a market, beside its definition: rules, and a payout."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from hfptm.records import EVENT, EventFlag, EventKind, MarketState
from hfptm.registry import Market

Rows = npt.NDArray[np.void]


def rule_changes(before: Market, after: Market, ts_ns: int) -> Iterator[Rows]:
    """A FEE and a DELAY row, as far as these two versions differ in fees and delays.

    Ticks are on the tape already; what else may change holds for a whole run.
    """
    if fees_of(before) != fees_of(after):
        row = _row(after.market, EventKind.FEE, ts_ns)
        row["price_e4"], row["aux"] = fees_of(after)
        yield row
    if delays_of(before) != delays_of(after):
        row = _row(after.market, EventKind.DELAY, ts_ns)
        row["price_e4"], row["size_e6"], row["aux"] = delays_of(after)
        yield row


def fees_of(market: Market) -> tuple[int, int]:
    return market.fee_rate_e4, market.fee_exponent


def delays_of(market: Market) -> tuple[int, int, int]:
    return market.taker_delay, market.game_delay_ms, market.game_start_ns


def payout(market: int, payout_e4: int, ts_ns: int) -> Rows:
    """A STATE row: resolved, with what a YES share pays."""
    row = _row(market, EventKind.STATE, ts_ns)
    row["aux"], row["price_e4"] = MarketState.RESOLVED, payout_e4
    return row


def _row(market: int, kind: EventKind, ts_ns: int) -> Rows:
    row = np.zeros(1, EVENT)
    row["kind"], row["market"] = kind, market
    row["ts_recv_ns"] = row["ts_venue_ns"] = ts_ns
    return row


def is_news(rows: Rows) -> npt.NDArray[np.bool_]:
    """Which rows tell how long the exchange's news takes to us: the last change of each frame, and
    every print. A full book says when it changed last, not when it was sent."""
    is_last = rows["flags"] & EventFlag.LAST_IN_BATCH != 0
    is_told = (rows["kind"] == EventKind.LEVEL) & is_last | (rows["kind"] == EventKind.TRADE)
    found: npt.NDArray[np.bool_] = is_told & (rows["flags"] & EventFlag.SNAPSHOT == 0)
    return found
