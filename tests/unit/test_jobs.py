"""A job's name says everything that its result depends on, and its result is what replays give."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.planted_week import DAYS, Week
from hfptm.clock import NS_MAX, parse_utc_ns
from hfptm.config import Config, load
from hfptm.errors import LakeError
from hfptm.journal import read_run
from hfptm.lake import Lake
from hfptm.parquet import open_table
from hfptm.units import ONE_E6
from replay.driver import Selection, replay
from replay.jobs import Job, clean, days_of, gather, journals, plan, result, run_job
from replay.sweep import results_of
from replay.sweep_check import check
from tests.weeks import own_data

ALL = Selection(0, NS_MAX)
SECOND_DAY = Selection(parse_utc_ns("2026-11-21"), parse_utc_ns("2026-11-22"))
LATENCIES_MS = (0, 50, 400)


def sets(*overrides: str) -> list[Config]:
    return [load(None, [f"sim.entry_latency_ms={ms}", *overrides], {}) for ms in LATENCIES_MS]


def jobs(data: Path, selection: Selection = ALL, *overrides: str) -> list[Job]:
    return plan(data, days_of(data, selection), sets(*overrides))


def keys(*arguments: Any) -> set[str]:
    return {job.key for job in jobs(*arguments)}


def test_each_day_is_a_job_and_begins_and_ends_with_it(planted_week: Week, tmp_path: Path) -> None:
    found = jobs(own_data(planted_week, tmp_path))
    assert [job.date for job in found] == [f"2026-11-{20 + number}" for number in range(DAYS)]
    assert len({job.key for job in found}) == DAYS
    assert all(job.numbers == (0, 1, 2) for job in found)
    for first, second in pairwise(found):
        assert first.selection.to_ns == second.selection.from_ns


def test_a_name_changes_with_what_the_result_depends_on(planted_week: Week, tmp_path: Path) -> None:
    data = own_data(planted_week, tmp_path)
    plain = keys(data, SECOND_DAY)
    assert len(plain) == 1
    assert keys(data, ALL) & plain == plain, "of a longer time, this day is the same job"
    assert keys(data, SECOND_DAY, "recorder.redundancy=1", "replay.block_rows=7") == plain
    assert keys(data, SECOND_DAY, "trading.min_edge=0.03") != plain
    shorter = SECOND_DAY._replace(from_ns=parse_utc_ns("2026-11-21T14:01"))
    assert keys(data, shorter) != plain
    assert keys(data, SECOND_DAY._replace(events=("rate-decision-december-day-2",))) != plain


def test_a_name_changes_with_the_recording(planted_week: Week, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for path in sorted((planted_week.data / "lake").rglob("*.parquet")):
        copy = data / path.relative_to(planted_week.data)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    before = keys(data)
    market = next(m for m in Lake(data).markets() if m.slug.endswith("-day-3"))
    day = parse_utc_ns("2026-11-22")
    market = type(market)(**{**_fields(market), "valid_from_ns": day + 1, "fee_rate_e4": 9})
    groups = [group for group in Lake(data).groups() if group.group == market.group]
    Lake(data).write_markets("later", [market], groups)
    assert len(before & keys(data)) == DAYS - 1, "one market's day is another now"


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def test_a_measured_file_counts_by_its_content(planted_week: Week, tmp_path: Path) -> None:
    data = own_data(planted_week, tmp_path / "data")
    measured = tmp_path / "measured.csv"
    header = "request_ns,exchange_ns,response_ns\n"
    found = []
    for row in ("1000,2000,3000\n", "1000,2500,3000\n", "1000,2000,3000\n"):
        measured.write_text(header + row)
        found.append(keys(data, SECOND_DAY, f"sim.measured_requests={measured}"))
    assert found[0] == found[2] != found[1]


def test_sets_that_cannot_ride_together_are_jobs_apart(planted_week: Week, tmp_path: Path) -> None:
    data = own_data(planted_week, tmp_path)
    configs = [*sets(), *sets("sim.restarts="), *sets("trading.min_edge=0.05")]
    found = plan(data, days_of(data, SECOND_DAY), configs)
    assert [job.numbers for job in found] == [(0, 1, 2, 6, 7, 8), (3, 4, 5)]


def test_a_job_gives_what_replays_of_its_sets_give(planted_week: Week, tmp_path: Path) -> None:
    data = own_data(planted_week, tmp_path)
    (job,) = jobs(data, SECOND_DAY)
    told: list[int] = []
    run_job(job, lambda done, _: told.append(done))
    days = gather([job]).days.to_pylist()
    assert [row["set"] for row in days] == [0, 1, 2]
    for row, config in zip(days, sets(), strict=True):
        _, summary = replay(data, config, SECOND_DAY, lambda *_: None)
        wanted: dict[str, Any] = summary
        kinds = wanted["opportunities"].values()
        for name in ("seen", "displayed", "arrived", "printed", "unseen"):
            assert row[name] == sum(kind[name] for kind in kinds)
        assert row["artefacts"] == sum(kind["artefact"] for kind in kinds)
        assert row["displayed"] > 20
        for name in ("displayed", "arrived"):
            assert row[f"{name}_e6"] == _e6(sum(kind[f"{name}_usd"] for kind in kinds))
        for name in ("plans", "completed", "partial", "missed", "fills", "rejects"):
            assert row[name] == wanted[name]
        for name in ("fees", "locked", "locked_profit", "residue_cost", "residue_bid"):
            assert row[f"{name}_e6"] == _e6(wanted[f"{name}_usd"])
        assert row["realised_e6"] == _e6(wanted["pnl_usd"])
        gained_e6 = row["realised_e6"] + row["locked_profit_e6"] + row["residue_bid_e6"]
        assert row["result_e6"] == gained_e6 - row["residue_cost_e6"]
        assert row["rows"] == wanted["events"]
    assert told[-1] == job.rows
    check_events(job)


def test_a_set_that_came_out_otherwise_is_found(planted_week: Week, tmp_path: Path) -> None:
    (job,) = jobs(own_data(planted_week, tmp_path), SECOND_DAY)
    run_job(job, lambda *_: None)
    honest = check([job], 3, lambda *_: None)
    assert (honest.sets, honest.days, honest.differences) == ([0, 1, 2], 1, [])
    assert honest.rows > 500
    table = open_table(job.path).read()
    texts = table["journal"].to_pylist()
    texts[1] = "0" * 64
    place = table.schema.get_field_index("journal")
    pq.write_table(table.set_column(place, table.field(place), pa.array(texts)), job.path)
    found = check([job], 3, lambda *_: None)
    assert found.differences == ["2026-11-21, set 1: its journal is another alone"]


def test_the_digest_of_a_lane_is_that_of_a_run(planted_week: Week, tmp_path: Path) -> None:
    data = own_data(planted_week, tmp_path)
    (job,) = jobs(data, SECOND_DAY)
    run_job(job, lambda *_: None)
    for config, digest in zip(sets(), journals(job), strict=True):
        path, _ = replay(data, config, SECOND_DAY, lambda *_: None)
        assert read_run(data, path.name).digest() == digest


def _e6(dollars: float) -> int:
    return round(dollars * ONE_E6)


def check_events(job: Job) -> None:
    """Events sum to their day; each names one of the lake's."""
    days, events = result(job)
    groups = {group.group for group in Lake(job.data).groups()}
    assert set(events["event"].to_pylist()) & groups
    for name in ("displayed", "arrived", "unseen", "displayed_e6", "realised_e6", "result_e6"):
        totals = np.zeros(len(days), np.int64)
        np.add.at(totals, events["set"].to_numpy(), events[name].to_numpy())
        assert totals.tolist() == days[name].to_pylist(), name
    keys_of_rows = zip(
        *(events[name].to_pylist() for name in ("set", "event", "kind")), strict=True
    )
    assert len(set(keys_of_rows)) == len(events)
    found = results_of(gather([job]), len(days))
    assert found.days == (job.date,)
    assert found.result_e6.sum(axis=1).tolist() == days["result_e6"].to_pylist()


def test_numbers_of_the_sweep_come_back(planted_week: Week, tmp_path: Path) -> None:
    (job,) = jobs(own_data(planted_week, tmp_path), SECOND_DAY)
    run_job(job, lambda *_: None)
    moved = job._replace(numbers=(7, 3, 5))
    assert result(moved).days["set"].to_pylist() == [7, 3, 5]
    assert result(moved).days["set"].type == pa.int32()
    assert gather([moved]).days["set"].to_pylist() == [3, 5, 7]


def test_what_a_dead_worker_left_is_removed_and_what_a_live_one_writes_is_not(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "sweeps" / "jobs"
    folder.mkdir(parents=True)
    dead, live = folder / "aa.99999999.tmp", folder / "bb.1.tmp"
    dead.touch()
    live.touch()
    clean(tmp_path)
    assert list(folder.iterdir()) == [live]


@pytest.mark.parametrize("selection", [ALL, Selection(0, 1)])
def test_nothing_recorded_is_one_clear_error(tmp_path: Path, selection: Selection) -> None:
    with pytest.raises(LakeError, match=r"nothing recorded .* `hfptm import`"):
        days_of(tmp_path, selection)


def test_an_event_that_is_not_there(planted_week: Week, tmp_path: Path) -> None:
    data = own_data(planted_week, tmp_path)
    with pytest.raises(LakeError, match="no event 'nowhere'"):
        days_of(data, ALL._replace(events=("nowhere",)))
