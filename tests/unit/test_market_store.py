"""What discovery writes: versions as they change, and payouts that replay settles by."""

from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from hfptm.lake import Lake
from hfptm.opportunities import Relation
from hfptm.parquet import read_rows
from hfptm.records import EVENT, EventKind, MarketState, TakerDelay
from hfptm.registry import Group, Market
from hfptm.venue.resolutions import Resolution, Source
from recorder.market_store import FILE_ROWS, UNRESOLVED_NS, MarketStore, Settled
from tests.tapes import HOUR_NS, START_NS, make_market

GROUP = Group(group=9, slug="event", relation=Relation.EXACTLY_ONE, members=2, convertible=True)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def settled(market: Market, payout_e4: int, ts_recv_ns: int) -> Settled:
    resolution = Resolution(
        condition_id=market.condition_id, payout_e4=payout_e4, source=Source.GAMMA
    )
    return Settled(market=market, resolution=resolution, ts_recv_ns=ts_recv_ns)


def market_files(lake: Lake) -> list[Path]:
    return sorted(lake.root.glob("markets/*.parquet"))


def test_only_what_has_changed_is_stored(lake: Lake) -> None:
    store = MarketStore(lake, START_NS)
    a, b = make_market("a"), make_market("b")
    assert store.put([(a, None), (b, None)]) == [a, b]
    later = msgspec.structs.replace(a, valid_from_ns=a.valid_from_ns + 5)
    assert store.put([(later, None), (b, None)]) == []
    dearer = msgspec.structs.replace(later, fee_rate_e4=1)
    assert store.put([(dearer, None), (b, None)]) == [dearer]
    assert lake.market_versions() == [(a, None), (b, None), (dearer, None)]
    assert len(market_files(lake)) == 1


def test_a_group_that_changes_is_a_version_of_its_members_in_a_file_of_its_own(lake: Lake) -> None:
    store = MarketStore(lake, START_NS)
    a, b = (make_market(slug, group=9) for slug in "ab")
    store.put([(a, GROUP), (b, GROUP)])
    grown = msgspec.structs.replace(GROUP, relation=Relation.AT_MOST_ONE, members=3)
    later = [msgspec.structs.replace(market, valid_from_ns=START_NS + 9) for market in (a, b)]
    assert store.put([(market, grown) for market in later]) == later
    assert len(market_files(lake)) == 2
    assert [group for _, group in lake.market_versions()] == [GROUP, GROUP, grown, grown]


def test_full_files_are_not_written_again(lake: Lake) -> None:
    store = MarketStore(lake, START_NS)
    store.put([(make_market(str(n)), None) for n in range(FILE_ROWS)])
    (first,) = market_files(lake)
    written_ns = first.stat().st_mtime_ns
    store.put([(make_market("one more"), None)])
    assert first.stat().st_mtime_ns == written_ns
    assert [path.stem[-6:] for path in market_files(lake)] == ["000001", "000002"]
    assert len(lake.markets()) == FILE_ROWS + 1


def test_a_forgotten_market_is_stored_again(lake: Lake) -> None:
    store = MarketStore(lake, START_NS)
    store.put([(make_market("a"), None)])
    store.forget([make_market("a").market, 12345])
    assert store.put([(make_market("a"), None)]) == [make_market("a")]


def test_payouts_are_rows_of_the_tape(lake: Lake) -> None:
    store = MarketStore(lake, START_NS)
    a, b, c = (make_market(slug) for slug in "abc")
    store.settle([settled(a, 10_000, START_NS + 1)])
    store.settle([settled(b, 5_000, START_NS), settled(c, 0, START_NS + HOUR_NS)])
    store.settle([])
    rows = np.concatenate([read_rows(path, EVENT) for path in lake.events_files()])
    assert rows["market"].tolist() == [a.market, b.market, c.market]
    assert rows["price_e4"].tolist() == [10_000, 5_000, 0]
    assert rows["ts_recv_ns"].tolist() == [START_NS + 1, START_NS + 1, START_NS + HOUR_NS]
    assert set(rows["kind"]) == {EventKind.STATE}
    assert set(rows["aux"]) == {MarketState.RESOLVED}
    assert len(lake.events_files()) == 2


def test_a_clock_set_back_over_the_hour_overwrites_nothing(lake: Lake) -> None:
    store = MarketStore(lake, START_NS)
    for number, ts_ns in enumerate((START_NS, START_NS + HOUR_NS, START_NS + 5)):
        store.settle([settled(make_market(str(number)), 0, ts_ns)])
    assert [len(read_rows(path, EVENT)) for path in lake.events_files()] == [1, 2]


def test_a_new_run_knows_what_former_ones_left_unresolved(lake: Lake) -> None:
    a, b, c = (make_market(slug, valid_from_ns=START_NS) for slug in "abc")
    ancient = make_market("d", valid_from_ns=START_NS - UNRESOLVED_NS)
    first = MarketStore(lake, START_NS)
    first.put([(market, None) for market in (a, b, ancient)])
    finer = msgspec.structs.replace(b, tick_e4=10)
    first.put([(finer, None)])
    first.settle([settled(a, 10_000, START_NS + 1)])
    lake.write_markets("of-others", [c])
    second = MarketStore(lake, START_NS + HOUR_NS)
    assert second.unresolved(START_NS + HOUR_NS) == [finer]
    second.put([(c, None)])
    second.settle([settled(b, 0, START_NS + HOUR_NS)])
    assert len(market_files(lake)) == 3
    assert len(lake.events_files()) == 2
    assert MarketStore(lake, START_NS + 1).unresolved(START_NS + HOUR_NS) == [c]


def test_files_of_earlier_schemas_are_looked_through_too(lake: Lake) -> None:
    known = make_market("a", valid_from_ns=START_NS, taker_delay=TakerDelay.NO)
    MarketStore(lake, START_NS).put([(known, None)])
    [path] = market_files(lake)
    pq.write_table(pq.read_table(path).drop_columns(["taker_delay"]), path)
    unknown = make_market("a", valid_from_ns=START_NS)
    assert MarketStore(lake, START_NS + 1).unresolved(START_NS + 1) == [unknown]


def test_what_a_killed_run_left_half_written_is_removed(lake: Lake) -> None:
    MarketStore(lake, START_NS).put([(make_market("a"), None)])
    half = lake.root / "markets" / "discovery-x.999999999.tmp"
    half.write_bytes(b"half")
    assert MarketStore(lake, START_NS + 1).unresolved(START_NS) != []
    assert not half.exists()
