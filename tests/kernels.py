"""Kernel and simulated venue on small hand-made tapes, for tests: rows in, plain numbers out."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hfptm import book_check, engine
from hfptm.kernel.jit import as_records, records
from hfptm.kernel.lane import PARAMS
from hfptm.kernel.state import GRID_MAX, Capacity, new_state
from hfptm.kernel.step import step_rows
from hfptm.opportunities import Relation
from hfptm.records import (
    EVENT,
    EventFlag,
    EventKind,
    IntentKind,
    LegOrder,
    LegPolicy,
    MarketState,
    OrderType,
    Side,
)
from hfptm.sim.run import run_rows
from hfptm.sim.state import DRAW, WINDOWS, new_sim
from hfptm.units import NO_ASK_E4, NO_BID_E4, ONE_E6, pack_best
from tests.kept_sums import check_kept
from tests.tapes import Row

MS = 1_000_000
LAST, IN_SNAPSHOT = int(EventFlag.LAST_IN_BATCH), int(EventFlag.SNAPSHOT)
BEST_YES, BEST_NO = int(EventFlag.BEST_YES), int(EventFlag.BEST_NO)
BID, ASK = int(Side.BID), int(Side.ASK)
Levels = dict[int, int]
"""price_e4 to whole shares."""

RICH = {
    "bankroll_e6": 1_000_000 * ONE_E6,
    "max_outlay_e6": 1_000_000 * ONE_E6,
    "max_market_e6": 1_000_000 * ONE_E6,
    "max_event_e6": 1_000_000 * ONE_E6,
    "max_total_e6": 1_000_000 * ONE_E6,
    "daily_loss_e6": 1_000_000 * ONE_E6,
    "max_drawdown_e6": 1_000_000 * ONE_E6,
    "max_lag_ns": 1 << 62,
    "max_age_ns": 0,
    "max_plans": 64,
    "max_failures": 1 << 32,
    "pause_ns": 0,
    "min_liquidity_e6": 0,
    "min_return_e6": 0,
    "max_order_latency_ns": 0,
    "order_interval_ns": 0,
    "order_burst": 0,
    "max_gas_wei": 1 << 62,
    "canary_outlay_e6": 0,
    "canary_plans": 0,
    "failed_book_ns": 0,
    "max_drift_e6": 1_000_000 * ONE_E6,
    "min_edge_e4": 0,
    "charge_fees": 1,
    "payout_fee_e4": 0,
    "fills_settle": 0,
    "leg_policy": LegPolicy.FAK,
    "leg_order": LegOrder.AT_ONCE,
    "slippage_e4": 0,
    "leg_timeout_ns": 200_000_000,
    "position_timeout_ns": 86_400_000_000_000,
    "edge_scaled_share_e4": 0,
    "window_min_edge_e4": 0,
    "window_max_outlay_e6": 1_000_000 * ONE_E6,
    "min_time_to_expiry_ns": 0,
    "confirm_ns": 0,
    "min_quality_e4": 0,
    "quality_weights_e4": (4_000, 3_000, 2_000, 1_000),
}
"""No limit binds."""


def row(kind: EventKind, ts_ms: int, market: int, **fields: int) -> Row:
    """A row received at `ts_ms`, stamped by the exchange at `venue_ms` (the same if not given)."""
    venue_ms = fields.pop("venue_ms", ts_ms)
    values = dict.fromkeys(("size_e6", "aux", "price_e4", "flags", "side"), 0) | fields
    return Row(ts_recv_ns=ts_ms * MS, ts_venue_ns=venue_ms * MS, market=market, kind=kind, **values)


def market(slot: int, tick_e4: int = 100, group: int = -1, end_ms: int = 0, traits: int = 0) -> Row:
    fields = {"price_e4": tick_e4, "size_e6": 5 * ONE_E6, "aux": group, "venue_ms": end_ms}
    fields["side"] = traits
    return row(EventKind.MARKET, 0, slot, **fields)


def fee(slot: int, rate_e4: int, exponent: int = 1) -> Row:
    return row(EventKind.FEE, 0, slot, price_e4=rate_e4, aux=exponent)


def game(slot: int, delay_ms: int, start_ms: int = 0) -> Row:
    return row(EventKind.DELAY, 0, slot, size_e6=delay_ms, aux=start_ms * MS)


def group(slot: int, relation: Relation, members: int, convertible: int = 1) -> Row:
    kind = EventKind.GROUP
    return row(kind, 0, slot, price_e4=relation, size_e6=members, aux=convertible)


def level(ts_ms: int, slot: int, side: int, price_e4: int, shares: int, **fields: int) -> Row:
    """One change that closes its frame, without reported best prices unless `aux` and `flags`."""
    fields = {"flags": LAST} | fields
    kind, size_e6 = EventKind.LEVEL, shares * ONE_E6
    return row(kind, ts_ms, slot, side=side, price_e4=price_e4, size_e6=size_e6, **fields)


def best(ts_ms: int, slot: int, bid_e4: int, ask_e4: int, **fields: int) -> Row:
    """A closing row that reports these best prices."""
    fields = {"flags": LAST | BEST_YES, "aux": pack_best(bid_e4, ask_e4)} | fields
    return row(EventKind.BEST, ts_ms, slot, **fields)


def book(ts_ms: int, slot: int, bids: Levels, asks: Levels, **fields: int) -> list[Row]:
    """A full book whose closing row reports its best prices."""
    kind = EventKind.SNAPSHOT
    tick_e4 = fields.pop("tick_e4", 0)
    venue_ms = fields.get("venue_ms", ts_ms)
    rows = [row(kind, ts_ms, slot, price_e4=tick_e4, flags=IN_SNAPSHOT, venue_ms=venue_ms)]
    for side, levels in ((BID, bids), (ASK, asks)):
        for price_e4, shares in levels.items():
            flags = IN_SNAPSHOT
            rows.append(level(ts_ms, slot, side, price_e4, shares, flags=flags, venue_ms=venue_ms))
    bid_e4, ask_e4 = max(bids, default=NO_BID_E4), min(asks, default=NO_ASK_E4)
    return [*rows, best(ts_ms, slot, bid_e4, ask_e4, **fields)]


def trade(ts_ms: int, slot: int, price_e4: int, **fields: int) -> Row:
    return row(EventKind.TRADE, ts_ms, slot, price_e4=price_e4, size_e6=ONE_E6, **fields)


def resolved(ts_ms: int, slot: int, payout_e4: int) -> Row:
    aux = MarketState.RESOLVED
    return row(EventKind.STATE, ts_ms, slot, aux=aux, price_e4=payout_e4)


def timer(ts_ms: int) -> Row:
    return row(EventKind.TIMER, ts_ms, 0)


def tape(rows: Iterable[Row]) -> Any:
    return as_records(np.array([tuple(item) for item in rows], EVENT))


def plain(rows: npt.NDArray[Any]) -> list[dict[str, int]]:
    """Structured rows as dictionaries of Python numbers."""
    names = rows.dtype.names or ()
    return [dict(zip(names, item, strict=True)) for item in rows.tolist()]


Record = dict[str, int]


def params(*lanes: dict[str, int]) -> Any:
    rows = records(PARAMS, len(lanes))
    for place, lane in enumerate(lanes):
        for name, value in {**RICH, **lane}.items():
            rows[name][place] = value
    return rows


TIMES_MS = {
    "entry": 50,
    "matching": 0,
    "response": 30,
    "taker_delay": 0,
    "settlement": 0,
    "grace": 1_000,
    "print_window": 1_000,
}


def waits(lanes: int, **changes_ms: int) -> tuple[Any, Any]:
    """Windows and constant draws: `TIMES_MS` unless changed."""
    windows, draws = records(WINDOWS, lanes), records(DRAW, (lanes, 1))
    for name, value_ms in (TIMES_MS | changes_ms).items():
        rows = draws if f"{name}_ns" in (DRAW.names or ()) else windows
        rows[f"{name}_ns"] = value_ms * MS
    return windows, draws


class Kernel:
    """The kernel alone; reports are rows like any other."""

    def __init__(self, *lanes: dict[str, int], markets: int = 8, groups: int = 2) -> None:
        capacity = Capacity(markets, groups, lanes=max(1, len(lanes)), levels=16 * GRID_MAX)
        self.state = new_state(capacity, params(*(lanes or ({},))))
        self.decisions: list[Record] = []
        self.intents: list[Record] = []

    def apply(self, rows: Sequence[Row]) -> None:
        """All rows must find room."""
        events = tape(rows)
        assert self.run(events, 0, len(events)) == len(events)
        self.collect()

    def run(self, events: Any, start: int, stop: int) -> int:
        return int(step_rows(self.state.table, events, start, stop))

    def collect(self) -> None:
        """Empty the output buffers into the lists."""
        outbox = self.state.outbox[0]
        self.decisions += plain(self.state.decisions[: int(outbox["decisions"])])
        self.intents += plain(self.state.intents[: int(outbox["intents"])])
        outbox["decisions"] = outbox["intents"] = 0

    def market(self, slot: int) -> Record:
        return plain(self.state.markets[slot : slot + 1])[0]

    def counters(self) -> Record:
        return plain(self.state.counters)[0]

    def lane(self, lane: int = 0) -> Record:
        return plain(self.state.lanes[lane : lane + 1])[0]

    def levels(self, slot: int) -> tuple[Levels, Levels]:
        """Sizes_e6 by price of both sides."""
        record = self.market(slot)
        sides = []
        for side in range(2):
            first = record["offset"] + side * record["count"]
            sizes = self.state.levels[first : first + record["count"]].tolist()
            sides.append({i * record["tick_e4"]: size for i, size in enumerate(sizes) if size})
        return sides[0], sides[1]

    def check_accounts(self) -> None:
        """Cash plus the cost of what is held is bankroll plus realised profit, to the last unit."""
        for lane in range(len(self.state.lanes)):
            account = self.lane(lane)
            positions = self.state.positions[lane]
            bankroll_e6 = int(self.state.params[lane]["bankroll_e6"])
            held_e6 = int(positions["cost_e6"].sum())
            assert account["cash_e6"] + held_e6 == bankroll_e6 + account["realised_e6"]
            assert account["locked_e6"] == int(positions["locked_cost_e6"].sum())
            assert account["locked_payout_e6"] == int(self.state.locked_payouts[lane].sum())
            assert account["reserved_e6"] == int(self.state.reserved[lane].sum())
            assert account["reserved_e6"] >= 0
            held = set(self.state.held[lane, : account["held"]].tolist())
            assert set(np.flatnonzero(positions["size_e6"].any(axis=1)).tolist()) <= held
            if not (self.state.plans[lane]["stage"] != 0).any():
                assert account["reserved_e6"] == 0
            check_kept(self.state, lane)


class Venue(Kernel):
    """Kernel and simulated venue in one loop."""

    def __init__(self, *lanes: dict[str, int], markets: int = 8, **changes_ms: int) -> None:
        super().__init__(*lanes, markets=markets, groups=3)
        self.sim = new_sim(markets, *waits(max(1, len(lanes)), **changes_ms))
        self.reports: list[Record] = []
        self.outcomes: list[Record] = []

    def run(self, events: Any, start: int, stop: int) -> int:
        return int(run_rows(self.state.table, self.sim.table, events, start, stop))

    def send(self, ts_ms: int, order: int, **fields: int) -> None:
        """Put an order of nobody's plan into the outbox; the venue takes it after the next row."""
        outbox = self.state.outbox[0]
        intent = self.state.intents[int(outbox["intents"])]
        values = {"kind": IntentKind.PLACE, "order_type": OrderType.FAK} | fields
        for name in intent.dtype.names:
            intent[name] = values.get(name, 0)
        intent["ts_ns"], intent["order"] = ts_ms * MS, order
        outbox["intents"] += 1

    def collect(self) -> None:
        super().collect()
        clock = self.sim.clock[0]
        self.reports += plain(self.sim.delivered[: int(clock["delivered"])])
        self.outcomes += plain(self.sim.outcomes[: int(clock["outcomes"])])
        clock["intents_seen"] = clock["delivered"] = clock["outcomes"] = 0


if __name__ == "__main__":  # once on a machine; a worker of the tests each would do it again
    engine.compile_kernels()
    book_check.compile_kernels()
    Kernel().apply([])
