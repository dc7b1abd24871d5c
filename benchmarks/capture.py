"""How much of what was planted a run captures, at five latencies, against what arithmetic says.

A sandbox lives through some minutes in its own time, without a socket; baskets of every kind are
planted one after another in each of its lasting events, with lives drawn evenly. A line that takes
20 ms brings its frames, and the lake is replayed once for each entry latency. Arithmetic: a thing
is seen with the frame after which the exchange's own best prices pay the minimum, and taken if an
order sent then arrives before it ends.
"""

import argparse
import gzip
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import numpy as np
from rich.console import Console

from hfptm.clock import NS_MAX
from hfptm.config import Config, load
from hfptm.journal import read_run
from hfptm.lake import Lake
from hfptm.opportunities import Relation
from hfptm.records import BUY, SELL, Token
from hfptm.registry import Group, Market
from hfptm.sandbox.books import print_book
from hfptm.sandbox.line import FrameRecord
from hfptm.sandbox.market_frames import Published
from hfptm.sandbox.planted import Kind, Planted, edge
from hfptm.sandbox.recording import Truth
from hfptm.sandbox.session import Session, Settings
from hfptm.sandbox.truth_file import read_truth
from hfptm.sandbox.universe import START_MS, make_universe
from hfptm.tables import add, table
from hfptm.units import FAR_NS, NS_PER_MS, NS_PER_S, PRICE_ONE_E4
from replay.calibrate import calibrate
from replay.calibration_report import calibration_table
from replay.confidence import Estimate, wilson
from replay.driver import Selection, replay
from replay.importers import ImportOptions, import_paths
from replay.truth import Sighting, compare

START_NS = START_MS * NS_PER_MS
LINE_NS = 20 * NS_PER_MS
LATENCIES_MS = (0, 50, 150, 300, 1_000)
LIFE_MS = (30, 1_500)
MARKETS, RATE = 60, 40
MIN_EDGE = 0.015
"""What all that is planted pays: 14 cents or more of a set that costs five dollars at most."""
SHOWS_WITHIN_NS = 100 * NS_PER_MS
"""All makers of a thing quote in less."""

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
    """One latency of the curve."""

    latency_ms: int
    planted: int
    in_reach: int
    """Of them, by arithmetic."""
    captured: Estimate
    wrong: list[Planted]
    """Captured against arithmetic, or missed against it."""

    @property
    def agrees(self) -> bool:
        """Whether arithmetic lies within the confidence band."""
        share = self.in_reach / self.planted
        low, high = self.captured.low, self.captured.high
        return low is not None and high is not None and low <= share <= high


class Day(NamedTuple):
    data: Path
    truth: Truth
    sights_ns: list[int]
    """When each planted thing came into sight; FAR_NS if it never did."""


def sandbox_day(folder: Path, seed: int, minutes: int, every_s: int) -> Day:
    """A lake of so long a sandbox. every_s: from one plant of an event to its next."""
    plant = folder / "plant.toml"
    groups = make_universe(seed, MARKETS, start_ns=START_NS).groups
    plant.write_text("\n".join(_plants(groups, seed, minutes, every_s)))
    session = Session(Settings(seed=seed, markets=MARKETS, rate=RATE, plant=plant), START_NS)
    session.open_files()
    with gzip.open(folder / "frames.jsonl.gz", "wb", compresslevel=1) as file:
        line = _Line(session, groups, file)
        session.sandbox.advance(START_NS + minutes * 60 * NS_PER_S, 0)
    session.close()
    _write(folder / "markets.jsonl", line.markets)
    _write(folder / "groups.jsonl", groups)
    assert session.settings.truth
    _, told = read_truth(session.settings.truth)
    planted = [what for what in told if isinstance(what, Planted)]
    end_ns = session.sandbox.now_ns
    truth = Truth(seed, START_NS, end_ns, line.frames, [], planted)
    import_paths("frames-jsonl", [folder], ImportOptions(), Lake(folder / "data"))
    return Day(folder / "data", truth, [line.sight_ns(thing) for thing in planted])


def _plants(groups: list[Group], seed: int, minutes: int, every_s: int) -> Iterator[str]:
    rng = np.random.default_rng(seed)
    for number, group in enumerate(groups):
        for start_s in range(2 + number, minutes * 60 - 5, every_s):
            kinds = [Kind.NO_BASKET]
            if group.relation is Relation.EXACTLY_ONE:
                kinds.append(Kind.YES_BASKET)
            kind = Kind.NESTED if group.relation is Relation.NESTED else rng.choice(kinds)
            yield (
                f'[[plant]]\nkind = "{kind}"\nevent = "{group.slug}"\nstart_s = {start_s}\n'
                f"life_ms = {rng.integers(LIFE_MS[0], LIFE_MS[1] + 1)}\n"
                f"edge_usd = 0.{rng.integers(14, 21)}\nshares = {rng.integers(60, 300)}\n"
            )


class _Shown(NamedTuple):
    """Best YES prices of a market at the exchange, and when they were known here."""

    ts_recv_ns: int
    market: Market
    bid_e4: int
    ask_e4: int

    def leg(self, token: Token) -> tuple[Market, Token, int]:
        cost_e4 = PRICE_ONE_E4 - self.bid_e4 if token is Token.NO else self.ask_e4
        return self.market, token, cost_e4


class _Line:
    """Brings every frame of the lasting events' markets, 20 ms after it was sent."""

    def __init__(self, session: Session, groups: list[Group], file: gzip.GzipFile) -> None:
        self.frames = 0
        self._file = file
        self._sandbox = session.sandbox
        self._last_ns = 0
        lasting = {group.group for group in groups}
        entries = [
            entry
            for entry in session.sandbox.catalogue.markets
            if entry.listed.market.group in lasting
        ]
        self.markets = [entry.listed.market for entry in entries]
        self._entries = {entry.listed.market.market: entry for entry in entries}
        self._shown: dict[str, list[_Shown]] = {market.slug: [] for market in self.markets}
        books = (print_book(entry, token).frame() for entry in entries for token in Token)
        self._deliver(START_NS, f"[{','.join(books)}]")
        session.feed.listeners.append(self._send)

    def _send(self, batch: list[Published]) -> None:
        entry = self._entries.get(batch[0].market)
        if entry is None:
            return
        for frame in batch:
            if not frame.is_custom:
                sent_ns = max(self._sandbox.now_ns, frame.ts_ms * NS_PER_MS)
                self._deliver(sent_ns, frame.payload.decode())
        bid_e4, ask_e4 = (entry.listed.book.published_best_e4(side) for side in (BUY, SELL))
        market = entry.listed.market
        self._shown[market.slug].append(_Shown(self._last_ns, market, bid_e4, ask_e4))

    def sight_ns(self, planted: Planted) -> int:
        """With which frame the exchange's best prices of a thing's legs first paid `MIN_EDGE`."""
        payout_e4 = planted.net_e4 + planted.outlay_e4
        begin_ns = planted.start_ts_venue_ns + LINE_NS - SHOWS_WITHIN_NS
        end_ns = planted.end_ts_venue_ns + LINE_NS
        coming, legs = [], {}
        for leg in planted.legs:
            shown = self._shown[leg.slug]
            first, last = (bisect_left(shown, (ts_ns,)) for ts_ns in (begin_ns, end_ns))
            legs[leg.slug] = shown[max(0, first - 1)].leg(Token[leg.token])
            coming += [(change, Token[leg.token]) for change in shown[first:last]]
        for change, token in sorted(coming, key=lambda shown: shown[0].ts_recv_ns):
            legs[change.market.slug] = change.leg(token)
            found = edge(list(legs.values()), payout_e4)
            if found.net_e4 >= MIN_EDGE * found.outlay_e4:
                return change.ts_recv_ns
        return FAR_NS

    def _deliver(self, sent_ns: int, payload: str) -> None:
        self._last_ns = max(sent_ns + LINE_NS, self._last_ns + 1)
        record = FrameRecord(self._last_ns, 1, self.frames, "ws", payload)
        self._file.write(msgspec.json.encode(record) + b"\n")
        self.frames += 1


def _write(path: Path, items: Sequence[msgspec.Struct]) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(item) + b"\n" for item in items))


def curve(day: Day) -> list[Point]:
    return [_point(day, latency_ms) for latency_ms in LATENCIES_MS]


def config(latency_ms: int) -> Config:
    return load(None, (*UNBOUND, f"sim.entry_latency_ms={latency_ms}"), {})


def _point(day: Day, latency_ms: int) -> Point:
    selection = Selection(0, NS_MAX)
    path, _ = replay(day.data, config(latency_ms), selection, lambda *_: None)
    compared = compare(day.truth, read_run(day.data, path.name), Lake(day.data))
    planted = day.truth.planted
    in_reach = [
        sight_ns + latency_ms * NS_PER_MS < thing.end_ts_venue_ns
        for thing, sight_ns in zip(planted, day.sights_ns, strict=True)
    ]
    captured = [any(map(_is_captured, verdict.found)) for verdict in compared.verdicts]
    agree = zip(planted, in_reach, captured, strict=True)
    return Point(
        latency_ms,
        len(planted),
        sum(in_reach),
        wilson(sum(captured), len(planted)),
        [thing for thing, wanted, was in agree if wanted != was],
    )


def _is_captured(seen: Sighting) -> bool:
    return seen.reason == "taken" and seen.legs > 0 and seen.legs_filled == seen.legs


def show(points: list[Point], console: Console) -> None:
    columns = ("by arithmetic", "captured", "95 %", "against it")
    made = table("Latency, ms", *columns, label_columns=12)
    for point in points:
        shares = (point.in_reach / point.planted, point.captured.value)
        band = f"{point.captured.low:.1%} to {point.captured.high:.1%}"
        against = f"{len(point.wrong)} of {point.planted}"
        add(made, str(point.latency_ms), *(f"{share:.1%}" for share in shares), band, against)
    console.print(made)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capture")
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--every-s", type=int, default=20, help="between plants of one event")
    parser.add_argument("--seed", type=int, default=7)
    wanted = parser.parse_args()
    console = Console(width=80)
    with TemporaryDirectory() as folder:
        day = sandbox_day(Path(folder), wanted.seed, wanted.minutes, wanted.every_s)
        show(curve(day), console)
        console.print()
        console.print(calibration_table(calibrate(day.data, (0, NS_MAX), 0, lambda *_: None)))


if __name__ == "__main__":
    main()
