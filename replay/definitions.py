"""What markets and groups were at the time: a replay must not know what changed later.

A market is what its last version at the start of the stretch says, or its first one after it. Fees
that change within the stretch become rows of the tape; ticks are on the tape already, and what else
may change (minimum size, end, group) holds for a whole replay.
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
    fee_changes: Rows
    """FEE rows by time, all after the start of the stretch."""


def definitions_at(versions: Iterable[tuple[Market, Group | None]], from_ns: int) -> Definitions:
    """Of every version, oldest first, as `Lake.market_versions` gives them."""
    markets: dict[int, Market] = {}
    groups: dict[int, Group] = {}
    newest: dict[int, Market] = {}
    changes: list[Market] = []
    for market, group in versions:
        is_later = market.valid_from_ns > from_ns
        if group and not (is_later and group.group in groups):
            groups[group.group] = group
        if not (is_later and market.market in markets):
            markets[market.market] = market
        elif fees_of(newest[market.market]) != fees_of(market):
            changes.append(market)
        newest[market.market] = market
    return Definitions(
        [markets[key] for key in sorted(markets)],
        [groups[key] for key in sorted(groups)],
        _fee_rows(changes),
    )


def fees_of(market: Market) -> tuple[int, int]:
    return market.fee_rate_e4, market.fee_exponent


def _fee_rows(changes: list[Market]) -> Rows:
    rows = np.zeros(len(changes), EVENT)
    rows["kind"] = EventKind.FEE
    rows["ts_recv_ns"] = rows["ts_venue_ns"] = [market.valid_from_ns for market in changes]
    rows["market"] = [market.market for market in changes]
    rows["price_e4"] = [market.fee_rate_e4 for market in changes]
    rows["aux"] = [market.fee_exponent for market in changes]
    return rows


def merge(blocks: Iterable[Rows], changes: Rows) -> Iterator[Rows]:
    """Blocks of the tape with these rows at their times, after the tape's own of the same time."""
    for block in blocks:
        count = int(np.searchsorted(changes["ts_recv_ns"], block[-1]["ts_recv_ns"]))
        if count:
            block = np.concatenate([block, changes[:count]])
            block = block[np.argsort(block["ts_recv_ns"], kind="stable")]
            changes = changes[count:]
        yield block
