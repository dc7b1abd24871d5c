"""How much of what was planted a run captures, at five latencies, against what arithmetic says.

The lake of a sandbox's day (`benchmarks.planted_day`) is passed over once, a lane each entry
latency.
Arithmetic: a thing is seen with the frame after which the exchange's own best prices pay the
minimum, and taken if an order sent then arrives before it ends. Then, at one latency, the same for
each way to buy the legs.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.planted_day import MIN_EDGE, Day, Plan, sandbox_day
from hfptm.clock import NS_MAX
from hfptm.config import Config, load
from hfptm.engine import Output
from hfptm.journal import ROW_KINDS, RowKind
from hfptm.lake import Lake
from hfptm.records import SELL, EventKind, IntentKind, Token
from hfptm.sandbox.planted import Planted
from hfptm.tables import add, table
from hfptm.units import NS_PER_MS
from replay.calibrate import calibrate
from replay.calibration_report import calibration_table
from replay.confidence import Estimate, wilson
from replay.driver import Selection
from replay.metrics import Json, account
from replay.passes import run_pass, without_lane
from replay.truth import Journal, Rows, Sighting, compare

LATENCIES_MS = (0, 50, 150, 300, 1_000)
POLICY_LATENCY_MS = 50
POLICIES = (
    ("fak", "at_once"),
    ("fak", "thinnest_first"),
    ("fok", "at_once"),
    ("gtc", "at_once"),
    ("resting", "at_once"),
)
"""Order type and order of the legs; with resting one always goes first."""

UNBOUND = (
    "trading.bankroll_usd=1000000000",
    "trading.max_arb_size_usd=1000000",
    f"trading.min_edge={MIN_EDGE}",
    "trading.min_liquidity_shares=0",
    "risk.max_exposure_per_market_usd=100000000",
    "risk.max_exposure_per_event_usd=500000000",
    "risk.max_exposure_total_usd=1000000000",
    "risk.max_concurrent_arbs=64",
    "risk.daily_loss_limit_usd=1000000000",
    "risk.max_drawdown_usd=1000000000",
    # Else a run of misses pauses entries, and the curve shows the pause instead of latency.
    "risk.max_consecutive_failures=20000",
    "risk.max_inventory_drift_usd=100000000",
    "risk.max_order_latency_ms=0",
    "risk.max_orders_per_s=1000",
    "risk.max_order_burst=20000",
    "risk.stale_book_after_s=0",
    "sim.restarts=",
)
"""No limit binds: what is captured depends on time alone."""


class Point(NamedTuple):
    """One replay."""

    latency_ms: int
    planted: int
    in_reach: int
    """Of them, by arithmetic."""
    captured: Estimate
    wrong: list[Planted]
    """Captured against arithmetic, or missed against it."""
    lost_to_ourselves: int
    """Of these, how often a sale of ours took a leg first."""
    account: Json
    """Of the lane, as `metrics.account` has it."""

    @property
    def agrees(self) -> bool:
        """Whether arithmetic, less what we took ourselves, lies within the confidence band."""
        share = (self.in_reach - self.lost_to_ourselves) / self.planted
        low, high = self.captured.low, self.captured.high
        return low is not None and high is not None and low <= share <= high

    @property
    def result_usd(self) -> float:
        """Realised, locked, and what is left over at the best bids less its cost."""
        gained = ("pnl_usd", "locked_profit_usd", "residue_bid_usd")
        return sum(_number(self, name) for name in gained) - _number(self, "residue_cost_usd")


class Lane:
    """Journal rows of one lane of a pass, as a replay of its set alone keeps them."""

    def __init__(self, outputs: Sequence[Output], lane: int) -> None:
        own = [without_lane(output, lane) for output in outputs]
        self._rows: dict[str, Rows] = {
            kind: np.concatenate([getattr(output, kind) for output in own]) for kind in ROW_KINDS
        }

    def rows(self, kind: RowKind) -> Rows:
        return self._rows[kind]


def curve(day: Day) -> list[Point]:
    return measure(day, [(latency_ms, ()) for latency_ms in LATENCIES_MS])


def policies(day: Day) -> list[Point]:
    chosen = (
        (f"trading.order_type={order_type}", f"trading.leg_order={leg_order}")
        for order_type, leg_order in POLICIES
    )
    return measure(day, [(POLICY_LATENCY_MS, one) for one in chosen])


def config(latency_ms: int, chosen: tuple[str, ...] = ()) -> Config:
    return load(None, (*UNBOUND, *chosen, f"sim.entry_latency_ms={latency_ms}"), {})


def measure(day: Day, sets: Sequence[tuple[int, tuple[str, ...]]]) -> list[Point]:
    """One pass; each set is a latency, and settings beside those that unbind it."""
    outputs: list[Output] = []
    configs = [config(*one) for one in sets]
    done = run_pass(day.data, configs, Selection(0, NS_MAX), outputs.append, lambda *_: None)
    return [
        judge(day, latency_ms, Lane(outputs, lane), account(done.engine, lane))
        for lane, (latency_ms, _) in enumerate(sets)
    ]


def judge(day: Day, latency_ms: int, run: Journal, told: Json) -> Point:
    latency_ns, planted = latency_ms * NS_PER_MS, day.truth.planted
    in_reach = [
        sight_ns + latency_ns < thing.end_ts_venue_ns
        for thing, sight_ns in zip(planted, day.sights_ns, strict=True)
    ]
    verdicts = compare(day.truth, run, Lake(day.data)).verdicts
    captured = [any(map(_is_captured, verdict.found)) for verdict in verdicts]
    agree = zip(planted, day.sights_ns, in_reach, captured, strict=True)
    wrong = [(thing, sight_ns) for thing, sight_ns, wanted, was in agree if wanted != was]
    sales = _Sales(run, Lake(day.data))
    return Point(
        latency_ms,
        len(planted),
        sum(in_reach),
        wilson(sum(captured), len(planted)),
        [thing for thing, _ in wrong],
        sum(sales.took(thing, latency_ns, sight_ns) for thing, sight_ns in wrong),
        told,
    )


class _Sales:
    """Orders by which we sold something."""

    def __init__(self, run: Journal, lake: Lake) -> None:
        intents, reports = run.rows("intents"), run.rows("reports")
        is_sale = (intents["kind"] == IntentKind.PLACE) & (intents["side"] == SELL)
        filled = reports["aux"][reports["kind"] == EventKind.FILL]
        self._orders = intents[is_sale & np.isin(intents["order"], filled)]
        self._ids = {market.slug: market.market for market in lake.markets()}

    def took(self, thing: Planted, latency_ns: int, sight_ns: int) -> bool:
        """Whether one reached a leg's side of the book after it was planted and before the legs:
        a SELL of YES hits the bid that a BUY of NO wants."""
        sent_ns = self._orders["ts_ns"]
        in_time = (sent_ns + latency_ns >= thing.start_ts_venue_ns) & (sent_ns <= sight_ns)
        return any(
            (
                in_time
                & (self._orders["market"] == self._ids[leg.slug])
                & (self._orders["token"] != Token[leg.token])
            ).any()
            for leg in thing.legs
        )


def _is_captured(seen: Sighting) -> bool:
    return seen.reason == "taken" and seen.legs > 0 and seen.legs_filled == seen.legs


def curve_table(points: list[Point]) -> Table:
    columns = ("by arithmetic", "captured", "95 %", "against it", "our sales")
    made = table("Latency, ms", *columns, label_columns=12)
    for point in points:
        share = point.in_reach / point.planted
        band = f"{point.captured.low:.2%} to {point.captured.high:.2%}"
        against = f"{len(point.wrong)} of {point.planted}"
        cells = (f"{share:.2%}", f"{point.captured.value:.2%}", band, against)
        add(made, str(point.latency_ms), *cells, str(point.lost_to_ourselves))
    return made


def policies_table(points: list[Point]) -> Table:
    """Each way to buy the legs: plans by how they ended, and what a plan brought."""
    columns = ("whole", "in part", "not at all", "$ a plan")
    title = f"Orders, at {POLICY_LATENCY_MS} ms"
    made = table(title, *columns, label_columns=20)
    for (order_type, leg_order), point in zip(POLICIES, points, strict=True):
        plans = _number(point, "plans")
        ends = (_number(point, name) / plans for name in ("completed", "partial", "missed"))
        cells = (*(f"{share:.1%}" for share in ends), f"{point.result_usd / plans:.2f}")
        add(made, order_type if leg_order == "at_once" else f"{order_type}, {leg_order}", *cells)
    return made


def _number(point: Point, name: str) -> float:
    found = point.account[name]
    assert isinstance(found, int | float)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capture")
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--every-s", type=int, default=20, help="between plants of one event")
    parser.add_argument("--seed", type=int, default=7)
    wanted = parser.parse_args()
    console = Console(width=80)
    with TemporaryDirectory() as folder:
        plan = Plan(wanted.seed, wanted.minutes, wanted.every_s)
        day = sandbox_day(Path(folder), plan, Path(folder) / "data")
        console.print(curve_table(curve(day)))
        console.print()
        console.print(policies_table(policies(day)))
        console.print()
        console.print(calibration_table(calibrate(day.data, (0, NS_MAX), 0, lambda *_: None)))


if __name__ == "__main__":
    main()
