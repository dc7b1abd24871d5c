"""Figures of lakes and of one opportunity draw what is there, and say so where nothing is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hfptm.catalog import connect
from hfptm.errors import LakeError
from hfptm.lake import Gap, Lake
from hfptm.opportunities import OpportunityKind
from hfptm.records import EventFlag, GapReason
from hfptm.units import PRICE_ONE_E4, pack_best
from notebooks import figures
from notebooks.sights import told
from tests.kept_replay import keep_replay
from tests.tapes import HOUR_NS, START_NS, make_market, make_rows

SECOND_NS = 1_000_000_000
CLOSING = EventFlag.LAST_IN_BATCH | EventFlag.BEST_YES
EMPTY: list[Callable[[duckdb.DuckDBPyConnection], Any]] = [
    *(figures.recorded_hours, figures.busiest_markets, figures.spreads),
    *(figures.unseen, figures.lags, figures.doubts),
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Two markets, a row a second for a minute in each of two hours that are a day apart."""
    data = tmp_path_factory.mktemp("lake")
    made, markets = Lake(data), [make_market("busy"), make_market("quiet<b>")]
    times = [START_NS + day * 24 * HOUR_NS + n * SECOND_NS for day in range(2) for n in range(60)]
    for name, market, step in (("a", markets[0], 1), ("b", markets[1], 2)):
        rows = make_rows(times[::step], market.market)
        rows["ts_venue_ns"] = rows["ts_recv_ns"] - 30_000_000
        rows["flags"], rows["aux"] = CLOSING, pack_best(4_000, 4_200)
        rows["flags"][:3] = CLOSING | EventFlag.BEST_MISMATCH
        made.write_events(name, rows)
    made.write_markets("made", markets)
    gaps = [
        Gap(START_NS, markets[0].market, START_NS + 3 * SECOND_NS, GapReason.DISCONNECT),
        Gap(START_NS, markets[1].market, START_NS + 9 * SECOND_NS, GapReason.REMOVED),
    ]
    made.write_gaps("made", gaps)
    with connect(data) as connection:
        yield connection


def test_hours_with_rows(lake: duckdb.DuckDBPyConnection) -> None:
    made = figures.recorded_hours(lake)
    assert made.layout.title.text == "180 rows of 2 markets, in 2 hours"
    (map_,) = made.data
    assert list(map_.y) == ["2026-04-29", "2026-04-30"]
    assert [[hours[2], hours[3]] for hours in map_.z] == [[90, None], [90, None]]


def test_the_busiest_come_first_and_their_names_are_text(lake: duckdb.DuckDBPyConnection) -> None:
    made = figures.busiest_markets(lake)
    assert list(made.layout.yaxis.ticktext) == ["busy", "quiet&lt;b&gt;"]
    assert [list(bars.x) for bars in made.data] == [[120, 60], [0, 0]]


def test_spreads_in_cents(lake: duckdb.DuckDBPyConnection) -> None:
    lines = {line.name: set(line.y) for line in figures.spreads(lake).data}
    assert lines == {"busy": {2.0}, "quiet&lt;b&gt;": {2.0}}


def test_what_was_not_seen_is_a_share_of_all_markets_time(lake: duckdb.DuckDBPyConnection) -> None:
    """3 s of two markets in a day and 59 s; what was asked for no more is no loss."""
    made = figures.unseen(lake)
    share = 100 * 3 / (2 * (24 * 3_600 + 59))
    assert made.layout.title.text == f"Not seen: {share:.3g} % of the markets' time"
    (bars,) = made.data
    assert (bars.name, list(bars.x), list(bars.y)) == ("disconnect", ["2026-04-29 02"], [3.0])


def test_lags_and_doubts(lake: duckdb.DuckDBPyConnection) -> None:
    assert all(set(line.y) == {30.0} for line in figures.lags(lake).data)
    (bars,) = figures.doubts(lake).data
    assert dict(zip(bars.y, bars.text, strict=True))["best prices disagreed"] == "6"
    assert bars.x[0] == pytest.approx(1e6 * 6 / 180)


@pytest.mark.parametrize("figure", EMPTY)
def test_where_there_is_nothing_it_says_so(
    tmp_path: Path, figure: Callable[[duckdb.DuckDBPyConnection], Any]
) -> None:
    with connect(tmp_path) as connection, pytest.raises(LakeError, match=r"nothing|no best"):
        figure(connection)


@pytest.mark.parametrize(
    ("kind", "pays"),
    [("BINARY", 1), ("NO_BASKET", 2), ("YES_BASKET", 1), ("NESTED", 1)],
)
def test_what_a_set_of_three_legs_pays(tmp_path: Path, kind: str, pays: int) -> None:
    run = str(keep_replay(tmp_path, 1)["run_id"])
    with connect(tmp_path) as connection:
        seen = figures.sight(connection, run, figures.largest(connection, run))
    seen = seen._replace(kind=OpportunityKind[kind], legs=seen.legs[:1] * 3)
    assert seen.pays_e4 == pays * PRICE_ONE_E4


def test_one_opportunity(tmp_path: Path) -> None:
    """A crossed book of a market: YES at its ask and NO at one minus its bid."""
    run = str(keep_replay(tmp_path, 2)["run_id"])
    with connect(tmp_path) as connection:
        seen = figures.sight(connection, run, figures.largest(connection, run))
        cost, levels = figures.set_cost(connection, seen), figures.ladders(connection, seen)
        rows = figures.events_around(connection, seen).fetchall()
        query = "SELECT displayed_size_e6, gross_e4 FROM opportunities JOIN decisions"
        wanted = f"{query} USING (run_id, decision) WHERE displayed AND gross_e4 > 0 LIMIT 1"
        ((size_e6, gross_e4),) = connection.execute(wanted).fetchall()
        with pytest.raises(LakeError, match="displayed no opportunity 99"):
            figures.sight(connection, run, 99)
        with pytest.raises(LakeError, match="run other displayed nothing"):
            figures.largest(connection, "other")
    assert told(seen).startswith("Binary: $")
    assert f"on {size_e6 / 1e6:,.0f} sets" in told(seen)
    pays, line = cost.data
    assert set(pays.y) == {1.0}
    assert min(y for y in line.y if y is not None) == pytest.approx(1 - gross_e4 / 1e4)
    assert "<script" not in str(levels.layout.yaxis.ticktext)
    assert {bar.marker.color for bar in levels.data} >= {"#2f7fc1"}
    assert rows
