"""The capture analysis of a week with planted opportunities, and of one without any."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from benchmarks.capture import UNBOUND
from hfptm.clock import NS_MAX
from hfptm.config import load
from hfptm.sweep_files import Sweep, sweep_ids
from hfptm.units import NS_PER_MS
from replay.capture import capture
from replay.capture_sets import LATENCIES_MS, capture_sets
from replay.capture_summary import Findings
from replay.driver import Selection, replay
from tests.e2e.command import hfptm, must
from tests.weeks import own_data

if TYPE_CHECKING:
    from benchmarks.planted_week import Week

ALL = Selection(0, NS_MAX)


@pytest.fixture(scope="module")
def found(
    planted_week: "Week", tmp_path_factory: pytest.TempPathFactory
) -> tuple[Sweep, Findings, Path]:
    data = own_data(planted_week, tmp_path_factory.mktemp("capture"))
    path, findings = capture(data, load(None, UNBOUND, {}), ALL, lambda *_: None)
    return Sweep(data, path.name), findings, data


def frame(sweep: Sweep, name: Any) -> pl.DataFrame:
    table = pl.from_arrow(sweep.table(name))
    assert isinstance(table, pl.DataFrame)
    return table


def test_the_curve_is_what_was_planted(
    planted_week: "Week", found: tuple[Sweep, Findings, Path]
) -> None:
    """Of each thing the exchange's own prices say when it came into sight, and when it was gone."""
    _, findings, _ = found
    sights_ns = np.array([sight for day in planted_week.days for sight in day.sights_ns])
    ends_ns = np.array([thing.end_ts_venue_ns for thing in planted_week.planted])
    for point in findings.curve:
        assert point.displayed == len(ends_ns)
        share = float(np.mean(sights_ns + point.latency_ms * NS_PER_MS < ends_ns))
        assert point.count.low is not None
        assert point.count.high is not None
        assert point.count.low <= share <= point.count.high, point
    shares = [point.count.value for point in findings.curve]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.95
    assert shares[-1] < 0.5


def test_lives_are_those_that_were_planted(
    planted_week: "Week", found: tuple[Sweep, Findings, Path]
) -> None:
    """Until the last leg is seen some milliseconds of a life are over."""
    _, findings, _ = found
    lives_ms = [
        (thing.end_ts_venue_ns - thing.start_ts_venue_ns) / NS_PER_MS
        for thing in planted_week.planted
    ]
    every = findings.survival[0]
    assert (every.n, every.censored) == (len(lives_ms), 0)
    for quartile, planted_ms in zip(
        every.quartiles, np.percentile(lives_ms, [25, 50, 75]), strict=True
    ):
        assert quartile.after_ms == pytest.approx(planted_ms, abs=25)
    (ends, *_) = findings.endings
    assert ends.counts["trade"] == ends.counts["unseen"] == ends.counts["open"] == 0


def test_its_tables_agree(found: tuple[Sweep, Findings, Path]) -> None:
    sweep, findings, _ = found
    days, events = frame(sweep, "days"), frame(sweep, "events")
    opportunities, sets = frame(sweep, "opportunities"), frame(sweep, "sets")
    assert sweep.head.kind == "capture"
    assert (len(sweep.head.days), sweep.head.sets) == (7, len(sets))
    assert {f"{key}" for key in sets.columns} == {"set", *sweep.head.keys}
    for name in ("displayed_e6", "arrived", "printed", "arrived_e6", "unseen"):
        by_set = days.group_by("set").agg(pl.col(name).sum()).sort("set")
        assert by_set.equals(opportunities.group_by("set").agg(pl.col(name).sum()).sort("set"))
        assert by_set.equals(events.group_by("set").agg(pl.col(name).sum()).sort("set"))
    results = days.group_by("set").agg(pl.col("result_e6").sum()).sort("set")
    assert results.equals(events.group_by("set").agg(pl.col("result_e6").sum()).sort("set"))
    assert findings.result_usd.value == pytest.approx(results["result_e6"][0] / 1e6)
    assert opportunities["event"].is_in(opportunities["market"].implode()).all()
    assert set(opportunities["category"]) >= {"sports", "politics"}


def test_the_first_set_is_a_replay(found: tuple[Sweep, Findings, Path]) -> None:
    sweep, _, data = found
    first, last = (frame(sweep, "days")["date"][place] for place in (0, 1))
    first_ns, last_ns = [
        int(pl.Series([day]).cast(pl.Datetime("ns")).cast(pl.Int64)[0]) for day in (first, last)
    ]
    _, summary = replay(
        data, load(None, UNBOUND, {}), Selection(first_ns, last_ns), lambda *_: None
    )
    day = frame(sweep, "days").filter((pl.col("set") == 0) & (pl.col("date") == first))
    kinds: Any = summary["opportunities"]
    assert day["displayed"][0] == sum(kind["displayed"] for kind in kinds.values())
    assert day["arrived"][0] == sum(kind["arrived"] for kind in kinds.values())
    assert day["plans"][0] == summary["plans"]
    assert day["realised_e6"][0] / 1e6 == pytest.approx(float(str(summary["pnl_usd"])))


def test_every_point_and_neighbour_is_kept(found: tuple[Sweep, Findings, Path]) -> None:
    sweep, findings, _ = found
    assert [point.latency_ms for point in findings.curve] == [*LATENCIES_MS]
    assert len(frame(sweep, "sets")) == len(capture_sets(load(None, UNBOUND, {})))
    assert len(findings.advice.tried) == sum(
        one.latency_ms is None for one in capture_sets(load(None, UNBOUND, {}))[1:]
    )
    assert (findings.verdict.word, sweep.summary["verdict"]["word"]) == ("edge", "edge")


def test_a_week_without_any_is_left_alone(bare_week: "Week", tmp_path: Path) -> None:
    data = own_data(bare_week, tmp_path)
    found = must("capture", "--data", data, "--json").json
    assert found["as_configured"]["displayed"] == 0
    assert found["verdict"]["word"] == "no edge"
    assert found["advice"]["sentence"].startswith("No change is supported by this data")
    assert not any(statement["change"] for statement in found["advice"]["statements"])
    (sweep,) = sweep_ids(data)
    assert Sweep(data, sweep).summary == found


def test_what_is_not_there_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    found = hfptm("capture", "--data", tmp_path)
    assert (found.code, found.err.count("\n")) == (4, 1)
    assert "hfptm import" in found.err
    assert sweep_ids(tmp_path) == []
