"""The catalog: views over a data folder that are there, typed and described, whatever it holds."""

import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hfptm.catalog import connect
from hfptm.catalog.columns import OWN, at_source, comments
from hfptm.catalog.macros import NAMED, function_of
from hfptm.catalog.relations import types_of
from hfptm.lake import SCHEMAS, Gap, Kind, Lake
from hfptm.opportunities import Relation
from hfptm.parquet import TableFile
from hfptm.presence import unread
from hfptm.records import EventKind, GapReason, Side
from hfptm.registry import Group
from hfptm.segments import Merger, merged_name, merged_schema
from hfptm.units import pack_best
from tests import tapes
from tests.kept_sweeps import keep_sweep
from tests.tapes import HOUR_NS, START_NS, make_market, make_rows

GROUP = Group(group=9, slug="event", relation=Relation.EXACTLY_ONE, members=2, convertible=True)


def names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal")
    return [name for (name,) in found.fetchall()]


def plan(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    ((_, text),) = connection.execute(f"EXPLAIN ANALYZE {query}").fetchall()
    return str(text)


def opened(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """How many files a query opened."""
    found = re.search(r"Total Files Read: (\d+)", plan(connection, query))
    return int(found[1]) if found else 0


def only(connection: duckdb.DuckDBPyConnection, query: str) -> object:
    ((value,),) = connection.execute(query).fetchall()
    return value


@pytest.fixture
def hours(tmp_path: Path) -> Path:
    """Fifty hours of a row each."""
    rows = make_rows([START_NS + hour * HOUR_NS + 5 for hour in range(50)])
    Lake(tmp_path).write_events("segment", rows)
    return tmp_path


def test_what_is_not_there_yet_is_a_view_without_rows(tmp_path: Path) -> None:
    with connect(tmp_path / "nothing") as connection:
        assert len(names(connection)) >= 15
        for view in names(connection):
            assert only(connection, f"SELECT count(*) FROM {view}") == 0
        described = connection.execute("DESCRIBE events").fetchall()
        types = {name: kind for name, kind, *_ in described}
        assert types == {**types_of(SCHEMAS[Kind.EVENTS]), "date": "DATE"} | {
            "hour": "BIGINT",
            "hour_ns": "BIGINT",
        }


def test_types_do_not_depend_on_what_is_there(tmp_path: Path, hours: Path) -> None:
    with connect(hours) as full, connect(tmp_path / "nothing") as empty:
        for view in names(empty):
            query = f"SELECT column_name, column_type FROM (DESCRIBE {view})"
            assert full.execute(query).fetchall() == empty.execute(query).fetchall()


def test_every_column_is_described_and_none_twice(tmp_path: Path) -> None:
    with connect(tmp_path) as connection:
        query = (
            "SELECT table_name, column_name FROM duckdb_columns() "
            f"WHERE table_name IN {tuple(names(connection))}"
        )
        columns = set(connection.execute(query).fetchall())
        bare = set(connection.execute(f"{query} AND comment IS NULL").fetchall())
        views = "SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL"
        assert bare == set()
        assert connection.execute(views).fetchall() == []
    assert {view: at_source(view).keys() & own.keys() for view, own in OWN.items()} == {
        view: set() for view in OWN
    }
    assert {(view, name) for view, own in OWN.items() for name in own} <= columns


def test_a_swept_setting_is_a_column(tmp_path: Path) -> None:
    sweep = keep_sweep(tmp_path)
    with connect(tmp_path) as connection:
        query = 'SELECT DISTINCT sweep_id, typeof("trading.min_edge") FROM sweep_sets'
        assert connection.execute(query).fetchall() == [(sweep, "DECIMAL(18,6)")]
        about = (
            "SELECT comment FROM duckdb_columns() "
            "WHERE table_name = 'sweep_sets' AND column_name = 'sim.entry_latency_ms'"
        )
        assert str(only(connection, about)).startswith("the setting sim.entry_latency_ms;")
        days = "SELECT count(*), count(DISTINCT date) FROM sweep_days JOIN sweeps USING (sweep_id)"
        assert connection.execute(f"{days} WHERE kind = 'grid'").fetchall() == [(90, 3)]


def test_a_column_is_described_by_the_comment_behind_its_field() -> None:
    assert comments(tapes, "HOUR_NS") == {}
    with pytest.raises(LookupError, match=r"tests.tapes has no NOTHING"):
        comments(tapes, "NOTHING")


def test_an_hour_opens_its_own_files(hours: Path) -> None:
    with connect(hours) as connection:
        between = "events_between('2026-04-29 04:30', '2026-04-29 06:00')"
        assert opened(connection, f"SELECT * FROM {between}") == 2
        assert only(connection, f"SELECT count(*) FROM {between}") == 1
        day = "SELECT count(*) FROM events WHERE date = '2026-04-30'"
        assert (opened(connection, day), only(connection, day)) == (24, 24)
        hour = f"{day} AND hour = 7"
        assert (opened(connection, hour), only(connection, hour)) == (1, 1)
        assert opened(connection, "SELECT sum(size_e6) FROM events") == 50


@pytest.mark.parametrize(
    ("begins", "ends", "rows"),
    [
        ("2026-04-29 02:00:00.000000005", "2026-04-29 02:00:00.000000006", 1),
        ("2026-04-29 02:00:00.000000006", "2026-04-29 03:00:00.000000005", 0),
        ("2026-04-29", "2026-05-02", 50),
    ],
)
def test_between_is_exact(hours: Path, begins: str, ends: str, rows: int) -> None:
    with connect(hours) as connection:
        assert (
            only(connection, f"SELECT count(*) FROM events_between('{begins}', '{ends}')") == rows
        )


def write_merged(lake: Lake) -> None:
    """Two files of a row each, and the merged one that stands in for them."""
    segments = [f"20260429T02000000{number}Z-0000000{number}" for number in range(2)]
    paths = [
        lake.write_events(segment, make_rows([START_NS + number]))[0]
        for number, segment in enumerate(segments)
    ]
    merger = Merger(segments, [path.name for path in paths], True)
    schema = merged_schema(SCHEMAS[Kind.EVENTS], merger)
    merged = TableFile(paths[0].with_name(f"{merged_name(segments)}.parquet"), schema)
    merged.append(pa.concat_tables([pq.ParquetFile(path).read() for path in paths]).cast(schema))
    merged.publish()


def test_a_file_that_a_merged_one_stands_in_for_is_not_read(tmp_path: Path) -> None:
    write_merged(Lake(tmp_path))
    with connect(tmp_path) as connection:
        assert only(connection, "SELECT count(*) FROM events") == 2


def test_nothing_is_removed_while_a_connection_reads(hours: Path) -> None:
    connection = connect(hours)
    with unread(hours / "lake") as is_free:
        assert not is_free
    connection.close()
    with unread(hours / "lake") as is_free:
        assert is_free


def test_a_folder_is_called_as_it_is_named(tmp_path: Path) -> None:
    data = tmp_path / "o'clock [1]* day=2"
    Lake(data).write_events("segment", make_rows([START_NS]))
    Lake(tmp_path / "o'clock 1 day=2").write_events("segment", make_rows([START_NS]))
    with connect(data) as connection:
        assert only(connection, "SELECT count(*) FROM events") == 1


def test_a_market_is_as_it_was_last_described(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    first = make_market("a", group=9, category="sports")
    later = make_market("a", group=9, valid_from_ns=START_NS + 5, tick_e4=10)
    lake.write_markets("first", [first, make_market("b")], [GROUP])
    lake.write_markets("later", [later], [GROUP])
    with connect(tmp_path) as connection:
        found = connection.execute("SELECT slug, tick_e4, event, event_slug FROM markets")
        assert sorted(found.fetchall()) == [
            ("a", 10, 9, "event"),
            ("b", 100, make_market("b").market, "b"),
        ]
        assert only(connection, "SELECT count(*) FROM market_versions") == 3


def test_a_gap_lies_in_the_hour_of_its_start(tmp_path: Path) -> None:
    Lake(tmp_path).write_gaps("segment", [Gap(START_NS, 7, 0, GapReason.SILENCE)])
    with connect(tmp_path) as connection:
        query = "SELECT gap_reason_name(reason) FROM gaps WHERE date = '2026-04-29' AND hour = 2"
        assert only(connection, query) == "silence"


def test_codes_have_names(tmp_path: Path) -> None:
    with connect(tmp_path) as connection:
        assert function_of(EventKind) == "event_kind_name"
        for kind in NAMED:
            for member in kind:
                query = f"SELECT {function_of(kind)}({member.value})"
                assert only(connection, query) == member.name.lower()


def test_units_for_people_are_exact(tmp_path: Path) -> None:
    aux = pack_best(4_100, 4_200)
    with connect(tmp_path) as connection:
        row = connection.execute(
            "SELECT usd(-1234567)::VARCHAR, price(9999)::VARCHAR, best_bid_e4($1), best_ask_e4($1),"
            f" shares(5000000000000001)::VARCHAR, utc({START_NS + 1})::VARCHAR",
            [aux],
        ).fetchall()
    day = "2026-04-29 02:00:00.000000001"
    assert row == [("-1.234567", "0.9999", 4_100, 4_200, "5000000000.000001", day)]


def book_rows() -> list[tuple[int, EventKind, Side, int, int]]:
    """Seconds, kind, side, price and size: two full books, changes, and a gap at the end."""
    return [
        (0, EventKind.SNAPSHOT, Side.BID, 0, 0),
        (0, EventKind.LEVEL, Side.BID, 4_000, 9),
        (1, EventKind.SNAPSHOT, Side.BID, 0, 0),
        (1, EventKind.LEVEL, Side.BID, 4_100, 5),
        (1, EventKind.LEVEL, Side.ASK, 4_200, 7),
        (2, EventKind.LEVEL, Side.BID, 4_100, 6),
        (2, EventKind.TRADE, Side.BID, 4_200, 1),
        (3, EventKind.LEVEL, Side.ASK, 4_200, 0),
        (4, EventKind.GAP, Side.BID, 0, 0),
        (5, EventKind.LEVEL, Side.BID, 4_100, 8),
    ]


@pytest.mark.parametrize(
    ("moment", "levels"),
    [
        ("02:00:00", [(0, 4_000, 9)]),
        ("02:00:01", [(0, 4_100, 5), (1, 4_200, 7)]),
        ("02:00:02", [(0, 4_100, 6), (1, 4_200, 7)]),
        ("02:00:03.999999999", [(0, 4_100, 6)]),
        ("02:00:04", []),
        ("02:00:05", []),
        ("01:59:59", []),
    ],
)
def test_a_book_at_a_time(tmp_path: Path, moment: str, levels: list[tuple[int, int, int]]) -> None:
    lake, market = Lake(tmp_path), make_market("a")
    told = book_rows()
    columns = list(zip(*told, strict=True))
    rows = make_rows([START_NS + second * 1_000_000_000 for second, *_ in told], market.market)
    for name, values in zip(("kind", "side", "price_e4", "size_e6"), columns[1:], strict=True):
        rows[name] = values
    lake.write_markets("segment", [market])
    lake.write_events("segment", rows)
    with connect(tmp_path) as connection:
        found = connection.execute(f"FROM book_at('a', '2026-04-29 {moment}')").fetchall()
    assert found == levels
