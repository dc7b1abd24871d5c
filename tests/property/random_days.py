"""Days on which everything is random: books, parameters, latencies, faults, a human's words.

As a program it runs one and prints its digest: `python -m tests.property.random_days SEED`.
"""

import json
import sys

import numpy as np

from hfptm.kernel.jit import records
from hfptm.records import Control, EventKind, LegOrder, LegPolicy
from hfptm.sim.state import DRAW, new_sim
from hfptm.units import ONE_E6
from tests.kernels import MS, Venue, resolved, row, tape, timer
from tests.property.books import Ledger, Limits, Means
from tests.property.kernel_tape import MARKETS, Maker, digest, run
from tests.tapes import Row

ROWS = 2_500
CALM = 55
"""Seconds after it all in which nothing new begins: what plans leave is looked at each minute."""


class Day:
    """Of one seed: its rows, and venues that all meet the same luck."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.lanes = [self.lane() for _ in range(self.pick(1, 2, 3))]
        self.settlement_ms = self.pick(0, 150, 2_000)
        self.taker_delay_ms = self.pick(0, 0, 40)
        self.draws = records(DRAW, (len(self.lanes), 499))
        slowest_ms = self.pick(20, 100, 900)
        for name in ("entry_ns", "matching_ns", "response_ns"):
            self.draws[name] = self.random.integers(1, slowest_ms * MS, 499)
        self.draws["fails"] = self.random.random(499) < self.pick(0, 5, 40) / 100
        self.restarts_ns = tuple(sorted(int(at) * MS for at in self.random.integers(0, 90_000, 2)))
        self.rows = self.with_resolutions(self.with_words(Maker(seed, ROWS).rows()))
        last_ms = self.rows[-1].ts_recv_ns // MS
        self.rows += [timer(last_ms + 1_000 * second) for second in range(1, CALM + 1)]

    def pick(self, *choices: int) -> int:
        return int(self.random.choice(choices))

    def lane(self) -> dict[str, int]:
        usd = ONE_E6
        return {
            "bankroll_e6": self.pick(90, 1_000, 3_000) * usd,
            "max_outlay_e6": self.pick(40, 200) * usd,
            "max_market_e6": self.pick(30, 150, 5_000) * usd,
            "max_event_e6": self.pick(50, 100, 5_000) * usd,
            "max_total_e6": self.pick(60, 150, 5_000) * usd,
            "max_drift_e6": self.pick(20, 5_000) * usd,
            "daily_loss_e6": self.pick(1, 2_500, 500_000) * usd // 100,
            "min_edge_e4": self.pick(0, 50, 300),
            "max_plans": self.pick(1, 3, 64),
            "max_failures": self.pick(3, 1_000),
            "pause_ns": 2_000 * MS,
            "max_order_latency_ns": self.pick(0, 300, 2_000) * MS,
            "order_interval_ns": self.pick(0, 25, 500) * MS,
            "order_burst": self.pick(4, 60),
            "failed_book_ns": self.pick(0, 5_000) * MS,
            "max_gas_wei": 100,
            "leg_policy": self.pick(*map(int, LegPolicy)),
            "leg_order": self.pick(*map(int, LegOrder)),
            "slippage_e4": self.pick(0, 100, 300),
            "leg_timeout_ns": self.pick(200, 2_000) * MS,
            "charge_fees": self.pick(0, 1, 1),
            "fills_settle": 1,
        }

    def with_words(self, rows: list[Row]) -> list[Row]:
        """Now and then somebody stops, halts, resumes, or says what gas costs."""
        out = []
        for item in rows:
            out.append(item)
            what, ts_ms = int(self.random.integers(1_000)), item.ts_recv_ns // MS
            if what < 3:
                out.append(row(EventKind.CONTROL, ts_ms, 0, aux=self.pick(*map(int, Control))))
            elif what < 6:
                out.append(row(EventKind.CONTROL, ts_ms, 0, aux=Control.RESUME))
            elif what < 9:
                out.append(row(EventKind.GAS, ts_ms, 0, aux=self.pick(50, 50, 150)))
        return out

    def with_resolutions(self, rows: list[Row]) -> list[Row]:
        """Some markets, none that resolves at the end, do so in the middle of it all."""
        for slot in (1, 2, 3, 4, 5, 6, 10):
            if self.pick(0, 1):
                place = int(self.random.integers(1_000, len(rows) - 100))
                ts_ms, payout_e4 = rows[place].ts_recv_ns // MS, self.pick(0, 5_000, 10_000)
                rows.insert(place + 1, resolved(ts_ms, slot, payout_e4))
        return rows

    def venue(self) -> Venue:
        waits_ms = {"settlement": self.settlement_ms, "taker_delay": self.taker_delay_ms}
        venue = Venue(*self.lanes, markets=MARKETS, **waits_ms)
        venue.sim = new_sim(MARKETS, venue.sim.windows, self.draws, self.restarts_ns)
        venue.sim.purses["cash_e6"] = venue.state.params["bankroll_e6"]
        venue.sim.holdings["settled_e6"] = 0
        return venue


def checked(seed: int) -> Venue:
    """A day row by row, with everything that must hold looked at after each."""
    day = Day(seed)
    venue, events = day.venue(), tape(day.rows)
    ledger = Ledger(venue)
    limits, means = Limits(venue, ledger), Means(venue)
    has_ended = False
    for index in range(len(events)):
        assert venue.run(events, index, index + 1) == index + 1
        venue.collect()
        venue.check_accounts()
        ledger.check(events[index])
        limits.check()
        means.check()
        is_calm = index >= len(events) - CALM
        has_ended |= is_calm and not venue.state.plans["stage"].any()
    assert has_ended, "every plan ends"
    return venue


def main() -> None:
    seed = int(sys.argv[1])
    whole = run(Day(seed).venue(), tape(Day(seed).rows), 1_000_000)
    result = {"checked": digest(checked(seed)), "whole": digest(whole)}
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
