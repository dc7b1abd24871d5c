"""The known truths of the shared recordings, at the level of what an import puts on the tape."""

from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hfptm.lake import Gap, Lake
from hfptm.opportunities import Relation
from hfptm.raw import RawKind
from hfptm.records import EventFlag, EventKind, GapReason, MarketState
from hfptm.units import unpack_best
from replay.importers import ImportOptions, ImportReport, import_paths
from replay.reader import EventReader
from tests.tapes import Rows, batch_ends

ROOT = Path(__file__).resolve().parents[2]
Polls = dict[str, list[list[tuple[int, int]]]]
"""By group: (best bid, best ask) of every outcome at the end of each poll; 0 and 10,000: none."""

BOTH = EventFlag.BEST_YES | EventFlag.BEST_NO


class Imported:
    """One recording in a lake of its own."""

    def __init__(self, data: Path, format_name: str, path: Path, options: ImportOptions) -> None:
        self.lake = Lake(data)
        self.arguments = (format_name, [path], options, self.lake)
        self.report = import_paths(*self.arguments)

    @property
    def rows(self) -> Rows:
        return np.concatenate(list(EventReader(self.lake)))

    def known_later(self) -> list[Gap]:
        """What a connection that was up did not tell, as the next full book showed: each of these
        gaps ends where the connection does, and came too late for the tape."""
        gaps = self.lake.gaps()
        begins = {(gap.market, gap.from_ns) for gap in gaps}
        return [gap for gap in gaps if (gap.market, gap.to_ns) in begins]

    def again(self) -> ImportReport:
        return import_paths(*self.arguments)


def stored(lake: Lake) -> dict[Path, tuple[bytes, int]]:
    files = sorted(path for path in lake.root.rglob("*") if path.is_file())
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


@pytest.fixture(scope="module")
def updown(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    path = shared / "recordings" / "raw-updown-15m"
    options = ImportOptions(preset="updown")
    return Imported(tmp_path_factory.mktemp("updown"), "frames-jsonl", path, options)


@pytest.fixture(scope="module")
def sol(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    path = shared / "recordings" / "l2-updown-15m-sol"
    return Imported(tmp_path_factory.mktemp("sol"), "l2-json", path, ImportOptions())


@pytest.fixture(scope="module")
def quotes(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    path = shared / "recordings" / "multi-outcome-quotes" / "2026-07-23.parquet"
    options = ImportOptions(groups=ROOT / "config" / "groups.example.toml")
    return Imported(tmp_path_factory.mktemp("quotes"), "quotes", path, options)


def sample_folder() -> Path:
    spec = find_spec("resolvedkit")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "sample_data"


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    data = tmp_path_factory.mktemp("settled")
    return Imported(data, "resolvedkit", sample_folder(), ImportOptions())


@pytest.mark.parametrize("name", ["updown", "sol", "quotes", "settled"])
def test_importing_again_changes_nothing(name: str, request: pytest.FixtureRequest) -> None:
    imported: Imported = request.getfixturevalue(name)
    before = stored(imported.lake)
    assert len(before) == len(imported.report.files_changed)
    report = imported.again()
    assert report.files_changed == []
    assert report.files_unchanged == len(before)
    assert stored(imported.lake) == before
    assert report.rows == imported.report.rows


@pytest.mark.parametrize("name", ["updown", "sol", "quotes", "settled"])
def test_no_market_is_left_seen_and_gaps_agree_with_the_tape(
    name: str, request: pytest.FixtureRequest
) -> None:
    imported: Imported = request.getfixturevalue(name)
    rows = imported.rows
    later = set(imported.known_later())
    gaps = [gap for gap in imported.lake.gaps() if gap not in later]
    on_tape = rows[rows["kind"] == EventKind.GAP][["ts_recv_ns", "market", "aux"]].tolist()
    assert sorted(on_tape) == sorted((gap.from_ns, gap.market, gap.reason) for gap in gaps)
    still_open = [gap.market for gap in gaps if gap.to_ns == 0]
    assert sorted(still_open) == sorted(set(rows["market"].tolist()))
    snapshots = rows[rows["kind"] == EventKind.SNAPSHOT][["market", "ts_recv_ns"]].tolist()
    ends = {(gap.market, gap.to_ns) for gap in gaps if gap.to_ns}
    assert ends <= set(snapshots)


def test_updown_counts(updown: Imported) -> None:
    report = updown.report
    assert report.frames == 447
    assert sum(report.skipped.values()) == 1_947 - 447
    assert (report.markets, report.groups) == (3, 0)
    assert report.gaps == {"disconnect": 30 * 3, "silence": 2}
    # Of 360 REST books each is one; of 30 arrays of 6 books both tokens make one.
    assert report.rows["snapshot"] == 360 + 30 * 3
    assert report.hashes["bad"] == 0
    assert report.hashes["ok"] >= 360 + 180
    kinds = Counter[int]()
    for table in updown.lake.scan_raw():
        kinds.update(table.column("kind").to_pylist())
    assert kinds == {
        RawKind.REST: 360,
        RawKind.FRAME: 87,
        RawKind.LINK_UP: 30,
        RawKind.LINK_DOWN: 30,
    }


def test_updown_markets(updown: Imported) -> None:
    for market in updown.lake.markets():
        assert (market.tick_e4, market.min_size_e6, market.fee_rate_e4) == (100, 5_000_000, 720)


def test_the_80_best_prices_of_updown_agree_with_the_book(updown: Imported) -> None:
    """40 frames, each with the best prices of both tokens, each alone at its (market, time)."""
    rows = updown.rows
    assert not np.any(rows["flags"] & (EventFlag.MIRROR_BREAK | EventFlag.MAYBE_BAD))
    compared = 0
    for row, books in batch_ends(rows):
        if row.flags & BOTH:
            book = books[row.market]
            assert row.flags & BOTH == BOTH
            assert unpack_best(row.aux) == (book.best_bid_e4, book.best_ask_e4)
            compared += 2
    assert compared == 80


def test_updown_gaps_end_with_the_next_snapshot(updown: Imported) -> None:
    later = updown.known_later()
    gaps = [gap for gap in updown.lake.gaps() if gap not in later]
    assert {gap.reason for gap in gaps} == {GapReason.DISCONNECT}
    assert all(gap.to_ns == 0 or gap.to_ns > gap.from_ns for gap in gaps)
    assert [gap.to_ns for gap in gaps].count(0) == 3


def test_updown_books_that_changed_while_a_connection_was_silent_are_gaps(updown: Imported) -> None:
    """Of 8499091382634960452: the book after the cut is of a time before it, and nobody told it."""
    rows = updown.rows
    later = updown.known_later()
    assert [(gap.market, gap.reason) for gap in later] == [(8499091382634960452, 2)] * 2
    for gap in later:
        of_market = rows[(rows["market"] == gap.market) & (rows["kind"] == EventKind.SNAPSHOT)]
        after = of_market[of_market["ts_recv_ns"] > gap.to_ns][0]
        assert gap.from_ns < after["ts_venue_ns"] < gap.to_ns


def test_sol_mirrors_and_trades(sol: Imported) -> None:
    report = sol.report
    assert report.rows == {"level": 22_680, "snapshot": 248, "trade": 137 + 110, "gap": 51}
    assert report.skipped == {"NO book that mirrors its YES book": 248}
    for row, books in batch_ends(sol.rows):
        book = books[row.market]
        assert book.best_bid_e4 < book.best_ask_e4
    trades = sol.rows[sol.rows["kind"] == EventKind.TRADE]
    # Who buys DOWN sells UP: 115 UP buys and 51 DOWN sells are buys of YES.
    assert Counter(trades["side"].tolist()) == {0: 115 + 51, 1: 22 + 59}
    assert trades["size_e6"].min() > 0


def test_sol_samples_are_held_five_seconds(sol: Imported) -> None:
    rows = sol.rows
    times = rows[rows["kind"] == EventKind.SNAPSHOT]["ts_recv_ns"]
    late = times[:-1][np.diff(times) > 5_000_000_000] + 5_000_000_000
    assert [gap.from_ns for gap in sol.lake.gaps()] == [*late, times[-1] + 5_000_000_000]


@pytest.fixture(scope="module")
def polls(quotes: Imported) -> Polls:
    lake = quotes.lake
    slugs = {group.group: group.slug for group in lake.groups()}
    group_of = {market.market: slugs[market.group] for market in lake.markets()}
    found: Polls = {slug: [] for slug in slugs.values()}
    for row, books in batch_ends(quotes.rows):
        slug = group_of[row.market]
        members = (books[market] for market in sorted(books) if group_of[market] == slug)
        found[slug].append([(book.best_bid_e4, book.best_ask_e4) for book in members])
    return found


def bids_above_one(polls: list[list[tuple[int, int]]]) -> int:
    return sum(sum(bid for bid, _ in poll) > 10_000 for poll in polls)


def test_fomc_quotes(polls: Polls) -> None:
    fomc = polls["rdc-usfed-fomc-2026-07-29"]
    assert len(fomc) == 695
    quoted = [poll for poll in fomc if all(ask < 10_000 for _, ask in poll)]
    assert len(quoted) == 668
    assert sum(sum(ask for _, ask in poll) < 10_000 for poll in quoted) == 7
    assert bids_above_one(fomc) == 52
    assert any(all(bid == 0 for bid, _ in outcome) for outcome in zip(*fomc, strict=True))


@pytest.mark.parametrize(
    ("group", "count"), [("tc-temp-nychigh-2026-07-23", 242), ("tec-mls-winner-2026-11-07", 543)]
)
def test_polls_with_bids_above_one(polls: Polls, group: str, count: int) -> None:
    assert bids_above_one(polls[group]) == count


def test_a_missing_quote_is_no_price(quotes: Imported, polls: Polls, shared: Path) -> None:
    path = shared / "recordings" / "multi-outcome-quotes" / "2026-07-23.parquet"
    table = pl.read_parquet(path)
    present = table["bid"].count() + table["ask"].count()
    rows = quotes.rows
    levels = rows[rows["kind"] == EventKind.LEVEL]
    assert len(levels) == present
    assert levels["price_e4"].min() > 0
    assert levels["price_e4"].max() < 10_000
    assert set(levels["size_e6"].tolist()) == {100_000_000}
    # Were a null ask an ask of 0, FOMC would have a YES basket at 0.27.
    sums = [sum(ask for _, ask in poll) for poll in polls["rdc-usfed-fomc-2026-07-29"]]
    assert min(sums) > 2_700


def test_one_poll_of_a_group_is_one_batch(quotes: Imported) -> None:
    rows = quotes.rows
    last = rows[(rows["flags"] & EventFlag.LAST_IN_BATCH) != 0]
    assert len(last) == 695 * 4
    assert quotes.report.gaps == {"silence": 35_445}
    gaps = rows[rows["kind"] == EventKind.GAP]
    assert set(gaps["ts_recv_ns"]) == {ts_ns + 1_000_000_000 for ts_ns in set(last["ts_recv_ns"])}


def test_quote_groups_come_from_the_file(quotes: Imported) -> None:
    groups = {group.slug: group for group in quotes.lake.groups()}
    assert groups["cpic-uscpi-july-yoy-2026-08-12"].relation is Relation.NONE
    exclusive = [group for group in groups.values() if group.relation is Relation.EXACTLY_ONE]
    assert sorted(group.members for group in exclusive) == [5, 6, 30]
    ticks = Counter(market.tick_e4 for market in quotes.lake.markets())
    assert ticks == {100: 21, 10: 30}


def test_settled_markets_fold_and_resolve(settled: Imported) -> None:
    books = pl.read_parquet(sample_folder() / "books.parquet")
    assert len(books) == 38_333
    report = settled.report
    # "Exactly" holds for the best prices; 21 pairs differ in the size of a deeper level.
    mirrored, broken = 18_761, 21
    assert list(report.skipped.values()) == [mirrored, broken]
    assert report.rows["snapshot"] == 38_333 - mirrored - broken
    assert report.markets == report.rows["state"] == 18
    rows = settled.rows
    assert np.count_nonzero(rows["flags"] & EventFlag.MIRROR_BREAK) == broken
    assert not np.any(rows["flags"] & EventFlag.MAYBE_BAD)
    payouts = pl.read_parquet(sample_folder() / "markets.parquet")["payout_up"].to_list()
    states = rows[rows["kind"] == EventKind.STATE]
    assert set(states["aux"].tolist()) == {int(MarketState.RESOLVED)}
    assert sorted(states["price_e4"].tolist()) == sorted(int(p) * 10_000 for p in payouts)
    for state in states:
        own = rows[(rows["market"] == state["market"]) & (rows["kind"] == EventKind.SNAPSHOT)]
        assert own["ts_recv_ns"].max() < state["ts_recv_ns"]


def test_crossed_and_one_sided_books_of_settled_markets(settled: Imported) -> None:
    """22 locked or crossed and 3,246 one-sided books; on the tape both tokens make one."""
    books = pl.read_parquet(sample_folder() / "books.parquet")
    bid, ask = pl.col("bid_px").list.max(), pl.col("ask_px").list.min()
    one_sided = books.filter(bid.is_null() | ask.is_null())
    crossed = books.filter(bid >= ask)
    assert (len(crossed), len(one_sided)) == (22, 3_246)
    found = Counter[str]()
    for row, tape_books in batch_ends(settled.rows):
        book = tape_books[row.market]
        found["one-sided"] += book.best_bid_e4 == 0 or book.best_ask_e4 == 10_000
        found["crossed"] += book.best_bid_e4 >= book.best_ask_e4
    instants = ["market_id", "ts"]
    assert found["crossed"] == len(crossed.unique(instants)) == 11
    assert found["one-sided"] == len(one_sided.unique(instants))
