"""The catalog says of a run what the run says of itself."""

from pathlib import Path

import pytest

from benchmarks.catalog import OPPORTUNITIES, make_day, standard_queries
from hfptm.catalog import connect
from hfptm.units import ONE_E6
from tests.e2e.conftest import Demo

QUERIES = standard_queries()


def test_opportunities_are_those_that_the_run_counted(demo: Demo) -> None:
    counted = demo.result.json["opportunities"]
    names = ("seen", "displayed", "arrived", "printed", "unseen", "confirmed", "artefact")
    query = """
        SELECT opportunity_kind_name(kind), count(*) FILTER (artefact = 0 AND NOT confirmed),
            count_if(displayed), sum(arrived), sum(printed), sum(unseen), count_if(confirmed),
            count_if(artefact <> 0 AND NOT confirmed), sum(displayed_e6), sum(arrived_e6),
            count_if(reason_name(reason) = 'taken')
        FROM opportunities WHERE run_id = $1 GROUP BY kind"""
    with connect(demo.folder) as connection:
        rows = connection.execute(query, [demo.result.json["run_id"]]).fetchall()
    found = {kind: numbers for kind, *numbers in rows}
    assert len(found) == 3
    for kind, (*counts, displayed_e6, arrived_e6, taken) in found.items():
        assert counts == [counted[kind][name] for name in names]
        assert displayed_e6 == round(counted[kind]["displayed_usd"] * ONE_E6)
        assert arrived_e6 == round(counted[kind]["arrived_usd"] * ONE_E6)
        assert taken == counted[kind]["answers"].get("taken", 0)


def test_a_run_is_a_row(demo: Demo) -> None:
    said = demo.result.json
    query = """
        SELECT run_id, mode, "rows", digest, plans, displayed, pnl_usd, summary->>'$.from'
        FROM runs WHERE digest = $1 ORDER BY run_id LIMIT 1"""
    with connect(demo.folder) as connection:
        ((run_id, *rest),) = connection.execute(query, [said["digest"]]).fetchall()
        orders = "SELECT count(*) FROM intents WHERE run_id = $1"
        ((sent,),) = connection.execute(orders, [run_id]).fetchall()
    displayed = sum(kind["displayed"] for kind in said["opportunities"].values())
    expected = ["replay", said["events"], said["digest"], said["plans"], displayed]
    assert rest == [*expected, said["pnl_usd"], said["from"]]
    assert sent > said["plans"]


@pytest.mark.parametrize("name", QUERIES)
def test_a_standard_query_has_an_answer(demo: Demo, name: str) -> None:
    with connect(demo.folder) as connection:
        found = connection.execute(QUERIES[name])
        columns = [column[0] for column in found.description]
        rows = found.fetchall()
    assert rows
    assert len(set(columns)) == len(columns)


def test_the_day_of_the_benchmark(tmp_path: Path) -> None:
    rows = make_day(tmp_path, hours=2, markets=10, rows=4_000)
    with connect(tmp_path) as connection:
        found = connection.execute(QUERIES["there"]).fetchall()
        lived = connection.execute(QUERIES["lifetimes"]).fetchall()
    assert [(hour, markets) for _, hour, _, markets, *_ in found] == [(0, 10), (1, 10)]
    assert sum(row[2] for row in found) == rows
    assert sum(row[1] for row in lived) == OPPORTUNITIES
