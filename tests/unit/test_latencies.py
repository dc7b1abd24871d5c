"""Tables of draws: what they hold, the same everywhere, and which files are refused."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.config import limits, load
from hfptm.errors import InputError
from hfptm.latency import COLUMNS, LATENCY_MAX_NS, QUANTILES, Latencies, latencies_of, spread
from hfptm.units import NS_PER_MS

MS = NS_PER_MS
NOON_NS = 1_790_000_000_000_000_000


def latencies(*sets: str) -> Latencies:
    return latencies_of(limits(load(None, [f"sim.{item}" for item in sets], {})))


def test_without_a_spread_there_is_one_draw() -> None:
    made = latencies("entry_latency_ms=7", "matching_delay_ms=2", "response_latency_ms=3")
    assert made.draws.tolist() == [(7 * MS, 2 * MS, 3 * MS, 0)]
    assert made.summary() == {
        "model": "constant",
        "file": "",
        "draws": 1,
        "entry_ms_p50": 7.0,
        "entry_ms_p99": 7.0,
        "matching_ms_p50": 2.0,
        "matching_ms_p99": 2.0,
        "response_ms_p50": 3.0,
        "response_ms_p99": 3.0,
    }


@given(st.integers(1, 3_600_000), st.integers(0, 3_600_000))
def test_a_spread_has_its_median_and_its_99th_percentile(median_ms: int, above_ms: int) -> None:
    p99_ms = min(median_ms + above_ms, 3_600_000)
    times_ns = spread(median_ms * MS, p99_ms * MS)
    assert len(times_ns) == QUANTILES
    assert (np.diff(times_ns) >= 0).all()
    assert times_ns[0] >= 0
    for share, wanted_ms in ((0.5, median_ms), (0.99, p99_ms)):
        below, above = times_ns[int(share * QUANTILES) - 1], times_ns[int(share * QUANTILES) + 1]
        assert below <= wanted_ms * MS <= above + 1_000


def test_draws_are_the_same_on_every_machine() -> None:
    made = latencies("entry_latency_p99_ms=200", "response_latency_p99_ms=90", "seed=5")
    assert made.model == "log-normal"
    digest = hashlib.sha256(made.draws.tobytes()).hexdigest()
    assert digest == DRAWS_DIGEST
    other = latencies("entry_latency_p99_ms=200", "response_latency_p99_ms=90", "seed=6")
    for name in ("entry_ns", "response_ns"):
        assert not np.array_equal(made.draws[name], other.draws[name])
        assert np.array_equal(np.sort(made.draws[name]), np.sort(other.draws[name]))


DRAWS_DIGEST = "20c550766fe9e44d3c255bcd9dac63f00c8275fc111197c4a516aee847b7f2f7"


def test_latencies_of_different_kinds_do_not_go_together() -> None:
    draws = latencies("entry_latency_p99_ms=200", "response_latency_p99_ms=90").draws
    ranks = np.argsort(np.argsort(draws["entry_ns"])), np.argsort(np.argsort(draws["response_ns"]))
    assert abs(np.corrcoef(*ranks)[0, 1]) < 0.05


@pytest.mark.parametrize("share", ["0.0001", "0.02", "0.9999"])
def test_the_wanted_share_of_trades_fails(share: str) -> None:
    fails = latencies(f"settlement_failure={share}", "entry_latency_p99_ms=90").draws["fails"]
    assert fails.sum() == round(float(share) * fails.size)
    other = latencies(f"settlement_failure={share}", "seed=1").draws["fails"]
    assert not np.array_equal(fails, other)


def requests(*rows: tuple[int, int, int]) -> pa.Table:
    """Requests at noon, by the ms that entry and response took, and the ms of their sending."""
    sent_ns = [NOON_NS + at_ms * MS for at_ms, _, _ in rows]
    seen_ns = [ns + row[1] * MS for ns, row in zip(sent_ns, rows, strict=True)]
    known_ns = [ns + row[2] * MS for ns, row in zip(seen_ns, rows, strict=True)]
    return pa.table(dict(zip(COLUMNS, (sent_ns, seen_ns, known_ns), strict=True)))


MEASURED = requests((0, 40, 10), (50, 400, 11), (90, 41, 900))


@pytest.mark.parametrize("name", ["requests.csv", "requests.parquet"])
def test_measured_requests_keep_their_pairs(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    (pc.write_csv if name.endswith("csv") else pq.write_table)(MEASURED, path)
    made = latencies(f"measured_requests={path}", "matching_delay_ms=5")
    assert made.model == "measured"
    assert made.file == f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    pairs = {(entry_ns, response_ns) for entry_ns, _, response_ns, _ in made.draws.tolist()}
    assert pairs == {(40 * MS, 10 * MS), (400 * MS, 11 * MS), (41 * MS, 900 * MS)}
    assert set(made.draws["matching_ns"].tolist()) == {5 * MS}


def test_measured_requests_beside_a_spread_come_up_equally_often(tmp_path: Path) -> None:
    path = tmp_path / "requests.parquet"
    pq.write_table(MEASURED, path)
    sets = (f"measured_requests={path}", "matching_delay_ms=5", "matching_delay_p99_ms=50")
    draws = latencies(*sets).draws
    assert draws.shape == (QUANTILES,)
    _, counts = np.unique(draws["entry_ns"], return_counts=True)
    assert counts.max() - counts.min() <= 1


def test_a_spread_beside_more_measured_requests_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "requests.parquet"
    pq.write_table(requests(*((at_ms, 1, 1) for at_ms in range(3 * QUANTILES // 2))), path)
    sets = (f"measured_requests={path}", "matching_delay_ms=5", "matching_delay_p99_ms=50")
    found = latencies(*sets).summary()
    assert found["draws"] == 3 * QUANTILES // 2
    assert found["matching_ms_p50"] == pytest.approx(5, abs=0.01)
    assert found["matching_ms_p99"] == pytest.approx(50, abs=0.5)


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        latencies(f"measured_requests={path}")
    assert caught.value.path == path
    return str(caught.value)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (MEASURED.drop(["ts_exchange_ns"]), "write exactly ('ts_request_ns', 'ts_exchange_ns',"),
        (MEASURED.append_column("x", pa.array([1, 2, 3])), "write exactly"),
        (MEASURED.slice(0, 0), "0 requests; a table holds 1 to 1000000"),
        (requests((0, 1, 1), (1, -1, 5)), "request 2: entry -1000000 ns, response 5000000 ns; bo"),
        (requests((0, 5, -1)), "request 1: entry 5000000 ns, response -1000000 ns"),
        (requests((0, LATENCY_MAX_NS // MS + 1, 1)), "both are 0 to 3600000000000 once the clocks"),
        (
            MEASURED.set_column(0, COLUMNS[0], pa.array([1.0, 2.0, 3.0])),
            "ts_request_ns is double, 0 missing; write int64",
        ),
        (
            MEASURED.set_column(0, COLUMNS[0], pa.array([1, None, 3], pa.int64())),
            "ts_request_ns is int64, 1 missing; write int64",
        ),
        (
            MEASURED.set_column(0, COLUMNS[0], pa.array([-5, 2, 3], pa.int64())),
            "request 1: ts_request_ns -5 is no time",
        ),
    ],
)
def test_what_measured_no_request_is_refused(tmp_path: Path, table: pa.Table, problem: str) -> None:
    path = tmp_path / "requests.parquet"
    pq.write_table(table, path)
    assert problem in refused(path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{','.join(COLUMNS)}\n1,2,x\n", "no CSV of whole numbers"),
        (f"{','.join(COLUMNS)}\n1,2,\n", "no CSV of whole numbers"),
        (f"{','.join(COLUMNS)}\n1,2.5,3\n", "no CSV of whole numbers"),
        (f"{','.join(COLUMNS)}\n1,2\n", "no CSV of whole numbers"),
        ("", "no CSV of whole numbers"),
        ("1,2,3\n", "columns are ['1', '2', '3']; write exactly"),
    ],
)
def test_a_csv_of_something_else_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "requests.csv"
    path.write_text(text)
    assert problem in refused(path)


def test_a_file_that_is_not_there_or_no_parquet_is_refused(tmp_path: Path) -> None:
    assert "No such file or directory); check sim.measured_requests" in refused(
        tmp_path / "a.parquet"
    )
    (tmp_path / "b.parquet").write_text("ts")
    assert "no Parquet file" in refused(tmp_path / "b.parquet")
