"""What many parameter sets cost in one pass: `python -m benchmarks.sweep [--json]`.

The tapes are generated (`benchmarks.tape`) and read from a lake as `hfptm replay` reads it: 1,024
markets, with an edge planted about every 20,000 rows; a denser one, about every 3,000; and a
sparse one, about every 200,000, which we take to be nearer to real days. The sets are a grid of
least edge, size, latency, order type and fee model, no two alike; what they make of the tape is
said beside each figure. Ray and processes compute the same six days under 100 sets, in turn, both
started before. Compiling, and making the tapes, is outside every figure.
"""

import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

import msgspec

from benchmarks.replay import CONFIG, timed_ns
from benchmarks.report import Figure, main
from benchmarks.sweep_workers import Work, ray_over_local
from benchmarks.tape import EDGE_EVERY_ROWS, make_tape, with_ids
from hfptm.clock import NS_MAX
from hfptm.config import Config
from hfptm.engine import compile_kernels
from hfptm.lake import Lake
from replay.driver import Selection
from replay.importers.base import quiet
from replay.passes import Pass, run_pass

ABOUT = f"All tapes are generated.\n{(__doc__ or '').partition(chr(10))[2]}"

EDGES = ("0", "0.01", "0.025", "0.05", "0.1")
SIZES_USD = (20, 50, 100, 200, 500)
LATENCIES_MS = (0, 20, 50, 100, 250)
ORDER_TYPES: tuple[Literal["fak", "fok", "gtc", "resting"], ...] = ("fak", "fok", "gtc", "resting")
WORK_SETS = 100
FEE_MODELS: tuple[Literal["published", "seed_flat_2pct"], ...] = ("published", "seed_flat_2pct")


class Sizes(NamedTuple):
    markets: int = 1_024
    rows: int = 6_000_000
    dense_rows: int = 2_000_000
    runs: int = 1
    lanes: int = 1_000
    dense: int = 10
    """By how much edges are wanted more often on the second tape."""
    sparse: int = 10
    """And less often on the third."""


def measure(sizes: Sizes) -> list[Figure]:
    compile_kernels()
    found: list[Figure] = []
    tapes = (
        ("", sizes.rows, EDGE_EVERY_ROWS),
        ("_dense", sizes.dense_rows, EDGE_EVERY_ROWS // sizes.dense),
        ("_sparse", sizes.rows, EDGE_EVERY_ROWS * sizes.sparse),
    )
    for name, rows, every_rows in tapes:
        with tempfile.TemporaryDirectory(prefix="hfptm-benchmark-") as folder:
            planted = write(Path(folder), sizes.markets, rows, every_rows)
            found += ratio(Path(folder), sizes, name, f"{planted} edges planted")
    return found


def measure_all() -> list[Figure]:
    return [*measure(Sizes()), *ray_over_local(Work(), grid(WORK_SETS))]


def write(data: Path, markets: int, rows: int, every_rows: int) -> int:
    """A lake of one tape; the edges planted on it."""
    tape = make_tape(markets, rows, edge_every_rows=every_rows)
    lake = Lake(data)
    lake.write_markets("generated", tape.markets, tape.groups)
    lake.write_events("generated", with_ids(tape))
    return tape.planted


def ratio(data: Path, sizes: Sizes, name: str, what: str) -> Iterator[Figure]:
    """One set and many take turns, so that what else the machine does slows both down alike."""
    sets = grid(sizes.lanes)
    done: list[Pass] = []
    one_ns, many_ns = [], []
    for _ in range(sizes.runs):
        one_ns.append(timed_ns(partial(passed, data, sets[:1])))
        many_ns.append(timed_ns(lambda: done.append(passed(data, sets))))
    ratios = [many / one for one, many in zip(one_ns, many_ns, strict=True)]
    what += f", {work_done(done[-1])}"
    value, spread = median(ratios), (min(ratios), max(ratios))
    yield Figure(f"ratio_{sizes.lanes}{name}", value, "times one set", spread, what)
    seconds = [ns / 1e9 for ns in many_ns]
    note = f"{sizes.lanes:,} sets in one pass over {done[-1].rows:,} rows"
    yield Figure(f"pass_s{name}", median(seconds), "s", (min(seconds), max(seconds)), note)


def passed(data: Path, sets: Sequence[Config]) -> Pass:
    return run_pass(data, sets, Selection(0, NS_MAX), lambda _output: None, quiet)


def work_done(done: Pass) -> str:
    """Shows that the lanes were at work, and differ."""
    lanes = done.engine.state.lanes
    share = (lanes["plans"] > 0).mean()
    plans = lanes["plans"].mean() / max(1, lanes["decisions"].mean())
    different = len(set(zip(*(lanes[name].tolist() for name in OUTCOMES), strict=True)))
    return (
        f"{lanes['decisions'][0]} opportunities, {share:.0%} of the sets trade, on {plans:.0%} of "
        f"them, {different} different results"
    )


OUTCOMES = ("realised_e6", "plans", "fills", "fees_e6")


def grid(count: int) -> list[Config]:
    """So many of the grid, in its order, and around it again."""
    found = []
    for edge, usd, ms, kind, fees in product(
        EDGES, SIZES_USD, LATENCIES_MS, ORDER_TYPES, FEE_MODELS
    ):
        trading = {"min_edge": Decimal(edge), "max_arb_size_usd": Decimal(usd), "order_type": kind}
        config = msgspec.structs.replace(
            CONFIG,
            trading=msgspec.structs.replace(CONFIG.trading, **trading),
            sim=msgspec.structs.replace(CONFIG.sim, entry_latency_ms=ms),
            fees=msgspec.structs.replace(CONFIG.fees, model=fees),
        )
        found.append(config)
    return (found * (count // len(found) + 1))[:count]


if __name__ == "__main__":
    main("sweep", ABOUT, measure_all)
