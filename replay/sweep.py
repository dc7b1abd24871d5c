"""A sweep: many parameter sets over the recorded days, what came of each, and a verdict.

Its folder under `<data>/sweeps` is described in `hfptm.sweep_files`.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from hfptm.clock import format_utc, monotonic_ns, wall_ns
from hfptm.config import Config, as_toml
from hfptm.lake import Lake
from hfptm.sweep_files import Head, SweepKind, SweepWriter, sets_schema
from replay.driver import Progress, Selection, new_run_id, options_of
from replay.grid import Values, read_grid, setting_type
from replay.jobs import Day, Job, clean, code_digest, days_of, gather, lake_digest, plan
from replay.sensitivity import Setting
from replay.shard import DAY_NS, Shard
from replay.verdict import FIRST_DAYS, Results, judge
from replay.workers import Runner

Json = dict[str, Any]


class Ask(NamedTuple):
    """is_resumed: results that are there already, of the same sets, days and code, are taken.
    engine: its name, for the record."""

    data: Path
    base: Config
    grid: Path
    selection: Selection
    engine: str
    is_resumed: bool


class Tried(NamedTuple):
    """Sets by number: the swept values of each, and its whole configuration."""

    kind: SweepKind
    keys: tuple[str, ...]
    values: list[Values]
    configs: list[Config]
    first_days: int = FIRST_DAYS
    """Before the first that a winner is judged on."""
    options: str = ""
    """Of the command, beside what it was to replay."""


class Swept(NamedTuple):
    """The sweep's folder, its summary, and the jobs that it was put together from."""

    path: Path
    summary: Json
    jobs: list[Job]


def sweep(ask: Ask, runner: Runner, progress: Progress) -> Swept:
    """Raises ConfigError for a grid that cannot be, LakeError if nothing is recorded, JobError for
    a part that cannot be computed; what was computed by then is kept for `is_resumed`."""
    began_ns = monotonic_ns()
    grid = read_grid(ask.grid, ask.base)
    with Lake(ask.data).reading():
        days = days_of(ask.data, ask.selection)
        jobs = plan(ask.data, days, grid.configs)
        with runner:
            computed = compute(ask, jobs, runner, progress)
    return keep(ask, Tried(*grid), days, jobs, Effort(began_ns, computed))


def compute(ask: Ask, jobs: Sequence[Job], runner: Runner, progress: Progress) -> int:
    """See that every job's file is there; how many were computed for that."""
    clean(ask.data)
    waiting = [job for job in jobs if not (ask.is_resumed and job.path.exists())]
    runner.run(waiting, progress)
    return len(waiting)


class Effort(NamedTuple):
    began_ns: int
    computed_jobs: int


def keep(ask: Ask, tried: Tried, days: Sequence[Day], jobs: list[Job], effort: Effort) -> Swept:
    """Judge what the jobs gave, and write the sweep."""
    tables = gather(jobs)
    settings = [{key: _plain(value) for key, value in row.items()} for row in tried.values]
    verdict = judge(settings, results_of(tables, len(settings)), tried.first_days)
    summary: Json = msgspec.to_builtins(verdict)
    seconds = (monotonic_ns() - effort.began_ns) / 1e9
    summary["selection"] = f"{options_of(ask.selection)} {tried.options}".strip()
    summary |= {"jobs": len(jobs), "computed": effort.computed_jobs, "seconds": seconds}
    sweep_id = new_run_id(wall_ns())
    with SweepWriter(ask.data, sweep_id) as writer:
        writer.text("config.toml", as_toml(ask.base))
        writer.text("grid.toml", ask.grid.read_text(encoding="utf-8"))
        writer.table("sets", _sets(tried))
        writer.table("days", tables.days)
        writer.table("events", tables.events)
        path = writer.close(_head(ask, tried, days, seconds), summary)
    return Swept(path, {"sweep_id": sweep_id, "sets": len(settings), **summary}, jobs)


def results_of(tables: Shard, sets: int) -> Results:
    """What the verdict goes by: each event on each day in which any set has a result."""
    dates = tables.days["date"].cast(pa.int32()).to_numpy()
    days = np.unique(dates)
    columns = tables.events
    result_e6 = columns["result_e6"].to_numpy()
    booked = result_e6 != 0
    day = np.searchsorted(days, columns["date"].cast(pa.int32()).to_numpy()[booked])
    cells, places = np.unique(
        np.stack([day, columns["event"].to_numpy()[booked]]), axis=1, return_inverse=True
    )
    matrix = np.zeros((sets, cells.shape[1]), np.int64)
    matrix[columns["set"].to_numpy()[booked], places.ravel()] = result_e6[booked]
    names = tuple(format_utc(int(one) * DAY_NS)[:10] for one in days)
    return Results(names, cells[0], cells[1], matrix)


def _sets(tried: Tried) -> pa.Table:
    schema = sets_schema({key: setting_type(key) for key in tried.keys})
    rows = [{"set": number, **values} for number, values in enumerate(tried.values)]
    return pa.Table.from_pylist(rows, schema=schema)


def _head(ask: Ask, tried: Tried, days: Sequence[Day], seconds: float) -> Head:
    first_ns, last_ns = days[0].first_ns, days[-1].last_ns
    return Head(
        kind=tried.kind,
        keys=tried.keys,
        sets=len(tried.values),
        days=tuple(format_utc(day.day * DAY_NS)[:10] for day in days),
        from_=format_utc(first_ns),
        to=format_utc(last_ns),
        engine=ask.engine,
        code=code_digest(),
        lake=lake_digest(days),
        seconds=seconds,
    )


def _plain(value: object) -> Setting:
    if isinstance(value, Decimal):
        return float(value)
    assert isinstance(value, int | str)
    return value
