"""Lanes of one pass: each does what it does alone, whatever the others do.

A failing seed: `python -m tests.property.test_lanes SEED LANES`.
"""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfptm.kernel.jit import Array, records
from hfptm.records import LANE_SHIFT
from hfptm.sim.state import DRAW, WINDOWS, QueueModel, new_sim
from hfptm.units import ONE_E6
from tests.kernels import MS, Record, Venue, tape
from tests.property.kernel_tape import MARKETS, run
from tests.property.random_days import Day

IDS = {"intents": "order", "decisions": "decision", "outcomes": "decision", "reports": "aux"}


class Mixed(Day):
    """A random day for so many lanes; some meet the same luck as the one before, or ask alike."""

    def __init__(self, seed: int, lanes: int) -> None:
        super().__init__(seed)
        self.lanes = [self.mixed_lane() for _ in range(lanes)]
        tables = [self.table() for _ in range(2)]
        self.tables = [
            self.table() if self.pick(0, 1) else tables[lane % 2] for lane in range(lanes)
        ]
        self.windows = records(WINDOWS, lanes)
        for windows in self.windows:
            windows["settlement_ns"] = self.pick(0, 150, 2_000) * MS
            windows["taker_delay_ns"] = self.pick(0, 0, 40, 250) * MS
            windows["grace_ns"] = self.pick(100, 1_000, 3_000) * MS
            windows["print_window_ns"] = self.pick(0, 500, 2_000) * MS
            windows["queue_model"] = self.pick(*map(int, QueueModel))
        for lane in range(1, lanes):
            if self.pick(0, 1):
                self.windows[lane] = self.windows[lane - 1]
                self.tables[lane] = self.tables[lane - 1]

    def mixed_lane(self) -> dict[str, int]:
        return self.lane() | {
            "payout_fee_e4": self.pick(0, 0, 200),
            "fills_settle": self.pick(0, 1, 1),
            "holds_pairs": self.pick(0, 0, 1),
            "holds_baskets": self.pick(0, 1),
            "confirm_ns": self.pick(0, 0, 30, 400) * MS,
            "position_timeout_ns": self.pick(1, 3_600_000) * MS,
            "min_liquidity_e6": self.pick(0, 0, 30) * ONE_E6,
            "edge_scaled_share_e4": self.pick(0, 0, 300),
            "canary_plans": self.pick(0, 0, 2),
            "canary_outlay_e6": 20 * ONE_E6,
        }

    def table(self) -> Array:
        made = records(DRAW, self.pick(1, 7, 499))
        slowest_ms = self.pick(5, 100, 900)
        for name in ("entry_ns", "matching_ns", "response_ns"):
            made[name] = self.random.integers(0, slowest_ms * MS, len(made))
        made["fails"] = self.random.random(len(made)) < self.pick(0, 5, 40) / 100
        return made

    def venue_of(self, *lanes: int) -> Venue:
        """With these of the day's lanes."""
        made = Venue(*(self.lanes[lane] for lane in lanes), markets=MARKETS)
        tables = [self.tables[lane] for lane in lanes]
        made.sim = new_sim(MARKETS, self.windows[list(lanes)], tables, self.restarts_ns)
        made.sim.purses["cash_e6"] = made.state.params["bankroll_e6"]
        made.sim.holdings["settled_e6"] = 0
        return made


def of_lane(rows: list[Record], name: str, lane: int) -> list[Record]:
    """A lane's rows as if it were the only one."""
    mask = (1 << LANE_SHIFT) - 1
    own = [item for item in rows if item[name] >> LANE_SHIFT == lane]
    return [{**item, name: item[name] & mask, "lane": 0} for item in own]


def check(seed: int, lanes: int, block: int) -> int:
    """How many rows came out."""
    together = compared(Mixed(seed, lanes), seed, block)
    return sum(len(getattr(together, kind)) for kind in IDS)


def compared(day: Mixed, seed: int, block: int) -> Venue:
    """The day with all its lanes, each of which did what it does alone."""
    rows = tape(day.rows)
    together = run(day.venue_of(*range(len(day.lanes))), rows, block)
    for lane in range(len(day.lanes)):
        alone = run(day.venue_of(lane), rows, 1_000_000)
        for kind, name in IDS.items():
            found = of_lane(getattr(together, kind), name, lane)
            assert found == of_lane(getattr(alone, kind), name, 0), (seed, lane, kind)
        for name in ("lanes", "risk", "wakes"):
            both = getattr(together.state, name)[lane], getattr(alone.state, name)[0]
            assert str(both[0]) == str(both[1]), (seed, lane, name)
        realised = together.state.realised[:, lane]
        assert np.array_equal(realised, alone.state.realised[:, 0])
        assert realised.sum() == together.state.lanes[lane]["realised_e6"]
    return together


ALIKE = {"charge_fees": 1, "payout_fee_e4": 0, "min_edge_e4": 50, "window_min_edge_e4": 0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("charge_fees", 0), ("payout_fee_e4", 200), ("min_edge_e4", 300)),
        *(("max_outlay_e6", 5 * ONE_E6), ("draws", 0), ("taker_delay_ns", 250 * MS)),
        *(("grace_ns", 100 * MS), ("print_window_ns", 0)),
    ],
)
def test_lanes_that_differ_in_one_thing_alone_differ(name: str, value: int) -> None:
    """What lanes ask alike is measured once: the first and the last do, but for nothing else."""
    day = Mixed(4, 3)
    day.lanes = [day.lanes[0] | ALIKE] * 3
    day.windows["grace_ns"], day.windows["print_window_ns"] = 1_000 * MS, 2_000 * MS
    day.windows["taker_delay_ns"] = day.windows["settlement_ns"] = 0
    day.windows["queue_model"], day.tables = 0, [day.tables[0]] * 3
    if name == "draws":
        day.tables[1] = day.table()
    elif name in (WINDOWS.names or ()):
        day.windows[name][1] = value
    else:
        day.lanes[1] = day.lanes[1] | {name: value}
    together = compared(day, 4, 777)
    first, other, last = (of_lane(together.outcomes, "decision", lane) for lane in range(3))
    assert first == last != []
    assert (first == other) == (name == "max_outlay_e6")


@given(
    seed=st.integers(0, 1 << 30), lanes=st.integers(2, 6), block=st.sampled_from([7, 777, 10**6])
)
@settings(max_examples=12, deadline=None)
def test_each_lane_does_what_it_does_alone(seed: int, lanes: int, block: int) -> None:
    assert check(seed, lanes, block) > 0


def test_fifty_lanes_do_what_each_does_alone() -> None:
    assert check(4, 50, 777) > 10_000


@pytest.mark.fuzz_long
@pytest.mark.parametrize("seed", range(200))
def test_many_lanes_on_many_days_do_what_each_does_alone(seed: int) -> None:
    """`pytest -m fuzz_long tests/property/test_lanes.py`, a quarter of an hour."""
    check(seed, 2 + seed % 11, (1, 7, 777, 10**6)[seed % 4])


def main() -> None:
    seed, lanes = map(int, sys.argv[1:])
    sys.stdout.write(f"{check(seed, lanes, 777)} rows\n")


if __name__ == "__main__":
    main()
