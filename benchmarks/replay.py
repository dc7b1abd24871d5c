"""How fast replay is: `python -m benchmarks.replay [--json]`.

All tapes are generated, see `benchmarks.tape`. Detector, risk, executor and venue all run.
Compiling, and making the tapes, is outside every figure. Takes half a minute and 1.2 GiB.
"""

import tempfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks import tape as tapes
from benchmarks.report import Figure, main
from benchmarks.tape import Tape, level_changes, listing, make_tape, with_ids
from hfptm.clock import NS_MAX, monotonic_ns
from hfptm.config import Config, limits
from hfptm.engine import Engine
from hfptm.errors import CapacityError
from hfptm.kernel.jit import Array
from hfptm.kernel.state import GRID_MAX, INT64, Capacity, State, nbytes, new_state
from hfptm.kernel.step import step_rows
from hfptm.lake import Lake
from hfptm.latency import latencies_of
from hfptm.parameters import ParameterSet, params_of, windows_of
from hfptm.records import EVENT, EventKind
from hfptm.registry import Group, Market
from hfptm.sections import Risk, Trading
from hfptm.sim.run import run_rows
from hfptm.sim.state import Sim, new_sim
from hfptm.units import PRICE_ONE_E4
from replay.driver import Selection, replay

PLENTY_USD = Decimal(1_000_000)
CONFIG = Config(
    trading=Trading(bankroll_usd=PLENTY_USD, min_liquidity_shares=Decimal(0)),
    risk=Risk(
        max_exposure_total_usd=PLENTY_USD,
        daily_loss_limit_usd=PLENTY_USD,
        max_drawdown_usd=PLENTY_USD,
    ),
)
"""Defaults, but that every edge is bought that pays the minimum, to the end of the tape."""

SETS = [ParameterSet(limits(CONFIG), latencies_of(limits(CONFIG)).draws)]

ABOUT = f"All figures are of generated tapes.\n{(tapes.__doc__ or '').partition(chr(10))[2]}"
MIB = 1 << 20
FINE_TICK_E4 = 10


class Sizes(NamedTuple):
    """How much is measured, and how often."""

    markets: tuple[int, ...] = (1, 128, 1_024, 5_000)
    rows: int = 4_000_000
    runs: int = 5
    lake_markets: int = 1_024
    lake_rows: int = 6_000_000
    lake_runs: int = 3
    step_calls: int = 20_000
    state_markets: int = 5_000


def measure(sizes: Sizes) -> list[Figure]:
    return [*measure_loops(sizes), measure_lake(sizes), measure_step(sizes), measure_state(sizes)]


def measure_loops(sizes: Sizes) -> list[Figure]:
    """Kernel and venue over tapes in memory, by level changes; trades count for nothing.

    The tapes take turns, so that what else the machine does slows down all of them alike.
    """
    made = [make_tape(markets, sizes.rows) for markets in sizes.markets]
    times_ns: list[list[int]] = [[] for _ in made]
    notes = ["" for _ in made]
    for _ in range(sizes.runs):
        for position, tape in enumerate(made):
            state, sim = fresh(tape)
            times_ns[position].append(timed_ns(partial(run, state, sim, tape.rows)))
            notes[position] = work_done(tape, state, sim)
    return [
        _loop_figure(tape, times, note)
        for tape, times, note in zip(made, times_ns, notes, strict=True)
    ]


def _loop_figure(tape: Tape, times_ns: list[int], note: str) -> Figure:
    value, spread = rates(level_changes(tape.rows), times_ns)
    return Figure(f"rows_per_s_{len(tape.markets)}", value, "level changes/s", spread, note)


def measure_lake(sizes: Sizes) -> Figure:
    """A lake on disk to a summary and a journal, as `hfptm replay` does it."""
    tape = make_tape(sizes.lake_markets, sizes.lake_rows)
    with tempfile.TemporaryDirectory(prefix="hfptm-benchmark-") as folder:
        data = Path(folder)
        lake = Lake(data)
        lake.write_markets("generated", tape.markets, tape.groups)
        files = lake.write_events("generated", with_ids(tape))
        size_bytes = sum(file.stat().st_size for file in files)
        everything = Selection(0, NS_MAX)
        call = partial(replay, data, CONFIG, everything, lambda _read, _total: None)
        times_ns = [timed_ns(call) for _ in range(sizes.lake_runs)]
    value, spread = rates(len(tape.rows), times_ns)
    note = f"markets {sizes.lake_markets:,}, {size_bytes / len(tape.rows):.1f} bytes a row on disk"
    return Figure("lake_rows_per_s", value, "rows/s", spread, note)


def measure_step(sizes: Sizes) -> Figure:
    """Single calls from Python, each with the cost of reading the clock in it."""
    tape = make_tape(min(128, sizes.step_calls), sizes.step_calls)
    state, _ = fresh(tape)
    calls = [partial(step_rows, state.table, tape.rows, i, i + 1) for i in range(sizes.step_calls)]
    times_us = [timed_ns(call) / 1e3 for call in calls]
    spread = (min(times_us), float(np.percentile(times_us, 99)))
    note = "one row through step, called from Python; highest: 99 %"
    return Figure("step_us", median(times_us), "us", spread, note)


def measure_state(sizes: Sizes) -> Figure:
    """What an engine holds once every market has a book."""
    listed, groups = listing(sizes.state_markets)
    finer = [msgspec.structs.replace(market, tick_e4=FINE_TICK_E4) for market in listed]
    value, mixed = held_mib(finer, groups), held_mib(listed, groups)
    finest = value + len(listed) * (GRID_MAX - grid_levels(FINE_TICK_E4)) * INT64.itemsize / MIB
    note = f"0.001 ticks; the tape's mix {mixed:.0f}, 0.0001 ticks {finest:.0f}"
    return Figure(f"state_mib_{sizes.state_markets}", value, "MiB", None, note)


def fresh(tape: Tape) -> tuple[State, Sim]:
    """Kernel and venue that know the tape's markets and have seen none of its rows."""
    markets, groups = len(tape.markets), max(1, len(tape.groups))
    levels = GRID_MAX + sum(grid_levels(market.tick_e4) for market in tape.markets)
    capacity = Capacity(markets=markets, groups=groups, levels=levels)
    state = new_state(capacity, params_of(limits(CONFIG)))
    state.levels.fill(0)  # or the loop's first touch of every page would be measured
    sim = new_sim(markets, windows_of(limits(CONFIG)), [SETS[0].draws])
    run(state, sim, tape.definitions)
    return state, sim


def run(state: State, sim: Sim, rows: Array) -> None:
    """All rows in one call; raises CapacityError if the output buffers do not suffice."""
    done = run_rows(state.table, sim.table, rows, 0, len(rows))
    if done != len(rows):
        raise CapacityError("rows in one call", done, "measure with fewer rows")


def timed_ns(call: Callable[[], object]) -> int:
    began_ns = monotonic_ns()
    call()
    return monotonic_ns() - began_ns


def rates(rows: int, times_ns: Sequence[int]) -> tuple[float, tuple[float, float]]:
    """Rows a second: median, lowest and highest."""
    found = [rows * 1e9 / took_ns for took_ns in times_ns]
    return median(found), (min(found), max(found))


def work_done(tape: Tape, state: State, sim: Sim) -> str:
    """Shows that the whole engine was at work."""
    account = state.lanes[0]
    arrived = sim.outcomes["arrived"][: int(sim.clock[0]["outcomes"])].sum()
    return (
        f"markets {len(tape.markets):,}, edges planted {tape.planted}, "
        f"opportunities {account['decisions']}, there at arrival {arrived}, "
        f"plans {account['plans']}, fills {account['fills']}"
    )


def grid_levels(tick_e4: int) -> int:
    """Levels of both sides."""
    return 2 * (PRICE_ONE_E4 // tick_e4 + 1)


def held_mib(markets: list[Market], groups: list[Group]) -> float:
    engine = Engine(markets, groups, SETS, lambda _output: None)
    rows = np.zeros(len(markets), EVENT)
    rows["ts_recv_ns"] = rows["ts_venue_ns"] = np.arange(1, len(rows) + 1)
    rows["market"] = [market.market for market in markets]
    rows["kind"] = EventKind.SNAPSHOT
    engine.feed(rows)
    venue_bytes = sum(array.nbytes for array in engine.sim.arrays().values())
    return (nbytes(engine.state) + venue_bytes) / MIB


if __name__ == "__main__":
    main("replay", ABOUT, partial(measure, Sizes()))
