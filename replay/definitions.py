"""What markets and groups were at the time: a replay must not know what changed later.

A market is what its last version at the start of the stretch says, or its first one after it. Fees
and delays that change within the stretch become rows of the tape; ticks are on it already, and what
else may change (minimum size, end, group) holds for a whole replay.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from hfptm.market_rows import rule_changes
from hfptm.records import EVENT
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
            changes += rule_changes(newest[market.market], market, market.valid_from_ns)
        newest[market.market] = market
    return Definitions(
        [markets[key] for key in sorted(markets)],
        [groups[key] for key in sorted(groups)],
        np.concatenate([np.zeros(0, EVENT), *changes]),
    )


def merge(blocks: Iterable[Rows], changes: Rows) -> Iterator[Rows]:
    """Blocks of the tape with these rows at their times, after the tape's own of the same time."""
    for block in blocks:
        count = int(np.searchsorted(changes["ts_recv_ns"], block[-1]["ts_recv_ns"]))
        if count:
            block = np.concatenate([block, changes[:count]])
            block = block[np.argsort(block["ts_recv_ns"], kind="stable")]
            changes = changes[count:]
        yield block
