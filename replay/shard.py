"""One UTC day under some parameter sets: their rows of `days.parquet` and `events.parquet`.

The day begins flat: empty books, the whole bankroll, nothing held. So days can be computed apart,
in any order, and a set can be judged on one that it was not chosen on.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hfptm.config import Config
from hfptm.engine import Engine, Output
from hfptm.lake import Lake
from hfptm.sweep_files import DAYS, EVENTS
from hfptm.units import NS_PER_S
from replay.driver import Progress, Selection
from replay.grouped import Column
from replay.lane_tally import FOUND, LaneTally
from replay.passes import Pass, run_pass
from replay.results import residue_bid_e6, result_by_event

COUNTED = ("plans", "completed", "partial", "missed", "fills", "rejects", "fees_e6", "realised_e6")
"""Of `kernel.lane.LANE`, as they are there."""


DAY_NS = 86_400 * NS_PER_S


class Shard(NamedTuple):
    """Tables of `sweep_files.DAYS` and `EVENTS`; `set` is the place among the sets given."""

    days: pa.Table
    events: pa.Table


def run_shard(
    data: Path,
    sets: Sequence[Config],
    selection: Selection,
    progress: Progress,
    also: Callable[[Output], None] | None = None,
) -> tuple[Shard, Pass]:
    """Of a selection within one day; `also` hears every row too. Raises as `passes.run_pass`."""
    event_of = events_of(Lake(data))
    tally = LaneTally(event_of)

    def hear(output: Output) -> None:
        tally.add(output)
        if also:
            also(output)

    done = run_pass(data, sets, selection, hear, progress)
    tally.finish()
    day = done.first_ns // DAY_NS
    found = Shard(_days(done.engine, tally, day), _events(done.engine, tally, event_of, day))
    return found, done


def events_of(lake: Lake) -> dict[int, int]:
    """By market: its group, or its own id if it has none."""
    return {market.market: market.group or market.market for market, _ in lake.market_versions()}


def money(engine: Engine) -> dict[str, Column]:
    """What each lane did and holds, (L,) each, in the names of `sweep_files.DAYS`."""
    lanes, positions = engine.state.lanes, engine.state.positions
    found = {name: lanes[name].astype(np.int64) for name in (*COUNTED, "locked_e6")}
    found["locked_profit_e6"] = lanes["locked_payout_e6"] - lanes["locked_e6"]
    cost_e6 = positions["cost_e6"] - positions["locked_cost_e6"]
    found["residue_cost_e6"] = cost_e6.sum(axis=(1, 2))
    found["residue_bid_e6"] = residue_bid_e6(engine, positions).sum(axis=(1, 2))
    gained_e6 = found["realised_e6"] + found["locked_profit_e6"] + found["residue_bid_e6"]
    found["result_e6"] = gained_e6 - found["residue_cost_e6"]
    return found


def _days(engine: Engine, tally: LaneTally, day: int) -> pa.Table:
    count = len(engine.state.lanes)
    columns = tally.by_lane(count) | money(engine)
    columns |= {"set": np.arange(count), "date": np.full(count, day)}
    columns["rows"] = np.full(count, engine.rows)
    return _table(columns, DAYS)


def _events(engine: Engine, tally: LaneTally, event_of: Mapping[int, int], day: int) -> pa.Table:
    """A row each lane, event and kind; what was booked stands in the event's first."""
    realised = engine.realised_by_market()
    by_event: dict[int, Column] = defaultdict(lambda: np.zeros(len(engine.state.lanes), np.int64))
    for market, realised_e6 in realised.items():
        by_event[event_of[market]] += realised_e6
    results = result_by_event(engine, realised, event_of)
    found = tally.by_event()
    booked = _booked(by_event, results)
    columns = _joined(found, booked)
    columns["date"] = np.full(len(columns["set"]), day)
    return _table(columns, EVENTS)


def _booked(realised: Mapping[int, Column], results: Mapping[int, Column]) -> Column:
    """(4, n): lane, event, realised and result, where either is not 0."""
    parts = [np.zeros((4, 0), np.int64)]
    for event in sorted({*realised, *results}):
        nothing = np.zeros_like(next(iter((*realised.values(), *results.values()))))
        pair = realised.get(event, nothing), results.get(event, nothing)
        lanes = np.flatnonzero((pair[0] != 0) | (pair[1] != 0))
        parts.append(np.array([lanes, np.full(len(lanes), event), pair[0][lanes], pair[1][lanes]]))
    return np.concatenate(parts, axis=1)


def _joined(found: Column, booked: Column) -> dict[str, Column]:
    """Rows of `LaneTally.by_event` with the columns of `_booked`; kind 0 where nothing was seen."""
    blank = np.zeros((len(found), booked.shape[1]), np.int64)
    blank[:2] = booked[:2]
    is_new = ~_in(booked[:2], found[:2])
    rows = np.concatenate([found, blank[:, is_new]], axis=1)
    rows = rows[:, np.lexsort(rows[2::-1])]
    is_first = np.ones(rows.shape[1], bool)
    is_first[1:] = (rows[:2, 1:] != rows[:2, :-1]).any(axis=0)
    amounts = np.zeros((2, rows.shape[1]), np.int64)
    firsts = np.flatnonzero(is_first)
    order = np.lexsort(booked[1::-1])
    amounts[:, firsts[_in(rows[:2, firsts], booked[:2])]] = booked[2:, order]
    names = ("set", "event", "kind", *FOUND, "realised_e6", "result_e6")
    return dict(zip(names, (*rows, *amounts), strict=True))


def _in(pairs: Column, others: Column) -> npt.NDArray[np.bool_]:
    """Whether each column of `pairs` (2, n) is one of `others`."""
    as_pairs = [("lane", "i8"), ("event", "i8")]
    mine, theirs = (
        np.ascontiguousarray(part.T).view(np.dtype(as_pairs)).ravel() for part in (pairs, others)
    )
    return np.isin(mine, theirs)


def _table(columns: Mapping[str, Column], schema: pa.Schema) -> pa.Table:
    arrays = []
    for field in schema:
        kind = pa.int32() if field.type == pa.date32() else field.type
        arrays.append(pa.array(columns[field.name], pa.int64()).cast(kind).cast(field.type))
    return pa.table(arrays, schema=schema)
