"""Generated tapes: what a recording of many markets looks like, made from a seed.

Exclusive groups of five (`exactly_one`, convertible, what is left over stands alone; of four groups
one on the 0.01 tick, everything else on 0.001), fee rate 0.05. Every market begins with a snapshot
of 40 levels a side (fewer where the grid ends). Then frames of one to three level changes at one
exchange time, each closed by the right best prices: every market is as likely as any other (the
worst case for caches), 70 % of the changes lie within five ticks of the touch, the rest
exponentially deeper, 31 % are removals. One frame in fifty moves the market's price by a tick, one
in forty carries a trade. A group's bids sum to a little below 1 and its asks to a little above, and
no book is crossed, but where an edge is planted: about one in 20,000 rows a bid 12 cents above the
ask, or one outcome of a group that runs 20 cents ahead of the others or 10 behind, each for up to
0.2 s. The feed lags by a lognormal time with a median of 15 ms.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.maker import (
    CHANGE,
    CURSOR,
    FRAME,
    MAKER_MARKET,
    SNAPSHOT_LEVELS,
    FrameKind,
    Maker,
    fill_rows,
)
from hfptm.kernel.jit import Array, as_records, records
from hfptm.opportunities import Relation
from hfptm.records import EVENT, EventKind, Side
from hfptm.registry import Group, Market, group_id, market_id
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6, PRICE_ONE_E4

Rows = npt.NDArray[np.void]

MEMBERS = 5
FEE_RATE_E4 = 500
MIN_SIZE_E6 = 5 * ONE_E6
START_NS = 1_767_225_600_000_000_000
"""2026-01-01 00:00 UTC."""

EDGE_EVERY_ROWS = 20_000
EDGE_LIFE_NS = 200 * NS_PER_MS
_TICKS_E4 = (10, 10, 10, 100)
_ROWS_PER_FRAME = 2


class Tape(NamedTuple):
    """`rows` are in order of `ts_recv_ns`; market and group slots are positions in the lists."""

    definitions: Array
    rows: Array
    markets: list[Market]
    groups: list[Group]
    planted: int


def make_tape(
    markets: int, rows: int, seed: int = 7, edge_every_rows: int = EDGE_EVERY_ROWS
) -> Tape:
    """A tape of about `rows` level changes and trades, at most, behind the snapshots.

    `edge_every_rows`: an edge is planted about so often; one at a time, so a small number is not
    reached.
    """
    rng = np.random.default_rng(seed)
    listed, groups = listing(markets)
    maker = Maker(
        markets=_maker_markets(rng, listed),
        sizes=np.zeros((markets, 2, PRICE_ONE_E4 // min(_TICKS_E4) + 1), np.int64),
        owed=np.zeros(markets, np.int64),
        frames=_frames(rng, markets, rows // _ROWS_PER_FRAME, edge_every_rows),
        changes=_changes(rng, max(rows, 1_024)),
        cursor=records(CURSOR, 1),
        rows=records(EVENT, rows + markets * (2 * SNAPSHOT_LEVELS + 1)),
    )
    fill_rows(maker.table)
    cursor = maker.cursor[0]
    made = maker.rows[: int(cursor["row"])]
    return Tape(_definitions(listed, groups), made, listed, groups, int(cursor["planted"]))


def level_changes(rows: Rows) -> int:
    return int((rows["kind"] == EventKind.LEVEL).sum())


def with_ids(tape: Tape) -> Rows:
    """A copy of the tape's rows as the lake holds them."""
    rows = tape.rows.copy()
    rows["market"] = np.array([market.market for market in tape.markets])[rows["market"]]
    return rows


def listing(markets: int) -> tuple[list[Market], list[Group]]:
    groups = [_group(number) for number in range(markets // MEMBERS)]
    owners = [group for group in groups for _ in range(MEMBERS)]
    listed = []
    for number in range(markets):
        group = owners[number].group if number < len(owners) else 0
        tick_e4 = _TICKS_E4[number // MEMBERS % len(_TICKS_E4)] if group else _TICKS_E4[0]
        listed.append(_market(number, group, tick_e4))
    return listed, groups


def _group(number: int) -> Group:
    slug = f"generated-group-{number}"
    return Group(
        group=group_id(slug),
        slug=slug,
        relation=Relation.EXACTLY_ONE,
        members=MEMBERS,
        convertible=True,
    )


def _market(number: int, group: int, tick_e4: int) -> Market:
    slug = f"generated-market-{number}"
    return Market(
        market=market_id(slug),
        condition_id=slug,
        yes_token="",
        no_token="",
        slug=slug,
        question="",
        category="generated",
        group=group,
        tick_e4=tick_e4,
        min_size_e6=MIN_SIZE_E6,
        fee_rate_e4=FEE_RATE_E4,
        fee_exponent=1,
        neg_risk=group != 0,
        version="v2",
        end_ts_ns=0,
        valid_from_ns=START_NS,
    )


def _definitions(listed: list[Market], groups: list[Group]) -> Array:
    """The rows that introduce the groups and markets, by slot."""
    at = (START_NS, START_NS)
    slots = {group.group: slot for slot, group in enumerate(groups)}
    rows = [
        (*at, slot, MEMBERS, 1, int(group.relation), 0, EventKind.GROUP, 0)
        for slot, group in enumerate(groups)
    ]
    for slot, market in enumerate(listed):
        group_slot = slots.get(market.group, -1)
        size_e6, tick_e4 = market.min_size_e6, market.tick_e4
        rows.append((*at, slot, size_e6, group_slot, tick_e4, 0, EventKind.MARKET, 0))
        rows.append((*at, slot, 0, 1, market.fee_rate_e4, 0, EventKind.FEE, 0))
    return as_records(np.array(rows, EVENT))


def _maker_markets(rng: np.random.Generator, listed: list[Market]) -> Array:
    """Walls of a group sum to three ticks below 1, so its bids to less and its asks to more."""
    made = records(MAKER_MARKET, len(listed))
    made["tick_e4"] = [market.tick_e4 for market in listed]
    made["count"] = PRICE_ONE_E4 // made["tick_e4"]
    made["group"] = np.arange(len(listed)) // MEMBERS
    grouped = len(listed) // MEMBERS * MEMBERS
    shares = 0.3 * rng.dirichlet(np.ones(MEMBERS), grouped // MEMBERS) + 0.7 / MEMBERS
    made["wall"] = made["count"] // 3
    walls = made["wall"][:grouped].reshape(-1, MEMBERS)
    count = made["count"][:grouped:MEMBERS]
    walls[:] = (shares * count[:, None]).astype(np.int64)
    walls[:, 0] += count - 3 - walls.sum(axis=1)
    made["best"][:, Side.ASK] = made["count"]
    return made


def _frames(rng: np.random.Generator, markets: int, count: int, edge_every_rows: int) -> Array:
    """Ten frames a second of each market, 5,000 of all at most."""
    frames = records(FRAME, count)
    rate = min(10 * markets, 5_000)
    exact_ns = NS_PER_S + np.cumsum(rng.exponential(NS_PER_S / rate, count)).astype(np.int64)
    late_ns = (15 * NS_PER_MS * rng.lognormal(0.0, 0.4, count)).astype(np.int64)
    order = np.arange(count)
    frames["ts_venue_ns"] = START_NS + exact_ns // NS_PER_MS * NS_PER_MS
    frames["ts_recv_ns"] = START_NS + np.maximum.accumulate(exact_ns + late_ns - order) + order
    frames["life_ns"] = rng.integers(0, EDGE_LIFE_NS, count)
    frames["market"] = rng.integers(0, markets, count)
    frames["changes"] = rng.integers(1, 4, count)
    chance = rng.random(count)
    frames["kind"][chance < 0.02] = FrameKind.MOVE
    frames["kind"][chance > 0.975] = FrameKind.TRADE
    plants = rng.random(count) < _ROWS_PER_FRAME / edge_every_rows
    grouped = frames["market"] < markets // MEMBERS * MEMBERS
    kinds = rng.integers(FrameKind.CROSS, FrameKind.BEHIND, count, endpoint=True)
    frames["kind"][plants] = np.where(grouped, kinds, FrameKind.CROSS)[plants]
    return frames


def _changes(rng: np.random.Generator, count: int) -> Array:
    changes = records(CHANGE, count)
    changes["size_e6"] = (500 + rng.exponential(20_000, count)).astype(np.int64) * 10_000
    near = rng.random(count) < 0.7
    deep = 5 + rng.exponential(30, count).astype(np.int64)
    changes["offset"] = np.where(near, rng.integers(0, 5, count), deep)
    changes["side"] = rng.integers(0, 2, count)
    changes["removes"] = rng.random(count) < 0.45
    return changes
