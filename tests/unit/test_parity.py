"""Parity of runs that were altered by hand: the first difference, and what it is about."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hfptm.drive.inputs import LIVE, PAPER, Start, read_inputs
from hfptm.journal import DTYPES, RowKind
from hfptm.parquet import arrow_schema, read_rows, to_arrow
from hfptm.records import EVENT, EventKind, IntentKind
from hfptm.wal import HEADER, encode_block
from replay.listed import Listed
from replay.parity import Difference, parity
from replay.parity_report import parity_table
from tests.kept_runs import RUN_ID, fills_all, kept_run, on_screen
from tests.parities import ALTERED, different
from tests.unit.test_gap import day

TICK_E4 = 100


@pytest.fixture(params=[PAPER, LIVE])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    tape, markets = day()
    exchange = fills_all if request.param == LIVE else None
    kept_run(tmp_path, Start(mode=request.param), tape, (markets, []), exchange=exchange)
    assert parity(tmp_path, RUN_ID).difference is None
    return tmp_path


def alter(data: Path, kind: RowKind, change: Callable[[np.ndarray], None]) -> Difference:
    (data / ALTERED).touch()
    path = data / "runs" / RUN_ID / f"{kind}.parquet"
    rows = read_rows(path, DTYPES[kind]).copy()
    change(rows)
    pq.write_table(to_arrow(rows, arrow_schema(DTYPES[kind])), path)
    difference = parity(data, RUN_ID).difference
    assert difference is not None
    return difference


def test_an_intent_of_another_price_is_shown_with_what_it_follows_from(data: Path) -> None:
    def dearer(intents: np.ndarray) -> None:
        placed = np.flatnonzero(intents["kind"] == IntentKind.PLACE)
        intents["price_e4"][placed[2:3]] += TICK_E4

    found = alter(data, "intents", dearer)
    assert found.kind == "intents"
    assert found.journalled is not None
    assert found.computed is not None
    assert found.journalled["price_e4"] == found.computed["price_e4"] + TICK_E4
    context = found.context
    assert context.market == "two"
    assert context.decision is not None
    assert context.decision["plan"] == found.computed["plan"] == 2
    assert {line.market for line in [*context.before, *context.after]} == {"two"}
    assert max(line.ts_ns for line in context.before) == found.computed["ts_ns"]
    assert min(line.ts_ns for line in context.after) > found.computed["ts_ns"]
    screen = on_screen(parity_table(parity(data, RUN_ID), Listed.of_run(data / "runs" / RUN_ID)))
    for part in ("intents differ", "Inputs of two", "approved_e6", "taken", "- here -"):
        assert part in screen


def test_the_first_difference_is_the_first_in_time(data: Path) -> None:
    def later(rows: np.ndarray) -> None:
        rows["size_e6"][-1] += 1

    def sooner(rows: np.ndarray) -> None:
        rows["size_e6"][0] += 1

    assert alter(data, "intents", later).kind == "intents"
    assert alter(data, "decisions", sooner).kind == "decisions"


def test_a_report_names_the_decision_that_it_answers(data: Path) -> None:
    def more(reports: np.ndarray) -> None:
        reports["size_e6"][np.flatnonzero(reports["kind"] == EventKind.FILL)[0]] += 1

    found = alter(data, "reports", more)
    assert found.context.market == "one"
    assert found.context.decision is not None
    assert found.context.decision["plan"] == 1


def test_an_input_that_was_altered_is_found_where_it_first_matters(data: Path) -> None:
    (data / ALTERED).touch()
    folder = data / "runs" / RUN_ID
    rows = np.concatenate([rows for _, rows in read_inputs(folder)])
    asks = np.flatnonzero((rows["kind"] == EventKind.LEVEL) & (rows["side"] == 1))
    rows["size_e6"][asks[1]] //= 2
    (batch,) = to_arrow(rows, arrow_schema(EVENT)).to_batches()
    (folder / "inputs.wal").write_bytes(HEADER + encode_block(batch))
    difference = parity(data, RUN_ID).difference
    assert difference is not None
    assert difference.context.market == "two"
    ts_ns = (difference.computed or {})["ts_ns"]
    assert ts_ns == (difference.journalled or {})["ts_ns"] >= rows["ts_recv_ns"][asks[1]]


def test_a_journal_that_ends_early_is_no_parity(data: Path) -> None:
    (data / ALTERED).touch()
    path = data / "runs" / RUN_ID / "intents.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, table.num_rows - 1), path)
    difference = parity(data, RUN_ID).difference
    assert difference is not None
    assert difference.journalled is None
    assert difference.row == table.num_rows - 1


def test_every_run_of_the_tests_is_looked_at(data: Path, tmp_path: Path) -> None:
    """What the end of every session of tests relies on."""
    assert different(tmp_path) == []

    def later(rows: np.ndarray) -> None:
        rows["ts_ns"][0] += 1

    alter(data, "intents", later)
    assert different(tmp_path) == []
    (data / ALTERED).unlink()
    assert [line.split(":")[0] for line in different(tmp_path)] == [str(data / "runs" / RUN_ID)]
    (data / ALTERED).touch()
