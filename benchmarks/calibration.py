"""The sandbox's traders beside recorded markets: books, sizes, moves, in the same measures.

Recorded books come from the package resolvedkit (BTC windows of 15 minutes, about one book a
second, 20 levels a side), trades from the folder of recordings that is given.
"""

import argparse
import gzip
import importlib.util
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from hfptm.records import BUY, SELL
from hfptm.sandbox.floor import Floor
from hfptm.sandbox.population import populate
from hfptm.sandbox.reports import Action, Trade
from hfptm.sandbox.sandbox import Sandbox
from hfptm.sandbox.universe import make_universe
from hfptm.units import NS_PER_S, ONE_E6, PRICE_ONE_E4

LEVELS = 20
SEEDS, RATE, SECONDS = (7, 8, 9), 150, 895
"""Ours: two windows of 15 minutes for each seed, at the rate at which levels change as often."""

CENT_E4 = 100
PERCENTILES = (5, 25, 50, 75, 95)

Levels = dict[int, float]


class Book(NamedTuple):
    """One market at one time: shares by price_e4, the best `LEVELS` a side."""

    market: str
    ts_ms: int
    bids: Levels
    asks: Levels


class TradeLine(msgspec.Struct):
    size: str


def recorded_books() -> Iterator[Book]:
    """Of the UP tokens, in order of market and time."""
    spec = importlib.util.find_spec("resolvedkit")
    if spec is None or spec.origin is None:
        raise SystemExit("resolvedkit is missing: install the test extra of hfptm")
    path = Path(spec.origin).parent / "sample_data" / "books.parquet"
    rows = [row for row in pq.read_table(path).to_pylist() if row["side"] == "UP"]
    for row in sorted(rows, key=lambda row: (row["market_id"], row["ts"])):
        bids, asks = (
            {
                round(p * PRICE_ONE_E4): s
                for p, s in zip(row[f"{side}_px"], row[f"{side}_sz"], strict=True)
            }
            for side in ("bid", "ask")
        )
        yield Book(row["market_id"], row["ts"], bids, asks)


def recorded_trades(folder: Path) -> list[float]:
    """Shares of each trade."""
    decode = msgspec.json.Decoder(list[TradeLine], strict=False).decode
    files = sorted((folder / "l2-updown-15m-sol").glob("trades-*.json.gz"))
    return [
        float(line.size) for path in files for line in decode(gzip.decompress(path.read_bytes()))
    ]


def sandbox_windows(seed: int) -> tuple[list[Book], list[float]]:
    """Books of the running windows, each second, and their trades."""
    universe = make_universe(seed)
    sandbox = Sandbox(seed)
    sandbox.advance(universe.start_ns, universe.start_ns)
    floor = populate(sandbox, universe, RATE)
    windows = [market.market for market in universe.markets if "-updown-" in market.slug]
    trades: list[float] = []

    def hear(action: Action, _: object) -> None:
        if action.market in windows:
            found = (report for report in action.reports if isinstance(report, Trade))
            trades.extend(trade.size_e6 / ONE_E6 for trade in found)

    sandbox.listeners.append(hear)
    books = []
    for second in range(1, SECONDS):
        now_ns = universe.start_ns + second * NS_PER_S
        sandbox.advance(now_ns, now_ns)
        books += [_book(floor, m.slug, now_ns) for m in universe.markets if m.market in windows]
    return sorted(books, key=lambda book: (book.market, book.ts_ms)), trades


def _book(floor: Floor, slug: str, now_ns: int) -> Book:
    levels = floor.quoters[slug].listed.book.published_levels
    bids, asks = (
        {p: size_e6 / ONE_E6 for p, size_e6 in levels(side)[:LEVELS]} for side in (BUY, SELL)
    )
    return Book(slug, now_ns // 1_000_000, bids, asks)


def spreads(books: Iterable[Book]) -> dict[str, float]:
    """Percent of books."""
    found: Counter[str] = Counter()
    for book in books:
        if not book.bids or not book.asks:
            found["one-sided books, %"] += 1
            continue
        cents = (min(book.asks) - max(book.bids)) // CENT_E4
        found[f"spread of {cents} cent, %" if 0 < cents < 3 else "other spread, %"] += 1
    return {name: 100 * found[name] / found.total() for name in sorted(found)}


def sizes(books: Iterable[Book]) -> dict[str, float]:
    shares = np.array([size for b in books for side in (b.bids, b.asks) for size in side.values()])
    quantiles = zip(PERCENTILES, np.percentile(shares, PERCENTILES), strict=True)
    whole = 100 * float(np.mean(shares == np.floor(shares)))
    named = {f"level, shares, {p} %": float(value) for p, value in quantiles}
    return named | {"whole levels, %": whole}


def changes(books: Iterable[Book]) -> dict[str, float]:
    """What a second changes: levels that both books could show, and the middle."""
    kinds: Counter[str] = Counter()
    depths: list[int] = []
    moves_e4: list[float] = []
    seconds = 0
    for before, after in pairwise(books):
        is_pair = before.market == after.market and 800 < after.ts_ms - before.ts_ms < 1_300
        if not is_pair or not all((before.bids, before.asks, after.bids, after.asks)):
            continue
        seconds += 1
        moves_e4.append((_sum_e4(after) - _sum_e4(before)) / 2)
        for old, new, sign in ((before.bids, after.bids, 1), (before.asks, after.asks, -1)):
            deepest = max(min(p * sign for p in old), min(p * sign for p in new))
            best = max(p * sign for p in new)
            for price_e4 in {p for p in old.keys() | new.keys() if p * sign >= deepest}:
                was, now = old.get(price_e4, 0), new.get(price_e4, 0)
                if was != now:
                    kinds["appear" if not was else "go" if not now else "change size"] += 1
                    depths.append(max(best - price_e4 * sign, 0) // CENT_E4)
    moves = np.array(moves_e4) / CENT_E4
    shares = {f"levels that {kind}, %": 100 * n / kinds.total() for kind, n in kinds.items()}
    quantiles = zip((25, 50, 75), np.percentile(depths, (25, 50, 75)), strict=True)
    return {
        "levels changed a second": kinds.total() / seconds,
        **dict(sorted(shares.items())),
        **{f"depth of a change, cents, {p} %": float(value) for p, value in quantiles},
        "middle moves a second, cents, std": float(moves.std()),
        "seconds without a move, %": 100 * float(np.mean(moves == 0)),
    }


def _sum_e4(book: Book) -> int:
    return max(book.bids) + min(book.asks)


def trade_sizes(shares: list[float]) -> dict[str, float]:
    quantiles = zip(PERCENTILES, np.percentile(shares, PERCENTILES), strict=True)
    return {f"trade, shares, {p} %": float(value) for p, value in quantiles}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration")
    parser.add_argument("recordings", type=Path, help="folder with l2-updown-15m-sol")
    theirs = list(recorded_books())
    runs = [sandbox_windows(seed) for seed in SEEDS]
    ours = [book for books, _ in runs for book in books]
    our_trades = [shares for _, trades in runs for shares in trades]
    their_trades = recorded_trades(parser.parse_args().recordings)
    table = Table(title=f"{len(theirs)} recorded books, {len(ours)} of the sandbox")
    for column in ("measure", "recorded", "sandbox"):
        table.add_column(column)
    left, right = (
        spreads(books) | sizes(books) | changes(books) | trade_sizes(trades)
        for books, trades in ((theirs, their_trades), (ours, our_trades))
    )
    for name in left | right:
        table.add_row(name, f"{left.get(name, 0):.1f}", f"{right.get(name, 0):.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
