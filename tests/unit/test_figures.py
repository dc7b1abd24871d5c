"""Figures show the numbers of the catalog, say of how many, and can be read by everybody."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import plotly.graph_objects as go
import pytest

from hfptm.catalog import connect
from hfptm.certificate import Certificate, Checksums, Clock, Findings, Grade, Lines, Origin, store
from hfptm.errors import LakeError
from hfptm.lake import Lake
from hfptm.opportunities import OpportunityKind
from notebooks import figures, look, newest
from notebooks.opportunities import KINDS, SIZES
from tests.kept_replay import ALIKE, HOSTILE, keep_replay
from tests.kept_sweeps import (
    CAPTURE_ID,
    LATENCIES_MS,
    SWEEP_ID,
    keep_capture,
    keep_sweep,
    sweep_opportunities,
)
from tests.tapes import HOUR_NS, START_NS

Connection = duckdb.DuckDBPyConnection
Draw = Callable[[Connection, str], go.Figure]

MARKETS = 14


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    keep_replay(folder, MARKETS)
    keep_sweep(folder)
    keep_capture(folder)
    _certify(Lake(folder), Grade.C, unseen_s=360.0)
    return folder


def _certify(lake: Lake, grade: Grade, unseen_s: float) -> None:
    parts = Lines(), Clock(), Checksums()
    total = Findings(listed_s=3_600.0, unseen_s=unseen_s, batches_checked=10, gaps=2)
    hour_ns = START_NS // HOUR_NS * HOUR_NS
    store(
        lake,
        Certificate(
            hour_ns=hour_ns,
            origin=Origin.RECORDED,
            grade=grade,
            total=total,
            lines=parts[0],
            clock=parts[1],
            checksums=parts[2],
            markets=[],
        ),
    )


@pytest.fixture(scope="module")
def connection(data: Path) -> Iterator[Connection]:
    with connect(data) as made:
        yield made


@pytest.fixture(scope="module")
def run(connection: Connection) -> str:
    ((run_id,),) = connection.execute("SELECT run_id FROM runs").fetchall()
    return str(run_id)


def lane(latency_ms: int) -> int:
    """The set of the curve with this latency."""
    return LATENCIES_MS.index(latency_ms) + 1


def series(figure: go.Figure, name: str) -> go.Figure:
    (found,) = [trace for trace in figure.data if trace.name == name]
    return found


KEYS = ("trading.min_edge", "sim.entry_latency_ms")
OF_SWEEPS: dict[str, Draw] = {
    "distribution": figures.distribution,
    "walk_forward": figures.walk_forward,
    "best_sets": figures.best_sets,
    "sensitivity": figures.sensitivity,
    "profile": lambda connection, sweep_id: figures.profile(connection, sweep_id, KEYS[0]),
    "heat_map": lambda connection, sweep_id: figures.heat_map(connection, sweep_id, *KEYS),
    "result_by_day": figures.result_by_day,
    "result_by_event": figures.result_by_event,
}
OF_CAPTURES: dict[str, Draw] = {
    "capture_curve": figures.capture_curve,
    "lifetimes": figures.lifetimes,
    "taken_by": figures.taken_by,
}
DRAWS = [
    *((draw, SWEEP_ID) for draw in OF_SWEEPS.values()),
    *((draw, CAPTURE_ID) for draw in OF_CAPTURES.values()),
]
NAMES = [*OF_SWEEPS, *OF_CAPTURES]


@pytest.mark.parametrize(("draw", "sweep_id"), DRAWS, ids=NAMES)
def test_every_figure_says_of_how_many_and_in_which_unit(
    connection: Connection, draw: Draw, sweep_id: str
) -> None:
    made = draw(connection, sweep_id)
    assert made.layout.title.text
    assert made.layout.title.subtitle.text.startswith("n = ")
    assert made.layout.xaxis.title.text
    made.to_json()


@pytest.mark.parametrize(("draw", "sweep_id"), DRAWS, ids=NAMES)
def test_an_unknown_sweep_is_one_clear_message(
    connection: Connection, draw: Draw, sweep_id: str
) -> None:
    with pytest.raises(LakeError, match="20990101"):
        draw(connection, "20990101")


def test_a_curve_shows_shares_and_their_bands(connection: Connection) -> None:
    made = figures.capture_curve(connection, CAPTURE_ID)
    line = series(made, "by count")
    low, high = series(made, "by count, low"), series(made, "by count, high")
    assert list(line.x) == list(LATENCIES_MS)
    arrived = sweep_opportunities()
    of_100_ms = arrived["arrived"][arrived["set"] == lane(100)].mean()
    assert line.y[LATENCIES_MS.index(100)] == pytest.approx(100 * of_100_ms)
    assert all(a <= b <= c for a, b, c in zip(low.y, line.y, high.y, strict=True))
    assert high.fill == "tonexty"
    assert "n = 240 opportunities of 20 events" in made.layout.title.subtitle.text


def test_where_nothing_was_displayed_nothing_is_drawn(tmp_path: Path) -> None:
    share = {"value": 0, "low": None, "high": None}
    point = {"set": 1, "latency_ms": 0, "displayed": 0, "arrived": 0, "unseen": 0, "events": 0}
    life: dict[str, object] = {key: [] for key in ("after_ms", "alive", "low", "high")}
    keep_capture(
        tmp_path,
        {
            "curve": [{**point, "count": share, "dollars": share}],
            "survival": [{"kind": "all", "n": 0, "censored": 0, **life}],
        },
    )
    with connect(tmp_path) as connection:
        for draw in (figures.capture_curve, figures.lifetimes):
            with pytest.raises(LakeError, match="displayed nothing"):
                draw(connection, CAPTURE_ID)


def test_a_share_above_one_is_inside_the_axes(tmp_path: Path) -> None:
    """More may be there at arrival than was displayed."""
    point = {"set": 1, "latency_ms": 0, "displayed": 9, "arrived": 9, "unseen": 0, "events": 9}
    share = {"value": 1.5, "low": 1.2, "high": 1.9}
    keep_capture(tmp_path, {"curve": [{**point, "count": share, "dollars": share}]})
    with connect(tmp_path) as connection:
        made = figures.capture_curve(connection, CAPTURE_ID)
    assert made.layout.yaxis.range[1] > 190
    assert "depth was added until arrival" in made.layout.title.subtitle.text


def test_depth_that_grew_until_arrival_is_said(connection: Connection, run: str) -> None:
    within = figures.opportunities_by(connection, figures.of_set(CAPTURE_ID, 0), "kind", "dollars")
    assert "depth was added" not in within.layout.title.subtitle.text
    connection.execute(
        "CREATE TEMP VIEW grown AS SELECT * REPLACE (2 * displayed_e6 AS arrived_e6) "
        "FROM opportunities"
    )
    chosen = figures.of_run(run)._replace(view="grown")
    grown = figures.opportunities_by(connection, chosen, "kind", "dollars")
    assert "depth was added until arrival" in grown.layout.title.subtitle.text


@pytest.mark.parametrize(
    ("amounts", "ends"), [([1, 3], (1, 3)), ([-3, -1], (-3, -1)), ([-1, 3], (-3, 3))]
)
def test_profit_is_never_the_colour_of_loss(
    amounts: list[float], ends: tuple[float, float]
) -> None:
    found = look.colours_of(amounts)
    assert (found["zmin"], found["zmax"]) == ends
    scale = found["colorscale"]
    assert isinstance(scale, list)
    assert (scale[0][1] == look.ORANGE) == (min(amounts) < 0)
    assert (scale[-1][1] == look.BLUE) == (max(amounts) > 0)


def test_where_there_is_no_band_none_is_drawn(tmp_path: Path) -> None:
    point = {"set": 0, "latency_ms": 0, "displayed": 2, "arrived": 1, "unseen": 0, "events": 1}
    share = {"value": 0.5, "low": None, "high": None}
    keep_capture(tmp_path, {"curve": [{**point, "count": share, "dollars": share}]})
    with connect(tmp_path) as connection:
        made = figures.capture_curve(connection, CAPTURE_ID)
        assert series(made, "by count, low").y == (None,)
        with pytest.raises(LakeError, match="says nothing of its survival"):
            figures.lifetimes(connection, CAPTURE_ID)


def test_the_set_of_a_latency_is_the_nearest(connection: Connection) -> None:
    assert figures.nearest_set(connection, CAPTURE_ID, 60) == lane(50)
    assert figures.nearest_set(connection, CAPTURE_ID, 175) == lane(150)
    assert figures.nearest_set(connection, CAPTURE_ID, 9_000) == lane(1_000)


def test_all_sets_are_in_the_distribution(connection: Connection) -> None:
    made = figures.distribution(connection, SWEEP_ID)
    assert sum(made.data[0].y) == 30
    lines = sorted(shape.x0 for shape in made.layout.shapes)
    totals = list(_totals(connection).values())
    assert lines == [0, pytest.approx(max(totals) / 1e6 + 3)]
    assert "30" in made.layout.annotations[0].text


def _totals(connection: Connection) -> dict[int, int]:
    rows = connection.execute(
        'SELECT "set", sum(result_e6) FROM sweep_days WHERE sweep_id = ? GROUP BY 1',
        [SWEEP_ID],
    ).fetchall()
    return dict(rows)


def test_the_best_set_has_the_largest_result(connection: Connection) -> None:
    totals = _totals(connection)
    assert totals[figures.best_set(connection, SWEEP_ID)] == max(totals.values())


def test_a_heat_map_shows_the_mean_of_each_pair(connection: Connection) -> None:
    made = figures.heat_map(connection, SWEEP_ID, *KEYS)
    (cells,) = made.data
    totals = _totals(connection)
    assert np.shape(cells.z) == (5, 6)
    assert cells.x[0] == "0.005"
    assert cells.z[0][0] == pytest.approx(totals[0] / 1e6)
    assert cells.z[2][1] == pytest.approx(totals[7] / 1e6)
    (alone,) = figures.heat_map(connection, SWEEP_ID, KEYS[0], KEYS[0]).data
    assert alone.z[0][0] == pytest.approx(np.mean([totals[number] for number in range(5)]) / 1e6)
    assert alone.z[0][1] is None


def test_gains_and_losses_are_in_their_events(connection: Connection) -> None:
    """Events 1 to 8 gave -3 to 4 dollars; what gave nothing is not shown."""
    (bars,) = figures.result_by_event(connection, SWEEP_ID, 2).data
    assert dict(zip(bars.y, bars.x, strict=True)) == {
        str(event): event - 4 for event in range(1, 9) if event != 4
    }
    assert bars.y[0] == "8", "the largest first"


def test_what_no_heat_map_can_show_is_said(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert figures.swept_keys(connection, SWEEP_ID) == list(KEYS[::-1]), "most influential first"
    with pytest.raises(LakeError, match="did not vary risk"):
        figures.heat_map(connection, SWEEP_ID, KEYS[0], "risk.max")
    monkeypatch.setattr("notebooks.figures_settings.VALUES_MAX", 5)
    with pytest.raises(LakeError, match="at most 5 each"):
        figures.heat_map(connection, SWEEP_ID, *KEYS)


def test_a_walk_without_days_is_no_figure(tmp_path: Path) -> None:
    keep_sweep(tmp_path, {"walk_forward": {"days": [], "total_e6": {"value": 0}}})
    with connect(tmp_path) as connection, pytest.raises(LakeError, match="too few days"):
        figures.walk_forward(connection, SWEEP_ID)


def test_a_day_is_shown_in_parts_that_sum_to_its_result(connection: Connection) -> None:
    made = figures.result_by_day(connection, SWEEP_ID, 3)
    *parts, total = (np.array(trace.y) for trace in made.data)
    assert np.cumsum(sum(parts)) == pytest.approx(total)
    assert total[-1] == pytest.approx(_totals(connection)[3] / 1e6)


@pytest.mark.parametrize("by", ["kind", "hour", "size"])
def test_opportunities_are_grouped_without_loss(connection: Connection, by: str) -> None:
    rows, number = sweep_opportunities(), lane(100)
    mine = rows["set"] == number
    chosen = figures.of_set(CAPTURE_ID, number)
    made = figures.opportunities_by(connection, chosen, by, "count")  # type: ignore[arg-type]
    axis = "x" if by == "kind" else "y"
    assert sum(series(made, "displayed")[axis]) == 240
    assert sum(series(made, "still there at arrival")[axis]) == rows["arrived"][mine].sum()
    assert sum(series(made, "corroborated by a print")[axis]) == rows["printed"][mine].sum()
    money = figures.opportunities_by(connection, chosen, by, "dollars")  # type: ignore[arg-type]
    arrived_usd = sum(series(money, "still there at arrival")[axis])
    assert arrived_usd == pytest.approx(rows["arrived_e6"][mine].sum() / 1e6)


def test_groups_are_those_of_the_rows(connection: Connection) -> None:
    rows = sweep_opportunities()
    mine = rows["set"] == 0
    chosen = figures.of_set(CAPTURE_ID, 0)
    by_kind = series(figures.opportunities_by(connection, chosen, "kind"), "displayed")
    counts = {KINDS[k]: int((rows["kind"][mine] == k).sum()) for k in OpportunityKind}
    assert dict(zip(by_kind.y, by_kind.x, strict=True)) == counts
    by_hour = series(figures.opportunities_by(connection, chosen, "hour"), "displayed")
    hours = rows["displayed_ns"][mine] // HOUR_NS % 24
    assert list(by_hour.y) == [int((hours == hour).sum()) for hour in np.unique(hours)]
    by_size = series(figures.opportunities_by(connection, chosen, "size"), "displayed")
    sizes = np.digitize(rows["displayed_outlay_e6"][mine] / 1e6, (1, 10, 100, 1_000))
    assert dict(zip(by_size.x, by_size.y, strict=True)) == {
        SIZES[size]: int((sizes == size).sum()) for size in np.unique(sizes)
    }


def test_events_that_do_not_fit_are_counted(connection: Connection) -> None:
    made = figures.opportunities_by(connection, figures.of_set(CAPTURE_ID, 0), "event", "dollars")
    shown = series(made, "displayed")
    assert len(shown.x) == 12
    assert list(shown.x) == sorted(shown.x, reverse=True)
    assert "the 12 largest of 20 events" in made.layout.title.subtitle.text


def test_words_of_others_are_no_markup(connection: Connection, run: str) -> None:
    made = figures.opportunities_by(connection, figures.of_run(run), "event", "dollars")
    assert HOSTILE in made.data[0].y
    shown = made.layout.yaxis.ticktext
    assert not any("<" in text for text in shown)
    assert any(text.startswith("&lt;script&gt;") for text in shown)
    ends = {text[-2:] for text in shown if text.startswith(ALIKE[:10])}
    assert len(ends) > 8, "names that begin alike must still differ"


def test_a_run_shows_its_result_and_its_orders(connection: Connection, run: str) -> None:
    made = figures.result_parts(connection, {"": run})
    *parts, total = made.data[0].y
    assert total == pytest.approx(sum(parts))
    assert parts[0] > 0
    times = figures.answer_times(connection, {"a": run, "b": run})
    assert [trace.name for trace in times.data] == ["a", "b"]
    assert times.data[0].y[-1] == 100
    assert min(times.data[0].x) >= 150, "the configured latency"


def test_an_unknown_run_is_one_clear_message(connection: Connection) -> None:
    for draw in (figures.result_parts, figures.answer_times):
        with pytest.raises(LakeError, match="20990101"):
            draw(connection, {"": "20990101"})
    with pytest.raises(LakeError, match="20990101 displayed nothing"):
        figures.opportunities_by(connection, figures.of_run("20990101"), "kind")


def test_two_runs_beside_each_other(tmp_path: Path) -> None:
    """One that trades all, one that trades nothing: each pair is told apart, and why."""
    keep_replay(tmp_path, 4)
    keep_replay(tmp_path, 4, "trading.min_edge=0.9")
    with connect(tmp_path) as connection:
        sides = newest.pair(connection)
        same = figures.plan_pairs(connection, {"a": _first(sides), "b": _first(sides)})
        assert dict(zip(same.data[0].y, same.data[0].x, strict=True)) == {"planned by both": 4}
        apart = figures.plan_pairs(connection, sides)
        (name,) = apart.data[0].y
        assert name.endswith(": edge below minimum")
        assert list(apart.data[0].x) == [4]
        ends = figures.order_ends(connection, sides)
        assert [sum(shares) for shares in zip(*(t.x for t in ends.data), strict=True)] == [100, 0]
        with pytest.raises(LakeError, match="no order in"):
            figures.order_ends(connection, {"b": list(sides.values())[1]})


def _first(sides: dict[str, str]) -> str:
    return next(iter(sides.values()))


def test_the_newest_is_taken(connection: Connection, run: str, tmp_path: Path) -> None:
    assert newest.run(connection) == run == newest.run(connection, "paper", "replay")
    assert newest.sweep(connection) == SWEEP_ID
    assert newest.capture(connection) == CAPTURE_ID
    with pytest.raises(LakeError, match="`hfptm live`"):
        newest.run(connection, "live")
    with pytest.raises(LakeError, match="two runs are wanted"):
        newest.pair(connection)
    with connect(tmp_path) as empty:
        for find, command in ((newest.run, "replay"), (newest.sweep, "sweep")):
            with pytest.raises(LakeError, match=f"`hfptm {command}"):
                find(empty)
        with pytest.raises(LakeError, match="`hfptm capture`"):
            newest.capture(empty)


def test_a_live_run_is_paired_with_its_twin(tmp_path: Path) -> None:
    run_id = str(keep_replay(tmp_path, 1)["run_id"])
    runs = tmp_path / "runs"
    shutil.copytree(runs / run_id, runs / f"{run_id}{newest.TWIN}")
    last = keep_replay(tmp_path, 2)["run_id"]
    with connect(tmp_path) as connection:
        assert newest.run(connection, "replay") == last
        twin = f"{run_id}{newest.TWIN}"
        assert newest.pair(connection) == {"live": run_id, "paper twin": twin}


def test_coverage_shows_grades_of_its_hours_alone(connection: Connection) -> None:
    made = figures.coverage(connection, START_NS, START_NS + 1)
    assert list(made.data[0].text) == ["C"]
    assert list(made.data[0].y) == [90]
    with pytest.raises(LakeError, match="hfptm verify"):
        figures.coverage(connection, START_NS + 2 * HOUR_NS, START_NS + 3 * HOUR_NS)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [*look.COLOURS, look.GREY])
@pytest.mark.parametrize("background", look.BACKGROUNDS)
def test_colours_are_seen_on_light_and_dark(colour: str, background: str) -> None:
    """WCAG 2.1, success criterion 1.4.11: 3 to 1 for graphics."""
    bright, dim = sorted((_luminance(colour), _luminance(background)), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= 3


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [(1, "day", "1 day"), (2, "day", "2 days"), (0, "opportunity", "0 opportunities")],
)
def test_counts_are_words(count: int, noun: str, text: str) -> None:
    assert look.plural(count, noun) == text
