"""A paper run beside a replay of the recording: every difference is laid to what was changed."""

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfptm.drive.inputs import LIVE, PAPER, Rows, Start
from hfptm.errors import LakeError
from hfptm.lake import Lake
from hfptm.opportunities import Reason
from hfptm.portfolio import Portfolio, Position
from hfptm.records import EVENT, EventKind, Side, Token
from hfptm.registry import Market
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from replay.comparison import Comparison, Step, compare
from replay.comparison_report import comparison_table
from replay.row_differences import row_differences
from tests.engines import tape_of
from tests.kept_runs import RUN_ID, fills_all, kept_run, on_screen
from tests.tapes import START_NS, make_market
from tests.unit.test_gap import day
from tests.unit.test_portfolio import book, level

WHILE_AWAY_NS = 10 * NS_PER_S


def compared(
    data: Path, given: Rows, recorded: Rows, markets: list[Market], *overrides: str
) -> Comparison:
    """A paper run that was given the one, beside a recording of the other."""
    record(data, recorded, markets)
    kept_run(data, Start(mode=PAPER), given, (markets, []), *overrides)
    return checked(data)


def record(data: Path, rows: Rows, markets: list[Market]) -> None:
    lake = Lake(data)
    lake.write_markets("tape", markets, [])
    lake.write_events("tape", rows)


def checked(data: Path) -> Comparison:
    found = compare(data, RUN_ID)
    assert sum(found.causes.values()) == len(found.differing)
    assert (found.decisions.run, found.orders.run) > (0, 0)
    for each in found.differing:
        assert (each.row is not None) == (each.cause is Step.ROWS)
    return found


def test_the_same_rows_make_the_same_decisions(tmp_path: Path) -> None:
    tape, markets = day()
    found = compared(tmp_path, tape, tape, markets)
    assert found.is_same
    assert found.rows_same == (tape["kind"] != EventKind.STATE).sum()
    assert found.rows_differing == {}
    assert found.decisions.run == found.decisions.replay == found.decisions.same
    assert "the same decisions" in on_screen(comparison_table(found))


def test_of_a_live_run_it_is_the_twin(tmp_path: Path) -> None:
    tape, markets = day()
    record(tmp_path, tape, markets)
    kept_run(tmp_path, Start(mode=LIVE), tape, (markets, []), exchange=fills_all)
    assert checked(tmp_path).is_same


def test_a_row_that_was_another_is_named(tmp_path: Path) -> None:
    """Of the second market fewer shares were recorded: its decision and orders differ."""
    tape, markets = day()
    recorded = tape.copy()
    (ask,) = np.flatnonzero(
        (tape["market"] == markets[1].market)
        & (tape["kind"] == EventKind.LEVEL)
        & (tape["side"] == 1)
    )
    recorded["size_e6"][ask] -= 10 * ONE_E6
    found = compared(tmp_path, tape, recorded, markets)
    assert found.rows_differing == {"level only_run": 1, "level only_recording": 1}
    assert set(found.causes) == {Step.ROWS}
    assert {each.market for each in found.differing} == {"two"}
    decision = next(each for each in found.differing if each.kind == "decisions")
    assert decision.in_run is not None
    assert decision.in_replay is not None
    sets = [row["size_e6"] // ONE_E6 for row in (decision.in_run, decision.in_replay)]
    assert sets == [100, 90]
    for each in found.differing:
        assert each.row is not None
        line = each.row.in_run or each.row.in_recording
        assert line is not None
        assert (line.kind, line.market, line.ts_ns) == ("level", "two", tape["ts_recv_ns"][ask])
    screen = on_screen(comparison_table(found))
    for part in ("rows that arrived otherwise", "nothing", "level two"):
        assert part in screen


def test_a_row_at_another_time_is_no_other_row(tmp_path: Path) -> None:
    tape, markets = day()
    recorded = tape.copy()
    crossed = np.flatnonzero(tape["market"] == markets[0].market)[3]
    recorded["ts_recv_ns"][crossed] += 10 * NS_PER_MS
    found = compared(tmp_path, tape, recorded, markets)
    assert found.rows_differing == {"level at_another_time": 1}
    assert found.rows_same == (tape["kind"] != EventKind.STATE).sum() - 1
    assert set(found.causes) == {Step.ROWS}


def test_a_fee_that_was_known_sooner_is_no_row(tmp_path: Path) -> None:
    """Discovery told the run of it before the third market crossed, and the lake never."""
    tape, markets = day()
    fee = np.zeros(1, EVENT)
    fee["kind"], fee["market"] = EventKind.FEE, markets[2].market
    fee["price_e4"], fee["aux"] = 9_000, 1
    fee["ts_recv_ns"] = fee["ts_venue_ns"] = START_NS + 50 * NS_PER_S
    place = int(np.searchsorted(tape["ts_recv_ns"], fee["ts_recv_ns"][0]))
    given = np.concatenate([tape[:place], fee, tape[place:]])
    found = compared(tmp_path, given, tape, markets)
    assert set(found.causes) == {Step.LISTINGS}
    assert {each.market for each in found.differing} == {"three"}
    assert found.rows_differing == {}


def test_a_payout_that_was_found_out_sooner_is_no_row(tmp_path: Path) -> None:
    """Before its purchases had settled, so a replay merges nothing; the run heard of it later."""
    tape, markets = day()
    recorded = tape.copy()
    states = recorded["kind"] == EventKind.STATE
    for name in ("ts_recv_ns", "ts_venue_ns"):
        recorded[name][states] -= 20 * NS_PER_S
    found = compared(tmp_path, tape, recorded, markets)
    assert found.rows_differing == {}
    assert set(found.causes) == {Step.LISTINGS}


def test_a_timer_may_see_a_fall_that_a_replay_does_not(tmp_path: Path) -> None:
    """The bid for what is held falls and comes back; only a timer in between takes stock."""
    tape, markets = day()
    alone = make_market("alone")
    position = Position(
        market=alone.market,
        token=Token.YES,
        size_e6=100 * ONE_E6,
        cost_e6=60 * ONE_E6,
        locked_size_e6=0,
        locked_cost_e6=0,
        alone_since_ns=START_NS,
    )
    start = Start(mode=PAPER, portfolio=Portfolio(positions=[position], markets=[alone]))
    falls = tape_of(
        [
            level(100, alone, Side.BID, 1_000, (6_000, 7_000)),
            level(200, alone, Side.BID, 6_000, (1_000, 7_000)),
            level(400, alone, Side.BID, 6_000, (6_000, 7_000)),
        ]
    )
    falls["size_e6"][1] = 0
    timer = np.zeros(1, EVENT)
    timer["kind"] = EventKind.TIMER
    timer["ts_recv_ns"] = timer["ts_venue_ns"] = START_NS + 300 * NS_PER_MS
    tape["ts_recv_ns"] += WHILE_AWAY_NS
    tape["ts_venue_ns"] += WHILE_AWAY_NS
    recorded = np.concatenate([book(0, alone), falls, tape])
    given = np.concatenate([book(0, alone), falls[:2], timer, falls[2:], tape])
    record(tmp_path, recorded, [*markets, alone])
    kept_run(tmp_path, start, given, ([*markets, alone], []))
    found = checked(tmp_path)
    assert set(found.causes) == {Step.TIMERS}
    assert found.timers == 1
    decision = next(each for each in found.differing if each.in_run and each.in_replay)
    assert decision.in_run is not None
    assert decision.in_replay is not None
    reasons = decision.in_run["reason"], decision.in_replay["reason"]
    assert reasons == (Reason.DAILY_LOSS, Reason.TAKEN)


def test_nothing_recorded_is_said(tmp_path: Path) -> None:
    tape, markets = day()
    kept_run(tmp_path, Start(mode=PAPER), tape, (markets, []))
    with pytest.raises(LakeError, match="hfptm normalize"):
        compare(tmp_path, RUN_ID)


ROWS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2)), max_size=12)


def rows_of(drawn: list[tuple[int, int, int]]) -> Rows:
    rows = np.zeros(len(drawn), EVENT)
    for row, (ts_ns, market, price_e4) in zip(rows, sorted(drawn), strict=True):
        row["ts_recv_ns"], row["market"], row["price_e4"] = ts_ns, market, price_e4
        row["kind"] = EventKind.LEVEL
    return rows


@given(run=ROWS, recording=ROWS)
def test_each_row_is_in_both_or_told(
    run: list[tuple[int, int, int]], recording: list[tuple[int, int, int]]
) -> None:
    one, other = rows_of(run), rows_of(recording)
    found = row_differences(one, other)
    mine = found.in_run[found.in_run["kind"] > 0]
    others = found.in_recording[found.in_recording["kind"] > 0]
    ours, theirs = Counter(one.tolist()), Counter(other.tolist())
    assert Counter(mine.tolist()) == ours - theirs
    assert Counter(others.tolist()) == theirs - ours
    assert found.same == (ours & theirs).total()
    moved = (found.in_run["kind"] > 0) & (found.in_recording["kind"] > 0)
    for name in ("market", "price_e4"):
        assert (found.in_run[name] == found.in_recording[name])[moved].all()
    timeless = [Counter(row[2:] for row in rows.tolist()) for rows in (mine, others)]
    assert int(moved.sum()) == (timeless[0] & timeless[1]).total(), "as many as can be"
    assert (np.diff(found.ts_ns) >= 0).all()
    assert msgspec.json.encode(found.counts())
