"""Slots over time: no two live markets share one, and none is given again before it has rested."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.errors import CapacityError
from hfptm.kernel.jit import as_records
from hfptm.opportunities import Relation
from hfptm.records import EVENT, EventKind, MarketState
from hfptm.registry import Group, Market, group_id, market_id
from hfptm.slots import NOBODY, REST_NS, Slots
from tests.tapes import START_NS, make_market

MARKETS = 12
COLLIDING = 1 << 40
"""Ids apart by a multiple of this start their search at the same place."""


class Happening(NamedTuple):
    """A row of a market (beyond `MARKETS`: one that nobody listed), some time after the last."""

    after_ns: int
    market: int
    is_resolution: bool


happenings = st.lists(
    st.builds(
        Happening,
        st.sampled_from([0, 1_000_000, REST_NS // 2, REST_NS]),
        st.integers(0, MARKETS + 3),
        st.booleans(),
    ),
    max_size=120,
)
group_sizes = st.lists(st.integers(1, 6), max_size=5)


def listed(sizes: list[int]) -> tuple[list[Market], list[Group]]:
    """The first markets in groups of these sizes, the rest alone."""
    numbers = [number for number, size in enumerate(sizes) for _ in range(size)][:MARKETS]
    groups = [
        Group(
            group=group_id(f"group {number}"),
            slug=f"group {number}",
            relation=Relation.EXACTLY_ONE,
            members=numbers.count(number),
            convertible=True,
        )
        for number in sorted(set(numbers))
    ]
    markets = []
    for index in range(MARKETS):
        group = groups[numbers[index]].group if index < len(numbers) else 0
        markets.append(make_market(str(index), market=1 + index * COLLIDING, group=group))
    return markets, groups


class Desk:
    """Feeds rows to Slots as the engine does, and remembers who sat where."""

    def __init__(self, markets: list[Market], groups: list[Group], market_slots: int) -> None:
        self.slots = Slots(markets, groups, market_slots, len(groups) + 1)
        self.markets = {market.market: market for market in markets}
        self.seat: dict[int, int] = {}
        self.group_seat = {0: -1}
        self.resolved: set[int] = set()
        self.free_from_ns: dict[int, int] = {}
        """By slot: when its last owner's rest ends."""

    def row(self, ts_ns: int, market: int, *, is_resolution: bool) -> int:
        """The slot that the row was given, with every rule checked."""
        rows = np.zeros(1, EVENT)
        rows["ts_recv_ns"], rows["market"] = ts_ns, market
        rows["kind"] = EventKind.STATE if is_resolution else EventKind.LEVEL
        rows["aux"] = MarketState.RESOLVED if is_resolution else 0
        rows = as_records(rows)
        if self.slots.translate(rows, 0, 1) == 0:
            assert market not in self.seat
            self.check_definition(market, ts_ns, self.slots.define(market, ts_ns))
            assert self.slots.translate(rows, 0, 1) == 1
        slot = int(rows[0]["market"])
        self.check_row(market, slot)
        if is_resolution:
            self.slots.note_state(rows[0], int(self.slots.market_ids[slot]))
            self.resolve(market, ts_ns)
        return slot

    def check_definition(self, market: int, ts_ns: int, rows: np.ndarray) -> None:
        if market not in self.markets:
            assert len(rows) == 0
            self.seat[market] = NOBODY
            return
        kinds = rows["kind"].tolist()
        assert kinds[-2:] == [EventKind.MARKET, EventKind.FEE]
        slot, group_slot = int(rows[-1]["market"]), int(rows[-2]["aux"])
        assert slot not in self.taken()
        group = self.markets[market].group
        is_first = group != 0 and group not in self.group_seat
        assert kinds[:-2] == [EventKind.GROUP] * is_first
        assert group_slot == self.group_seat.setdefault(group, int(rows[0]["market"]))
        assert self.free_from_ns.pop(slot, 0) <= ts_ns
        self.seat[market] = slot

    def taken(self) -> set[int]:
        """Slots of markets that are not resolved, or whose group is not over."""
        return {slot for market, slot in self.seat.items() if not self.is_over(market)} - {NOBODY}

    def has_free_slot(self, now_ns: int) -> bool:
        resting = {slot for slot, until_ns in self.free_from_ns.items() if until_ns > now_ns}
        return len(self.taken() | resting) < len(self.slots.market_ids) - 1

    def is_over(self, market: int) -> bool:
        group = self.markets[market].group if market in self.markets else 0
        mates = [m.market for m in self.markets.values() if group and m.group == group]
        return self.resolved.issuperset(mates or [market])

    def check_row(self, market: int, slot: int) -> None:
        if market not in self.markets or market in self.resolved:
            assert slot == NOBODY
        else:
            assert slot == self.seat[market] != NOBODY
            assert self.slots.market_ids[slot] == market

    def resolve(self, market: int, ts_ns: int) -> None:
        if market not in self.markets or market in self.resolved:
            return
        self.resolved.add(market)
        group = self.markets[market].group
        if group and self.is_over(market):
            del self.group_seat[group]
        for mate, slot in self.seat.items():
            is_mate = mate in self.markets and group and self.markets[mate].group == group
            if self.is_over(market) and (is_mate or mate == market):
                self.free_from_ns[slot] = ts_ns + REST_NS


@given(sizes=group_sizes, market_slots=st.integers(2, MARKETS + 1), happenings=happenings)
def test_slots_are_shared_over_time_only(
    sizes: list[int], market_slots: int, happenings: list[Happening]
) -> None:
    """A run of months does not grow: slots come back, and only a lack of them is an error."""
    desk = Desk(*listed(sizes), market_slots)
    now_ns = START_NS
    for happening in happenings:
        now_ns += happening.after_ns
        market = 1 + happening.market * COLLIDING
        if market not in desk.seat and market in desk.markets and not desk.has_free_slot(now_ns):
            with pytest.raises(CapacityError, match="markets at once"):
                desk.row(now_ns, market, is_resolution=False)
        else:
            desk.row(now_ns, market, is_resolution=happening.is_resolution)
    assert desk.slots.listed_markets == len([m for m in desk.seat if m in desk.markets])
    assert desk.slots.unlisted_markets == len([m for m in desk.seat if m not in desk.markets])


@given(count=st.integers(1, 3_000), step=st.sampled_from([1, 1 << 12, COLLIDING]))
def test_the_table_of_ids_grows(count: int, step: int) -> None:
    slots = Slots([], [], 1, 1)
    ids = [1 + number * step for number in range(count)]
    for market in ids:
        slots.define(market, START_NS)
    rows = np.zeros(count, EVENT)
    rows["market"] = ids
    rows = as_records(rows)
    assert slots.translate(rows, 0, count) == count
    assert set(rows["market"].tolist()) == {NOBODY}
    unknown = as_records(np.full(1, 0, EVENT))
    unknown["market"] = market_id("nobody")
    assert slots.translate(unknown, 0, 1) == 0
