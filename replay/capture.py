"""What share of what was displayed was really catchable, at which latency, after fees.

Every day is passed over once, with a lane for the configuration as it is, one for each latency of
the curve and one for each neighbour of the configuration (`replay.capture_sets`). What is found is
kept as a sweep of kind "capture" (`hfptm.sweep_files`).
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl
import pyarrow as pa

from hfptm.clock import format_utc, monotonic_ns, wall_ns
from hfptm.config import Config, as_toml
from hfptm.lake import Lake
from hfptm.sweep_files import OPPORTUNITIES, Head, SweepWriter, sets_schema
from replay.capture_rows import Places, opportunity_rows
from replay.capture_sets import CaptureSet, capture_sets, value
from replay.capture_summary import Findings, Tables, summarise
from replay.driver import Progress, Selection, new_run_id, options_of
from replay.grid import setting_type
from replay.jobs import Day, code_digest, days_of
from replay.opportunity_rows import OpportunityRows
from replay.passes import Pass
from replay.shard import Shard, run_shard


class _Found(NamedTuple):
    """Of one day."""

    shard: Shard
    done: Pass
    opportunities: pl.DataFrame


def capture(
    data: Path, config: Config, selection: Selection, progress: Progress
) -> tuple[Path, Findings]:
    """Its folder under `data/sweeps`, and what was found.

    Raises LakeError if the lake holds nothing of the selection.
    """
    began_ns = monotonic_ns()
    days, sets = days_of(data, selection), capture_sets(config)
    with SweepWriter(data, new_run_id(wall_ns())) as writer:
        found = _pass_over(data, sets, days, progress)
        shards = [each.shard for each in found]
        opportunities = pl.concat([each.opportunities for each in found])
        kept = opportunities.drop("seen_to_ns").to_arrow().cast(OPPORTUNITIES)
        by_day, by_event = (pa.concat_tables(tables) for tables in zip(*shards, strict=True))
        writer.text("config.toml", as_toml(config))
        writer.table("sets", _sets_table(sets))
        writer.table("days", by_day.sort_by([("set", "ascending"), ("date", "ascending")]))
        writer.table("events", _sorted_events(by_event))
        writer.table("opportunities", kept)
        tables = Tables(opportunities, _frame(by_event), _frame(by_day))
        worths = [_worth(each) for each in found]
        findings = summarise(sets, tables, worths, options_of(selection))
        head = _head(sets, days, found, (monotonic_ns() - began_ns) / 1e9)
        return writer.close(head, msgspec.to_builtins(findings)), findings


def _pass_over(
    data: Path, sets: Sequence[CaptureSet], days: Sequence[Day], progress: Progress
) -> list[_Found]:
    lake, total, before = Lake(data), sum(day.rows for day in days), 0
    places, configs = Places.of(lake), [one.config for one in sets]
    found = []
    for day in days:
        rows = OpportunityRows()

        def told(read: int, _: int, before: int = before) -> None:
            progress(before + read, total)

        shard, done = run_shard(data, configs, day.selection, told, rows.add)
        seen = opportunity_rows(rows, lake, places, day.selection, (configs[0], done.last_ns))
        found.append(_Found(shard, done, seen))
        before += day.rows
    return found


def _sets_table(sets: Sequence[CaptureSet]) -> pa.Table:
    keys = _keys(sets)
    schema = sets_schema({key: setting_type(key) for key in keys})
    columns: dict[str, list[Any]] = {"set": list(range(len(sets)))}
    columns |= {key: [value(one.config, key) for one in sets] for key in keys}
    return pa.table(columns, schema=schema)


def _keys(sets: Sequence[CaptureSet]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for one in sets for key in one.changes))


def _sorted_events(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in ("set", "date", "event", "kind")])


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _worth(found: _Found) -> dict[str, Any]:
    return {"date": format_utc(found.done.first_ns)[:10], **found.done.stands}


def _head(
    sets: Sequence[CaptureSet], days: Sequence[Day], found: Sequence[_Found], seconds: float
) -> Head:
    lake = hashlib.sha256("".join(day.digest for day in days).encode()).hexdigest()
    return Head(
        kind="capture",
        keys=_keys(sets),
        sets=len(sets),
        days=tuple(format_utc(each.done.first_ns)[:10] for each in found),
        from_=format_utc(found[0].done.first_ns),
        to=format_utc(found[-1].done.last_ns),
        engine="local",
        code=code_digest(),
        lake=lake,
        seconds=seconds,
    )
