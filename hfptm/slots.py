"""Which market sits in which slot of the kernel.

A slot is given when a market's first row comes and given back some time after its resolution (of a
group, after the last member's), so a run of months does not grow. Slot 0 belongs to nobody: rows of
unlisted or long gone markets end there and the kernel ignores them.
"""

from collections import deque
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from hfptm.errors import CapacityError
from hfptm.kernel.jit import as_records, records
from hfptm.kernel.slots import EMPTY, put, translate
from hfptm.records import EVENT, EventKind, MarketState
from hfptm.registry import Group, Market
from hfptm.units import NS_PER_S

Rows = npt.NDArray[np.void]

NOBODY = 0
REST_NS = 3_600 * NS_PER_S
"""How long a slot stays empty after a resolution: longer than any report is under way."""


def _no_traits(_market: Market, _group: Group | None) -> int:
    return 0


class Slots:
    """Translates blocks of rows. `market_ids` and `group_ids` give back what sits in each slot,
    `markets` and `groups` what is listed, by id.

    `traits` says which bits of `MarketTrait` a market's definition carries.
    """

    def __init__(
        self,
        markets: Iterable[Market],
        groups: Iterable[Group],
        market_slots: int,
        group_slots: int,
        traits: Callable[[Market, Group | None], int] = _no_traits,
    ) -> None:
        self._traits = traits
        self.markets = {market.market: market for market in markets}
        self.groups = {group.group: group for group in groups}
        places = 1 << max(10, (4 * (len(self.markets) + 1)).bit_length())
        self._ids = np.full(places, EMPTY, np.int64)
        self._slots = np.zeros(places, np.int64)
        self._entered = 0
        self.market_ids = np.zeros(market_slots, np.int64)
        self.group_ids = np.zeros(group_slots, np.int64)
        self._free_markets = deque(range(1, market_slots))
        self._free_groups = deque(range(group_slots))
        self._resting: deque[tuple[int, int]] = deque()
        self._resting_groups: deque[tuple[int, int]] = deque()
        self._group_slot: dict[int, int] = {}
        self._members: dict[int, list[int]] = {}
        self._unresolved: dict[int, int] = {}
        self.unlisted_markets = 0
        self.listed_markets = 0
        self._since_ns: dict[int, int] = {}
        self._listed_ns = 0
        self._enter(NOBODY, NOBODY)  # timers and words of humans are of no market

    def add(self, market: Market) -> None:
        """List one more market."""
        self.markets[market.market] = market

    def is_over(self, market_id: int) -> bool:
        """Whether its rows are nobody's: it has ended, or was not listed when one came."""
        rows = records(EVENT, 1)
        rows["market"] = market_id
        return self.translate(rows, 0, 1) == 1 and int(rows["market"][0]) == NOBODY

    def list_more(self, markets: Iterable[Market], groups: Iterable[Group]) -> None:
        """List what is not; before their first row."""
        self.markets = {market.market: market for market in markets} | self.markets
        self.groups = {group.group: group for group in groups} | self.groups

    def translate(self, rows: Rows, start: int, stop: int) -> int:
        """Put slots into rows[start:stop], up to a row that `define` or `note_state` must see."""
        return int(translate(self._ids, self._slots, rows, start, stop))

    def define(self, market_id: int, ts_ns: int) -> Rows:
        """Enter an id; returns the rows that introduce its market to the kernel, if listed."""
        market = self.markets.get(market_id)
        if market is None:
            self.unlisted_markets += 1
            self._enter(market_id, NOBODY)
            return records(EVENT, 0)
        slot = self._free_slot(self._free_markets, self._resting, ts_ns, "markets at once")
        rows = []
        group_slot = -1
        if market.group in self.groups:
            if market.group not in self._group_slot:
                rows.append(self._define_group(self.groups[market.group], ts_ns))
            group_slot = self._group_slot[market.group]
        self._enter(market_id, slot)
        self.market_ids[slot] = market_id
        self.listed_markets += 1
        self._since_ns[slot] = ts_ns
        if group_slot >= 0:
            self._members[market.group].append(slot)
            self._unresolved[market.group] += 1
        fields = (market.tick_e4, market.min_size_e6, group_slot)
        rows.append(_definition(EventKind.MARKET, ts_ns, slot, *fields))
        rows[-1]["ts_venue_ns"] = market.end_ts_ns
        rows[-1]["side"] = self._traits(market, self.groups.get(market.group))
        fields = (market.fee_rate_e4, 0, market.fee_exponent)
        rows.append(_definition(EventKind.FEE, ts_ns, slot, *fields))
        if market.game_delay_ms or market.taker_delay:
            fields = (market.taker_delay, market.game_delay_ms, market.game_start_ns)
            rows.append(_definition(EventKind.DELAY, ts_ns, slot, *fields))
        return as_records(np.concatenate(rows))

    def note_state(self, row: np.void, market_id: int) -> None:
        """A translated STATE row was applied: a resolved market's slot starts to rest."""
        if row["aux"] != MarketState.RESOLVED or row["market"] == NOBODY:
            return
        ts_ns, slot = int(row["ts_recv_ns"]), int(row["market"])
        self._enter(market_id, NOBODY)
        self._listed_ns += ts_ns - self._since_ns.pop(slot)
        group = self.markets.pop(market_id).group
        if group not in self._group_slot:
            self._resting.append((ts_ns + REST_NS, slot))
            return
        self._unresolved[group] -= 1
        if self._unresolved[group] == 0 and len(self._members[group]) >= self.groups[group].members:
            self._resting.extend((ts_ns + REST_NS, member) for member in self._members.pop(group))
            self._resting_groups.append((ts_ns + REST_NS, self._group_slot.pop(group)))

    def listed_ns(self, now_ns: int) -> int:
        """Time from each market's first row to its resolution or now, summed."""
        return self._listed_ns + sum(now_ns - since_ns for since_ns in self._since_ns.values())

    def _define_group(self, group: Group, ts_ns: int) -> Rows:
        slot = self._free_slot(self._free_groups, self._resting_groups, ts_ns, "groups at once")
        self._group_slot[group.group] = slot
        self._members[group.group] = []
        self._unresolved[group.group] = 0
        self.group_ids[slot] = group.group
        fields = (group.relation, group.members, group.convertible)
        return _definition(EventKind.GROUP, ts_ns, slot, *fields)

    def _enter(self, market_id: int, slot: int) -> None:
        self._entered += 1
        if 2 * self._entered > len(self._ids):
            self._grow()
        put(self._ids, self._slots, market_id, slot)

    def _grow(self) -> None:
        ids, slots = self._ids, self._slots
        self._ids = np.full(2 * len(ids), EMPTY, np.int64)
        self._slots = np.zeros(2 * len(ids), np.int64)
        used = ids != EMPTY
        self._entered = int(used.sum()) + 1
        for market_id, slot in zip(ids[used], slots[used], strict=True):
            put(self._ids, self._slots, int(market_id), int(slot))

    def _free_slot(
        self, free: deque[int], resting: deque[tuple[int, int]], ts_ns: int, what: str
    ) -> int:
        rested = []
        while resting and resting[0][0] <= ts_ns:
            rested.append(resting.popleft()[1])
        # Before those that were never used, whose memory is not taken yet.
        free.extendleft(reversed(rested))
        if not free:
            is_market = free is self._free_markets
            total = len(self.market_ids) - 1 if is_market else len(self.group_ids)
            raise CapacityError(what, total, "choose fewer with --market or --event, or less time")
        return free.popleft()


def _definition(
    kind: EventKind, ts_ns: int, slot: int, price_e4: int, size_e6: int, aux: int
) -> Rows:
    """One row; what its fields hold is said by its kind."""
    row = np.zeros(1, EVENT)
    row["kind"], row["ts_recv_ns"], row["ts_venue_ns"], row["market"] = kind, ts_ns, ts_ns, slot
    row["price_e4"], row["size_e6"], row["aux"] = price_e4, size_e6, aux
    return row
