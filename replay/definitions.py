"""What markets and groups were at the time: a replay must not know what changed later.

A market is what its last version at the start of the stretch says, or its first one after it. Fees
and delays that change within the stretch become rows of the tape; ticks are on it already, and what
else may change (minimum size, end, group) holds for a whole replay.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from hfptm.records import EVENT, EventKind
from hfptm.registry import Group, Market
from replay.reader import Rows


class Definitions(NamedTuple):
    markets: list[Market]
    groups: list[Group]
    changes: Rows
    """FEE and DELAY rows by time, all after the start of the stretch."""


def definitions_at(versions: Iterable[tuple[Market, Group | None]], from_ns: int) -> Definitions:
    """Of every version, oldest first, as `Lake.market_versions` gives them."""
    markets: dict[int, Market] = {}
    groups: dict[int, Group] = {}
    newest: dict[int, Market] = {}
    changes: list[Rows] = []
    for market, group in versions:
        is_later = market.valid_from_ns > from_ns
        if group and not (is_later and group.group in groups):
            groups[group.group] = group
        if not (is_later and market.market in markets):
            markets[market.market] = market
        else:
            changes += _changed(newest[market.market], market)
        newest[market.market] = market
    return Definitions(
        [markets[key] for key in sorted(markets)],
        [groups[key] for key in sorted(groups)],
        np.concatenate([np.zeros(0, EVENT), *changes]),
    )


def fees_of(market: Market) -> tuple[int, int]:
    return market.fee_rate_e4, market.fee_exponent


def delays_of(market: Market) -> tuple[int, int, int]:
    return market.taker_delay, market.game_delay_ms, market.game_start_ns


def _changed(before: Market, after: Market) -> Iterator[Rows]:
    """The rows that make one version the next."""
    if fees_of(before) != fees_of(after):
        row = _row(after, EventKind.FEE)
        row["price_e4"], row["aux"] = fees_of(after)
        yield row
    if delays_of(before) != delays_of(after):
        row = _row(after, EventKind.DELAY)
        row["price_e4"], row["size_e6"], row["aux"] = delays_of(after)
        yield row


def _row(market: Market, kind: EventKind) -> Rows:
    row = np.zeros(1, EVENT)
    row["kind"], row["market"] = kind, market.market
    row["ts_recv_ns"] = row["ts_venue_ns"] = market.valid_from_ns
    return row


def merge(blocks: Iterable[Rows], changes: Rows) -> Iterator[Rows]:
    """Blocks of the tape with these rows at their times, after the tape's own of the same time."""
    for block in blocks:
        count = int(np.searchsorted(changes["ts_recv_ns"], block[-1]["ts_recv_ns"]))
        if count:
            block = np.concatenate([block, changes[:count]])
            block = block[np.argsort(block["ts_recv_ns"], kind="stable")]
            changes = changes[count:]
        yield block
