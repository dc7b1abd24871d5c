"""Certificates of recorded hours: right where all is well, and not where it is not."""

from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hfptm.book_check import BookCheck
from hfptm.certificate import Certificate, Findings, Grade, Origin, path_of, standing
from hfptm.clock import NS_MAX
from hfptm.errors import LakeError
from hfptm.lake import SCHEMAS, Kind, Lake
from hfptm.raw import Chosen, RawKind, Silence
from hfptm.records import GapReason
from hfptm.slots import REST_NS
from hfptm.units import NS_PER_MS, NS_PER_S
from hfptm.venue.market_feed import MarketFeed
from recorder.derivation import derive
from recorder.lag import STRETCH_NS, LagEnvelope
from recorder.verify import verify
from replay.importers.base import quiet
from tests.tapes import HOUR_NS, START_NS
from tests.unit.test_derivation import new_lake, segment
from tests.wire import TS_MS, YES, change, decode_all, frame, levels, make_market

S = NS_PER_S
RawRow = tuple[int, int, int, int, int, int, bytes]


def book(ms: int) -> bytes:
    sides = {"bids": levels(("0.4", "10")), "asks": levels(("0.6", "10"))}
    return frame("book", asset_id=YES, timestamp=str(TS_MS + ms), **sides)


def bid(ms: int, price: str, best_bid: str) -> bytes:
    entry = change(YES, "BUY", price, "5", best_bid=best_bid, best_ask="0.6")
    return frame("price_change", timestamp=str(TS_MS + ms), price_changes=[entry])


def row(second: int, connection: int, kind: RawKind, payload: bytes = b"") -> RawRow:
    return START_NS + second * S, 0, connection // 10, connection, 0, int(kind), payload


def recording() -> list[RawRow]:
    """Two lines from 0 to 1000 s; both down from 200 to 210 s; the second 1 s behind."""
    rows = []
    for connection, lag in ((1, 0), (11, 1)):
        rows += [
            row(lag, connection, RawKind.LINK_UP),
            row(lag, connection, RawKind.FRAME, book(0)),
            row(100 + lag, connection, RawKind.FRAME, bid(100, "0.45", "0.45")),
            row(200, connection, RawKind.LINK_DOWN),
            row(210 + lag, connection + 1, RawKind.LINK_UP),
            row(210 + lag, connection + 1, RawKind.FRAME, book(200)),
            row(990 + lag, connection + 1, RawKind.FRAME, bid(900, "0.5", "0.5")),
        ]
    return sorted(rows, key=lambda row: row[0])


def write(lake: Lake, rows: list[RawRow]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    lake.write_raw(segment(0), pa.table(columns, schema=SCHEMAS[Kind.RAW]))
    derive(lake.root.parent, quiet)


def certify(lake: Lake) -> Certificate:
    (certificate,) = verify(lake.root.parent, 0, NS_MAX, quiet)
    return certificate


def test_what_a_certificate_says(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    write(lake, recording())
    found = certify(lake)
    total = found.total
    assert (found.origin, found.hour_ns) == (Origin.RECORDED, START_NS // HOUR_NS * HOUR_NS)
    assert (total.batches_checked, total.mismatches) == (2, 0)
    # Nothing was received from 101 s until both lines were gone.
    assert total.unseen_s_by_reason == {"disconnect": 210.0 - 101.0}
    assert total.listed_s == 990.0
    assert found.grade is Grade.D
    assert (found.lines.raw_frames, found.lines.copies) == (8, 2)
    assert found.lines.first == {0: 2}
    assert found.lines.lead_p50_ns == pytest.approx(1 * S, rel=0.1)
    assert (found.checksums.right, found.checksums.wrong) == (2, [])
    (market,) = found.markets
    assert (market.slug, market.grade) == ("made-up", Grade.D)
    stands = standing(lake, 0, NS_MAX)
    assert (stands.hours, stands.verified, stands.grade) == (1, 1, "D")
    assert stands.worst == found


@pytest.mark.parametrize(
    ("cause", "unseen_s", "listed_s"), [(b"stopped", 0, 990), (b"disconnect", 9, 1000)]
)
def test_a_recording_ends_with_what_it_received_before_it_was_stopped(
    tmp_path: Path, cause: bytes, unseen_s: int, listed_s: int
) -> None:
    lake = new_lake(tmp_path)
    down = [row(1000, connection, RawKind.LINK_DOWN, cause) for connection in (2, 12)]
    write(lake, [*recording(), *down])
    total = certify(lake).total
    assert total.unseen_s == 210 - 101 + unseen_s
    assert total.listed_s == listed_s


def test_a_market_that_is_recorded_no_more_is_no_fault(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    said = msgspec.json.encode(Silence([YES], GapReason.REMOVED))
    rows = [row(300, connection, RawKind.SILENCE, said) for connection in (2, 12)]
    rows += [each for each in recording() if each[0] < START_NS + 900 * S]
    rows.append(row(990, 2, RawKind.FRAME, b"[]"))
    write(lake, sorted(rows, key=lambda row: row[0]))
    total = certify(lake).total
    assert "removed" not in total.unseen_s_by_reason
    assert total.unseen_s == 210.0 - 101.0
    assert total.gaps == 1
    # Seen last at 211 s.
    assert total.listed_s == 211.0


@pytest.mark.parametrize(
    ("is_chosen", "unseen_s", "listed_s"), [(False, 100, 311), (True, 779, 990)]
)
def test_after_a_restart_only_what_is_chosen_again_is_missed(
    tmp_path: Path, *, is_chosen: bool, unseen_s: int, listed_s: int
) -> None:
    """Seen last at 211 s; another recorder starts at 300 s, has chosen at 311 s, ends at 990 s."""
    lake, other = new_lake(tmp_path), make_market("0x" + "9" * 64, "91", "92")
    lake.write_markets("another", [other])
    chosen = Chosen([other.market, *([make_market().market] if is_chosen else [])])
    rows = [each for each in recording() if each[0] < START_NS + 900 * S]
    rows.append(row(300, 0, RawKind.START))
    rows.append(row(311, 0, RawKind.CHOSEN, msgspec.json.encode(chosen)))
    rows.append(row(990, 3, RawKind.FRAME, frame("book", asset_id="91", bids=[], asks=[])))
    write(lake, rows)
    total = certify(lake).total
    assert total.unseen_s_by_reason == {"disconnect": 210 - 101, "stopped": unseen_s}
    assert total.listed_s == listed_s


def test_a_mismatch_is_found(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    wrong = [
        row(300, 2, RawKind.FRAME, bid(300, "0.45", "0.48")),
        row(301, 2, RawKind.FRAME, bid(400, "0.3", "0.45")),
    ]
    write(lake, sorted([*recording(), *wrong], key=lambda row: row[0]))
    found = certify(lake)
    assert (found.total.batches_checked, found.total.mismatches) == (4, 1)
    assert found.grade is Grade.F


def drop_rows(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.slice(3), path)


@pytest.mark.parametrize("kind", [Kind.RAW, Kind.EVENTS])
def test_a_file_that_was_changed_is_an_f(tmp_path: Path, kind: Kind) -> None:
    lake = new_lake(tmp_path)
    write(lake, recording())
    (path,) = lake.files(kind)
    drop_rows(path)
    found = certify(lake)
    assert found.grade is Grade.F
    assert found.checksums.wrong == [str(path.relative_to(lake.root))]
    assert len(found.checksums.not_derivable) == 1


def sealed(lake: Lake, number: int) -> Path:
    columns = [list(column) for column in zip(*recording(), strict=True)]
    (path,) = lake.write_raw(segment(number), pa.table(columns, schema=SCHEMAS[Kind.RAW]))
    return path


def test_what_is_new_is_normalised_first(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    sealed(lake, 0)
    first = certify(lake)
    assert (first.grade, first.lines.raw_frames) != (Grade.F, 0)
    sealed(lake, 1)
    assert certify(lake).lines.raw_frames == 2 * first.lines.raw_frames


def test_segments_that_went_after_they_were_normalised_are_missed(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    gone = sealed(lake, 0)
    certify(lake)
    sealed(lake, 1)
    gone.unlink()
    with pytest.raises(LakeError, match="its segments have changed"):
        certify(lake)


def test_a_segment_that_was_altered_is_not_normalised_anew_with_the_next(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    altered = sealed(lake, 0)
    certify(lake)
    drop_rows(altered)
    sealed(lake, 1)
    found = certify(lake)
    assert found.grade is Grade.F
    assert found.checksums.wrong == [str(altered.relative_to(lake.root))]


def test_nothing_recorded_is_said(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="nothing recorded"):
        verify(tmp_path, 0, NS_MAX, quiet)


def test_a_certificate_goes_with_what_it_is_of(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    write(lake, recording())
    certify(lake)
    columns = [[value] for value in row(1100, 2, RawKind.FRAME, bid(950, "0.5", "0.5"))]
    lake.write_raw(segment(1), pa.table(columns, schema=SCHEMAS[Kind.RAW]))
    derive(tmp_path, quiet)
    stands = standing(lake, 0, NS_MAX)
    assert (stands.hours, stands.verified, stands.grade) == (1, 0, "")


def test_a_damaged_certificate_is_named(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    write(lake, recording())
    path_of(lake, certify(lake).hour_ns, Origin.RECORDED).write_text("{")
    with pytest.raises(LakeError, match="run `hfptm verify` again"):
        standing(lake, 0, NS_MAX)


@pytest.mark.parametrize(
    ("change", "grade"),
    [
        ({}, Grade.A),
        ({"unseen_s": 1.0}, Grade.A),
        ({"unseen_s": 1.1}, Grade.B),
        ({"unseen_s": 50.0}, Grade.C),
        ({"unseen_s": 501.0}, Grade.F),
        ({"mismatches": 1}, Grade.B),
        ({"mismatches": 51}, Grade.E),
        ({"hashes_bad": 2}, Grade.C),
        ({"hashes_unknown": 900}, Grade.A),
    ],
)
def test_grades(change: dict[str, float], grade: Grade) -> None:
    found = {"listed_s": 1000.0, "batches_checked": 1000, "hashes_ok": 1000} | change
    assert msgspec.convert(found, Findings).grade is grade


def test_findings_add_up() -> None:
    total = Findings(rows=1, unseen_s_by_reason={"silence": 1.0})
    total.add(Findings(rows=2, unseen_s_by_reason={"disk": 2.0, "silence": 3.0}))
    assert total == Findings(rows=3, unseen_s_by_reason={"disk": 2.0, "silence": 4.0})


def test_the_book_goes_on_between_two_takes() -> None:
    check, feed = BookCheck([make_market()]), MarketFeed([make_market()])
    check.feed(decode_all(feed, book(0)))
    (first,) = check.take().values()
    assert (first["snapshots"], first["batches_checked"]) == (1, 0)
    check.feed(decode_all(feed, bid(1, "0.45", "0.45"), bid(2, "0.41", "0.44")))
    check.feed(decode_all(feed, bid(3, "0.5", "0.5")))
    (second,) = check.take().values()
    assert (second["snapshots"], second["batches_checked"], second["mismatches"]) == (0, 3, 1)
    assert check.take() == {}


def test_a_market_that_ended_and_comes_back_is_checked_again() -> None:
    check, feed = BookCheck((), room=2), MarketFeed([make_market()])
    for number in range(3):
        ts_ns = START_NS + number * (REST_NS + S)
        check.add(make_market(), ts_ns)
        check.feed(decode_all(feed, book(2 * number), bid(2 * number + 1, "0.45", "0.5")))
        check.add(make_market(), ts_ns)  # with other rules: its book goes on
        check.feed(decode_all(feed, bid(2 * number + 2, "0.46", "0.46")))
        check.end(make_market().market, ts_ns)
        (found,) = check.take().values()
        assert (found["snapshots"], found["mismatches"]) == (1, 1)


def test_a_clock_that_runs_fast_is_seen() -> None:
    rows = np.zeros(4_000, dtype=[("ts_recv_ns", "i8"), ("ts_venue_ns", "i8")])
    rows["ts_venue_ns"] = START_NS + np.arange(len(rows)) * S
    rng = np.random.default_rng(7)
    noise_ns = rng.exponential(20 * NS_PER_MS, len(rows)).astype(np.int64)
    drift_ns = (np.arange(len(rows)) * 50_000).astype(np.int64)
    rows["ts_recv_ns"] = rows["ts_venue_ns"] + 5 * NS_PER_MS + noise_ns + drift_ns
    lag = LagEnvelope()
    for start in range(0, len(rows), 777):
        lag.add(rows[start : start + 777])
    clock = lag.clock()
    assert clock.least_lag_ns == pytest.approx(5 * NS_PER_MS, rel=0.1)
    assert clock.drift_ppm == pytest.approx(50, rel=0.05)


def test_too_short_for_a_drift() -> None:
    rows = np.zeros(1, dtype=[("ts_recv_ns", "i8"), ("ts_venue_ns", "i8")])
    rows["ts_recv_ns"] = STRETCH_NS
    lag = LagEnvelope()
    lag.add(rows)
    assert (lag.clock().least_lag_ns, lag.clock().drift_ppm) == (STRETCH_NS, 0.0)


def test_certificates_are_json_for_anybody(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    write(lake, recording())
    path = path_of(lake, certify(lake).hour_ns, Origin.RECORDED)
    assert msgspec.json.decode(path.read_bytes())["grade"] == "D"
