"""Replay knows of each market what was known of it at the time."""

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hfptm.clock import NS_MAX
from hfptm.config import load
from hfptm.lake import Lake
from hfptm.opportunities import Relation
from hfptm.records import EVENT, EventKind, MarketState, TakerDelay
from hfptm.registry import Group, Market
from replay.definitions import definitions_at, merge
from replay.driver import Selection, replay
from replay.importers.base import quiet
from tests.engines import crossed_market, tape_of
from tests.tapes import START_NS, make_market, make_rows

GROUP = Group(group=9, slug="e", relation=Relation.EXACTLY_ONE, members=5, convertible=True)
LATER_GROUP = Group(group=9, slug="e", relation=Relation.AT_MOST_ONE, members=4, convertible=True)


def version(after_ns: int, **changes: Any) -> Market:
    return make_market("a", valid_from_ns=START_NS + after_ns, **changes)


def test_a_market_is_what_its_last_version_at_the_start_says() -> None:
    first, second, third = (version(n, tick_e4=tick) for n, tick in ((0, 100), (5, 10), (9, 1)))
    versions = [(first, None), (second, None), (third, None)]
    for from_ns, expected in ((4, first), (5, second), (8, second), (9, third), (99, third)):
        assert definitions_at(versions, START_NS + from_ns).markets == [expected]
    assert definitions_at(versions, 0).markets == [first]


def test_a_group_that_loses_a_member_later_is_whole_until_then() -> None:
    versions = [(version(0, group=9), GROUP), (version(5, group=9), LATER_GROUP)]
    assert definitions_at(versions, START_NS + 4).groups == [GROUP]
    assert definitions_at(versions, START_NS + 5).groups == [LATER_GROUP]
    assert definitions_at(versions, 0).groups == [GROUP]


def test_later_delays_are_rows_too() -> None:
    versions = [
        (version(0, game_delay_ms=1_000), None),
        (version(5, game_delay_ms=1_000, game_start_ns=START_NS), None),
        (version(7, fee_rate_e4=500, game_delay_ms=3_000, game_start_ns=START_NS), None),
        (version(9, fee_rate_e4=500, taker_delay=TakerDelay.NO), None),
    ]
    rows = definitions_at(versions, START_NS).changes
    kinds = [EventKind.DELAY, EventKind.FEE, EventKind.DELAY, EventKind.DELAY]
    assert rows["kind"].tolist() == kinds
    assert (rows["ts_recv_ns"] - START_NS).tolist() == [5, 7, 7, 9]
    assert rows["size_e6"].tolist() == [1_000, 0, 3_000, 0]
    assert rows["aux"].tolist() == [START_NS, 1, START_NS, 0]
    assert rows["price_e4"].tolist() == [TakerDelay.UNKNOWN, 500, TakerDelay.UNKNOWN, TakerDelay.NO]


def test_later_fees_are_rows_and_nothing_else_is() -> None:
    versions = [
        (version(0, fee_rate_e4=700), None),
        (version(5, fee_rate_e4=500), None),
        (version(7, fee_rate_e4=500, tick_e4=10), None),
        (version(9, fee_rate_e4=500, fee_exponent=2), None),
    ]
    rows = definitions_at(versions, START_NS).changes
    assert set(rows["kind"]) == {EventKind.FEE}
    assert (rows["ts_recv_ns"] - START_NS).tolist() == [5, 9]
    assert rows["price_e4"].tolist() == [500, 500]
    assert rows["aux"].tolist() == [1, 2]
    assert len(definitions_at(versions, START_NS + 5).changes) == 1


@given(
    st.lists(st.integers(0, 20)).map(sorted),
    st.lists(st.integers(0, 20), max_size=5).map(sorted),
    st.integers(1, 5),
)
def test_rows_are_merged_by_time_however_the_tape_is_cut(
    tape: list[int], changes: list[int], block_rows: int
) -> None:
    rows, added = make_rows(tape), make_rows(changes, market=8)
    blocks = [rows[start : start + block_rows] for start in range(0, len(rows), block_rows)]
    merged = list(merge(blocks, added))
    assert len(merged) == len(blocks)
    found = np.concatenate([*merged, np.zeros(0, EVENT)])
    assert found["ts_recv_ns"].tolist() == sorted(found["ts_recv_ns"].tolist())
    assert np.array_equal(found[found["market"] == 7], rows)
    in_time = [ts_ns for ts_ns in changes if tape and ts_ns < tape[-1]]
    assert found[found["market"] == 8]["ts_recv_ns"].tolist() == in_time


def summary_of(lake: Lake, from_ns: int = 0) -> dict[str, Any]:
    data = lake.root.parent
    found: dict[str, Any] = replay(data, load(None, [], {}), Selection(from_ns, NS_MAX), quiet)[1]
    return found


def digest_with_fees(tmp_path: Path, name: str, *fees: tuple[int, int]) -> object:
    """Of a crossed book, with the fees (time after the start, rate)."""
    lake = Lake(tmp_path / name)
    versions = [version(after_ns, fee_rate_e4=rate_e4) for after_ns, rate_e4 in fees]
    lake.write_markets("made", versions)
    lake.write_events("made", tape_of(crossed_market("a", START_NS)))
    return summary_of(lake)["digest"]


def test_a_replay_pays_the_fees_of_the_time(tmp_path: Path) -> None:
    day_ns = 86_400_000_000_000
    then = digest_with_fees(tmp_path, "then", (0, 700))
    now = digest_with_fees(tmp_path, "now", (0, 0))
    assert then != now
    assert digest_with_fees(tmp_path, "later", (0, 700), (day_ns, 0)) == then
    assert digest_with_fees(tmp_path, "before", (-1, 700), (0, 0)) != then


def test_a_payout_that_is_told_twice_counts_once(tmp_path: Path) -> None:
    """By the feed and by discovery; the first one counts."""
    results = []
    for name, payouts_e4 in (("once", [10_000]), ("twice", [10_000, 0])):
        lake = Lake(tmp_path / name)
        lake.write_markets("made", [version(0)])
        tape = tape_of(crossed_market("a", START_NS))
        lake.write_events("made", tape)
        states = make_rows(
            [int(tape[-1]["ts_recv_ns"]) + 10**10] * len(payouts_e4), version(0).market
        )
        states["kind"], states["aux"] = EventKind.STATE, MarketState.RESOLVED
        states["price_e4"] = payouts_e4
        lake.write_events("discovery-x", states)
        summary = summary_of(lake)
        results.append((summary["pnl_usd"], summary["fills"], summary["locked_usd"]))
    assert results[0] == results[1]
    assert results[0][1]
