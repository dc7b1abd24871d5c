"""A random tape with real edges, orders, fills and resolutions, run through kernel and venue.

As a program it prints the digest of such a run: `python -m tests.property.kernel_tape BLOCK`.
"""

import hashlib
import json
import sys
from typing import Any

import numpy as np

from hfptm.kernel.jit import records
from hfptm.kernel.state import digest_parts
from hfptm.opportunities import Relation
from hfptm.records import EventKind, LegOrder, LegPolicy
from hfptm.sim.restarts import DOWN_NS, POST_ONLY_NS
from hfptm.sim.state import DRAW, new_sim
from tests.kernels import (
    ASK,
    BEST_NO,
    BEST_YES,
    BID,
    LAST,
    MS,
    Levels,
    Venue,
    best,
    book,
    fee,
    game,
    group,
    level,
    market,
    resolved,
    row,
    tape,
    timer,
    trade,
)
from tests.tapes import Row

MARKETS, ROWS, SEED = 11, 9_000, 2
RESTARTS_NS = (2_000 * MS - DOWN_NS - POST_ONLY_NS, 66_000 * MS)
"""Nobody may take in the first 2 s, and what arrives in the last 2 s is of unknown outcome."""

LANES = (
    {"bankroll_e6": 3_000_000_000, "max_outlay_e6": 200_000_000, "min_edge_e4": 50, "max_plans": 4}
    | {"fills_settle": 1},
    {"bankroll_e6": 500_000_000, "max_market_e6": 90_000_000, "min_edge_e4": 300},
    {"bankroll_e6": 900_000_000, "max_event_e6": 200_000_000, "max_total_e6": 300_000_000}
    | {"charge_fees": 0, "payout_fee_e4": 200, "max_failures": 3, "pause_ns": 2_000_000_000}
    | {"fills_settle": 1},
    {"bankroll_e6": 600_000_000, "max_outlay_e6": 80_000_000, "min_edge_e4": 50}
    | {"leg_policy": int(LegPolicy.GTC), "leg_order": int(LegOrder.THINNEST_FIRST)}
    | {"slippage_e4": 200, "fills_settle": 1},
    {"bankroll_e6": 600_000_000, "max_outlay_e6": 80_000_000, "min_edge_e4": 50}
    | {"leg_policy": int(LegPolicy.RESTING), "leg_timeout_ns": 2_000 * MS, "slippage_e4": 100},
)


def new_venue(*lanes: dict[str, int]) -> Venue:
    """Every message takes its own time, from 20 ms to 120 ms there and 10 ms to 60 ms back."""
    venue = Venue(*lanes, markets=MARKETS)
    draws = records(DRAW, (len(lanes), 997))
    random = np.random.default_rng(SEED)
    draws["entry_ns"] = random.integers(20 * MS, 100 * MS, 997)
    draws["matching_ns"] = random.integers(0, 20 * MS, 997)
    draws["fails"] = random.random(997) < 0.05
    draws["response_ns"] = random.integers(10 * MS, 60 * MS, 997)
    venue.sim.windows["settlement_ns"] = 150 * MS
    venue.sim = new_sim(MARKETS, venue.sim.windows, draws, RESTARTS_NS)
    return venue


def definitions() -> list[Row]:
    """Two exclusive groups of three, one of which does not convert, three outcomes by date, and two
    markets alone."""
    rows = [group(0, Relation.EXACTLY_ONE, 3), group(1, Relation.AT_MOST_ONE, 3, convertible=0)]
    rows.append(group(2, Relation.NESTED, 3))
    for slot in range(MARKETS):
        group_slot = slot // 3 if slot < 9 else -1
        tick_e4, end_ms = (100, 10, 50)[slot % 3], 1_000_000 - slot
        rows.append(market(slot, tick_e4, group=group_slot, end_ms=end_ms))
        rows.append(fee(slot, (0, 400, 700)[slot % 3]))
    rows += [game(1, 30), game(6, 60, start_ms=20_000)]
    return rows


class Maker:
    """Prices wander around a fair value, and now and then too far."""

    def __init__(self, seed: int, rows: int = ROWS) -> None:
        self.random = np.random.default_rng(seed)
        self.rows_wanted = rows
        self.books: list[tuple[Levels, Levels]] = [({}, {}) for _ in range(MARKETS)]
        self.now_ms = 0

    def pick(self, *choices: int) -> int:
        return int(self.random.choice(choices))

    def rows(self) -> list[Row]:
        rows = definitions()
        for slot in range(MARKETS):
            rows += self.snapshot(slot)
        while len(rows) < self.rows_wanted:
            self.now_ms += self.pick(0, 1, 5, 20, 80)
            rows += self.event(self.pick(*range(MARKETS)))
        rows += [resolved(self.now_ms + 1, 9, 10_000), resolved(self.now_ms + 300, 0, 0)]
        rows += [resolved(self.now_ms + 301, 8, 0), resolved(self.now_ms + 302, 7, 10_000)]
        rows += [timer(self.now_ms + 40_000 * turn) for turn in range(1, 8)]
        return [*rows, timer(self.now_ms + 285_000)]  # what the last timer began is over

    def fair_e4(self, slot: int) -> int:
        fair_e4 = (3_300, 3_300, 3_400, 3_300, 3_300, 3_400, 3_900, 4_000, 4_000, 5_000, 4_500)
        return fair_e4[slot]

    def event(self, slot: int) -> list[Row]:
        what = int(self.random.integers(100))
        if what < 4:
            return self.snapshot(slot)
        if what < 6:
            return [row(EventKind.GAP, self.now_ms, slot), *self.snapshot(slot)]
        if what < 16:
            price_e4 = self.fair_e4(slot) + 100 * self.pick(-2, -1, 0, 1, 2)
            return [trade(self.now_ms, slot, price_e4)]
        if what < 17:
            return [best(self.now_ms, slot, 100, 9_900)]
        return self.change(slot, wild=what > 90)

    def snapshot(self, slot: int) -> list[Row]:
        fair_e4 = self.fair_e4(slot)
        bids = {fair_e4 - 100 * (step + 1): self.pick(20, 55) for step in range(4)}
        asks = {fair_e4 + 100 * (step + 1): self.pick(20, 55) for step in range(4)}
        self.books[slot] = bids, asks
        return book(self.now_ms, slot, bids, asks)

    def change(self, slot: int, *, wild: bool) -> list[Row]:
        """One or two levels and their closing row; wild ones reach across the spread."""
        rows = []
        for _ in range(self.pick(1, 2)):
            side = self.pick(BID, ASK)
            away = self.pick(*((-4, -2) if wild else (0, 1, 2)))
            price_e4 = self.fair_e4(slot) + (100 * (away + 1)) * (1 if side == ASK else -1)
            shares = self.pick(0, 10, 35, 120)
            levels = self.books[slot][side]
            levels.pop(price_e4, None)
            if shares:
                levels[price_e4] = shares
            rows.append(level(self.now_ms, slot, side, price_e4, shares, flags=0))
        bids, asks = self.books[slot]
        flags = LAST | self.pick(0, BEST_YES, BEST_YES, BEST_YES, BEST_YES | BEST_NO)
        bid_e4, ask_e4 = max(bids, default=0), min(asks, default=10_000)
        return [*rows, best(self.now_ms, slot, bid_e4, ask_e4, flags=flags)]


def run(venue: Venue, events: Any, block: int) -> Venue:
    """In blocks, with the buffers emptied after each."""
    for start in range(0, len(events), block):
        stop = min(start + block, len(events))
        assert venue.run(events, start, stop) == stop
        venue.collect()
    return venue


def digest(venue: Venue) -> dict[str, str | int]:
    """Of the state and of everything that came out."""
    state, out = hashlib.sha256(), hashlib.sha256()
    for part in digest_parts(venue.state):
        state.update(part)
    outputs = (venue.intents, venue.decisions, venue.reports, venue.outcomes)
    for rows in outputs:
        out.update(json.dumps(rows).encode())
    return {"state": state.hexdigest(), "out": out.hexdigest(), "rows": sum(map(len, outputs))}


def main() -> None:
    venue = new_venue(*LANES)
    events = tape(Maker(SEED).rows())
    sys.stdout.write(json.dumps(digest(run(venue, events, int(sys.argv[1])))))


if __name__ == "__main__":
    main()
