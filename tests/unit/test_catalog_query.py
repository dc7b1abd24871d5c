"""Queries that somebody typed: they only read, and what is wrong in one is said in a line."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from hfptm.catalog import connect
from hfptm.catalog.query import Query, about_columns, lock
from hfptm.errors import QueryError
from hfptm.lake import Lake
from tests.e2e.command import hfptm, must, process
from tests.tapes import START_NS, make_market, make_rows


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("asked") / "data"
    lake = Lake(data)
    lake.write_events("segment", make_rows([START_NS, START_NS + 1], make_market().market))
    lake.write_markets("segment", [make_market()])
    return data


@pytest.fixture(scope="module")
def connection(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(data) as made:
        lock(made, str(data))
        yield made


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT 1 AS a, NULL AS b", [("1", None)]),
        ("SELECT utc(1) AS t; -- an end, and a remark", [("1970-01-01 00:00:00.000000001",)]),
        ("FROM markets SELECT slug", [("a",)]),
        ("WITH w AS (SELECT ';' AS c) SELECT c FROM w", [(";",)]),
        ("SELECT range AS x FROM range(3) ORDER BY x DESC", [("2",), ("1",), ("0",)]),
        ("SELECT 9007199254740993::DECIMAL(18, 2) / 1", [("9007199254740992.0",)]),
        ("SELECT usd(9007199254740993)", [("9007199254.740993",)]),
        ("SELECT slug FROM events_named WHERE hour_ns > 0 AND what = 'level' LIMIT 1", [("a",)]),
    ],
)
def test_answers(
    connection: duckdb.DuckDBPyConnection, query: str, rows: list[tuple[str | None]]
) -> None:
    assert list(Query(connection, query).rows()) == rows


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT ts_recv FROM events", 'column "ts_recv" not found.* Candidate.*"ts_recv_ns"'),
        ("SELECT * FROM evnts", r'evnts does not exist! Did you mean "events"\?; `hfptm sql'),
        ("SELECT nothing(1)", "nothing does not exist"),
        ("SELEC 1", 'syntax error at or near "SELEC"$'),
        ("SELECT 'a'::INT", "Could not convert string 'a' to INT32$"),
        ("", "not one query that only reads"),
        ("SELECT 1; SELECT 2", "not one query that only reads"),
        ("ATTACH 'x.db'", "not one query that only reads"),
        ("CREATE TABLE x AS SELECT 1", "not one query that only reads"),
        ("COPY events TO 'x.csv'", "not one query that only reads"),
        ("EXPLAIN ANALYZE COPY events TO 'x.csv'", "not one query that only reads"),
        ("INSTALL httpfs", "not one query that only reads"),
        ("SET enable_external_access = true", "not one query that only reads"),
        ("SELECT * FROM query('COPY events TO ''x.csv''')", "SELECT statement"),
        ("SELECT * FROM read_text('{outside}')", "Cannot access file"),
        ("SELECT * FROM '{outside}'", "Cannot access file"),
        ("SELECT * FROM glob('{outside}')", "Cannot access"),
        ("SELECT * FROM connection", "does not exist"),
    ],
)
def test_refusals(connection: duckdb.DuckDBPyConnection, data: Path, query: str, said: str) -> None:
    outside = data.parent / "secret.csv"
    outside.write_text("secret")
    with pytest.raises(QueryError, match=said) as caught:
        list(Query(connection, query.format(outside=outside)).rows())
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in data.parent.iterdir()) == ["data", "secret.csv"]


def test_an_unknown_view_is_told_those_near_it(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(QueryError, match="no view event; near: events, "):
        about_columns(connection, "event")


def test_as_a_command(data: Path, tmp_path: Path) -> None:
    query = "SELECT slug, size_shares, side FROM events_named ORDER BY size_shares"
    rows = [
        {"slug": "a", "size_shares": 0, "side": "bid"},
        {"slug": "a", "size_shares": 0.000001, "side": "bid"},
    ]
    assert must("sql", query, "--data", data, "--json").json == rows
    file = tmp_path / "q.sql"
    file.write_text(query)
    assert must("sql", "--file", file, "--data", data, "--csv").out == (
        "slug,size_shares,side\na,0.000000,bid\na,0.000001,bid\n"
    )
    table = must("sql", query, "--data", data).out.splitlines()
    assert [line.split() for line in table] == [
        ["slug", "size_shares", "side"],
        ["─" * len(table[0])],
        ["a", "0.000000", "bid"],
        ["a", "0.000001", "bid"],
    ]
    assert must("sql", "SELECT 1 WHERE false", "--data", data, "--json").json == []


def test_a_long_answer_is_cut_for_people_alone(data: Path) -> None:
    shown = must("sql", "SELECT * FROM range(1500)", "--data", data)
    assert len(shown.out.splitlines()) == 1_002
    assert "the first 1,000 rows" in shown.err
    assert len(json.loads(must("sql", "SELECT * FROM range(1500)", "--json", "--data", data).out))


def test_who_reads_enough_hears_no_complaint(data: Path) -> None:
    with process("sql", "SELECT * FROM range(100000)", "--csv", "--data", data) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "range\n"
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait() == 1


def test_what_the_columns_hold(data: Path) -> None:
    assert "every closed run, in a row" in must("sql", "--columns", "--data", data).out
    told = must("sql", "--columns", "events", "--data", data, "--json").json
    assert told[0] == {
        "name": "ts_recv_ns",
        "type": "bigint",
        "holds": "when we had it: UTC, the strategy's clock",
    }
    assert hfptm("sql", "--columns", "event", "--data", data).code == 7


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "QUERY: write one, or name its --file"),
        (["SELECT 1", "--file", "q.sql"], 2, "QUERY: write one, or name its --file"),
        (["--file", "q.sql"], 3, "q.sql: no query can be read from it"),
        (["SELEC"], 7, 'hfptm: syntax error at or near "SELEC"'),
    ],
)
def test_a_wrong_command_is_told_so_in_a_line(
    data: Path, arguments: list[str], code: int, said: str
) -> None:
    result = hfptm("sql", *arguments, "--data", data)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert len(result.err.splitlines()) == 1


def test_a_folder_without_anything_is_named(tmp_path: Path) -> None:
    result = hfptm("sql", "SELECT 1", "--data", tmp_path)
    assert result.code == 4
    assert f"{tmp_path}: nothing recorded, run or swept there" in result.err
