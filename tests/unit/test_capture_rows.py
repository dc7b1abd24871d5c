"""Opportunities of a pass with their event, and how they ended where nobody saw it."""

from pathlib import Path
from typing import Any

from hfptm.config import load
from hfptm.lake import Lake
from hfptm.records import EventKind, GapReason
from hfptm.units import NS_PER_S
from replay.capture_rows import Places, opportunity_rows
from replay.driver import Selection
from replay.opportunity_rows import OpportunityRows
from replay.passes import run_pass
from tests.engines import crossed_market, tape_of
from tests.tapes import START_NS, Row, make_market

SETS = [load(None, [f"sim.entry_latency_ms={ms}"], {}) for ms in (0, 100)]
BOOK, BID, ASK, CROSS, REMOVAL, _ = crossed_market("a", START_NS)
LATER_NS = START_NS + 5 * NS_PER_S


def later(row: Row, **changes: int) -> Row:
    return row._replace(ts_recv_ns=LATER_NS, ts_venue_ns=LATER_NS, **changes)


def rows_of(data: Path, *tape: Row, to_ns: int = LATER_NS + 1) -> list[dict[str, Any]]:
    lake, stretch, found = Lake(data), Selection(START_NS, to_ns), OpportunityRows()
    lake.write_markets("day", [make_market("a")])
    lake.write_events("day", tape_of(tape))
    done = run_pass(data, SETS, stretch, found.add, lambda *_: None)
    places = Places.of(lake)
    return opportunity_rows(found, lake, places, stretch, (SETS[0], done.last_ns)).to_dicts()


def test_each_set_has_its_own_row_of_it(tmp_path: Path) -> None:
    found = rows_of(tmp_path, BOOK, BID, ASK, CROSS, REMOVAL)
    market = make_market("a").market
    assert [row["set"] for row in found] == [0, 1]
    for row in found:
        assert (row["market"], row["event"], row["category"]) == (market, market, "crypto")
        assert (row["displayed_ns"], row["end_ns"]) == (CROSS.ts_recv_ns, REMOVAL.ts_recv_ns)
        assert (row["taken_by"], row["seen_to_ns"]) == ("cancel", row["end_ns"])


def test_what_has_not_ended_was_seen_to_the_last_row(tmp_path: Path) -> None:
    still = later(BID, price_e4=1_000, aux=6_000 << 32 | 5_000)
    found = rows_of(tmp_path, BOOK, BID, ASK, CROSS, still)
    assert [(row["taken_by"], row["end_ns"]) for row in found] == [("open", 0)] * 2
    assert {row["seen_to_ns"] for row in found} == {LATER_NS}


def test_what_a_gap_hid_was_seen_until_then(tmp_path: Path) -> None:
    gap = later(BID, kind=EventKind.GAP, aux=GapReason.DISCONNECT, flags=0)
    found = rows_of(tmp_path, BOOK, BID, ASK, CROSS, gap._replace(size_e6=0, price_e4=0))
    assert {(row["taken_by"], row["end_ns"], row["seen_to_ns"]) for row in found} == {
        ("unseen", LATER_NS, LATER_NS)
    }


def test_nothing_displayed_makes_no_rows(tmp_path: Path) -> None:
    assert rows_of(tmp_path, BOOK, BID, ASK) == []
