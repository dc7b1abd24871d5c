"""The tapes are what their description says, and the figures have the names that are documented."""

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks import engine, sandbox, sweep, sweep_workers
from benchmarks.replay import Sizes, fresh, measure, run
from benchmarks.report import as_json
from benchmarks.tape import (
    EDGE_EVERY_ROWS,
    MEMBERS,
    Tape,
    level_changes,
    listing,
    make_tape,
    with_ids,
)
from benchmarks.wire import frames_of, with_tokens
from hfptm.kernel.jit import Array
from hfptm.opportunities import OpportunityKind
from hfptm.records import EventFlag, EventKind
from hfptm.units import NS_PER_MS, PRICE_ONE_E4, unpack_best
from hfptm.venue.market_feed import MarketFeed
from tests.tapes import PlainBook, batch_ends

NEVER = 10**9
MARKETS, ROWS = 23, 6_000
REPORTS = int(EventFlag.BEST_YES)


@pytest.fixture(scope="module")
def calm() -> Tape:
    """Without edges; four groups, one of them on the 0.01 tick, and three markets alone."""
    return make_tape(MARKETS, ROWS, edge_every_rows=NEVER)


@pytest.fixture(scope="module")
def dense() -> Tape:
    return make_tape(MARKETS, ROWS, edge_every_rows=200)


def frames(rows: Array) -> list[Array]:
    """What follows the snapshots, cut behind every closing row."""
    ends = np.flatnonzero(rows["flags"] & EventFlag.LAST_IN_BATCH) + 1
    cut = np.split(rows, ends)
    assert len(cut.pop()) == 0
    return [frame for frame in cut if not frame["flags"][0] & EventFlag.SNAPSHOT]


def reported(rows: Array) -> Iterator[tuple[int, tuple[int, int], dict[int, PlainBook]]]:
    """Market, best prices and all books at every row that reports best prices."""
    for row, books in batch_ends(rows):
        if row.flags & REPORTS:
            yield row.market, unpack_best(row.aux), books


def group_sums(books: dict[int, PlainBook], market: int) -> tuple[int, int]:
    first = market // MEMBERS * MEMBERS
    members = [books[slot] for slot in range(first, first + MEMBERS)]
    return sum(book.best_bid_e4 for book in members), sum(book.best_ask_e4 for book in members)


def test_the_same_seed_gives_the_same_tape() -> None:
    first, again, other = (make_tape(5, 2_000, seed).rows.tobytes() for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("edges", ["calm", "dense"])
def test_reported_best_prices_are_the_books(edges: str, request: pytest.FixtureRequest) -> None:
    tape: Tape = request.getfixturevalue(edges)
    checked = 0
    for market, best, books in reported(tape.rows):
        assert best == (books[market].best_bid_e4, books[market].best_ask_e4)
        checked += 1
    assert checked > ROWS // 3


def test_without_edges_no_book_is_crossed_and_no_basket_pays(calm: Tape) -> None:
    sums = []
    for market, (bid_e4, ask_e4), books in reported(calm.rows):
        assert bid_e4 < ask_e4
        if market < len(calm.groups) * MEMBERS:
            sums.append(group_sums(books, market))
            assert sums[-1][0] < PRICE_ONE_E4 < sums[-1][1]
    bids_e4, asks_e4 = np.median(sums, axis=0)
    assert bids_e4 > 0.97 * PRICE_ONE_E4
    assert asks_e4 < 1.03 * PRICE_ONE_E4


def test_edges_are_crossed_books_and_baskets_that_pay(dense: Tape) -> None:
    crossed = cheap = rich = 0
    for market, (bid_e4, ask_e4), books in reported(dense.rows):
        crossed += bid_e4 > ask_e4
        if market < len(dense.groups) * MEMBERS:
            bids_e4, asks_e4 = group_sums(books, market)
            rich += bids_e4 > 1.1 * PRICE_ONE_E4
            cheap += asks_e4 < 0.95 * PRICE_ONE_E4
    assert dense.planted >= 5
    assert min(crossed, cheap, rich) > 0


def test_edges_are_as_rare_as_stated() -> None:
    tape = make_tape(MARKETS, 40 * EDGE_EVERY_ROWS)
    assert 20 <= tape.planted <= 60


def test_frames_are_of_one_market_and_time(calm: Tape) -> None:
    found = frames(calm.rows)
    levels = np.array([np.sum(frame["kind"] == EventKind.LEVEL) for frame in found])
    for frame in found:
        for name in ("market", "ts_recv_ns", "ts_venue_ns"):
            assert len(np.unique(frame[name])) == 1
    starts_ns = np.array([frame["ts_recv_ns"][0] for frame in found])
    assert np.all(np.diff(starts_ns) > 0)
    assert not np.any(calm.rows["ts_venue_ns"] % NS_PER_MS)
    assert np.all(calm.rows["ts_venue_ns"] < calm.rows["ts_recv_ns"])
    assert set(np.unique(levels)) == {1, 2, 3}


def test_shares_are_as_stated() -> None:
    rows = make_tape(MARKETS, 200_000, edge_every_rows=NEVER).rows
    changes = rows[(rows["kind"] == EventKind.LEVEL) & (rows["flags"] & EventFlag.SNAPSHOT == 0)]
    assert 0.29 < np.mean(changes["size_e6"] == 0) < 0.33
    trades = np.sum(rows["kind"] == EventKind.TRADE)
    assert 0.02 < trades / np.sum(rows["flags"] & EventFlag.LAST_IN_BATCH != 0) < 0.03


def test_prices_lie_on_the_market_s_tick(dense: Tape) -> None:
    tick_e4 = np.array([market.tick_e4 for market in dense.markets])
    priced = dense.rows[dense.rows["kind"] != EventKind.SNAPSHOT]
    assert set(tick_e4) == {10, 100}
    assert not np.any(priced["price_e4"] % tick_e4[priced["market"]])


def test_ids_are_those_of_the_listing(calm: Tape) -> None:
    listed, groups = listing(MARKETS)
    assert (listed, groups) == (calm.markets, calm.groups)
    assert with_ids(calm)["market"][0] == listed[0].market
    assert [market.group for market in listed[:MEMBERS]] == MEMBERS * [groups[0].group]
    assert [market.group for market in listed[-3:]] == [0, 0, 0]


def test_the_whole_engine_is_at_work(dense: Tape) -> None:
    state, sim = fresh(dense)
    run(state, sim, dense.rows)
    counters, account = state.counters[0], state.lanes[0]
    assert counters["level_changes"] == level_changes(dense.rows)
    assert counters["mismatches"] == counters["off_grid"] == 0
    assert counters["best_values"] > ROWS // 3
    assert min(account[name] for name in ("decisions", "plans", "fills")) > 0
    assert np.all(account["sightings"][: OpportunityKind.NESTED] > 0)  # no outcome is by date


def test_figures_have_the_documented_names() -> None:
    tiny = Sizes(
        markets=(1, 7),
        rows=2_000,
        runs=2,
        lake_markets=7,
        lake_rows=2_000,
        lake_runs=2,
        step_calls=100,
        state_markets=7,
    )
    shown = as_json("replay", measure(tiny))
    assert list(shown) == ["name", "machine", "figures"]
    figures = shown["figures"]
    assert isinstance(figures, dict)
    assert list(figures) == [
        *("rows_per_s_1", "rows_per_s_7"),
        *("lake_rows_per_s", "step_us", "state_mib_7"),
    ]
    assert min(figures.values()) > 0


def test_the_sizes_that_count_are_the_documented_ones() -> None:
    assert Sizes().markets == (1, 128, 1_024, 5_000)
    assert Sizes().state_markets == 5_000


def test_figures_of_the_sandbox_have_the_documented_names() -> None:
    tiny = sandbox.Sizes(
        markets=12,
        rate=500,
        flat_out=1_000,
        duration_ms=200,
        warm_ms=100,
        orders=10,
        wire_frames=2_000,
        runs=1,
    )
    figures = as_json("sandbox", sandbox.measure(tiny))["figures"]
    assert isinstance(figures, dict)
    assert list(figures) == [
        *("frames_per_s", "resend_frames_per_s", "idle_core_share"),
        *("order_rtt_ms_p50", "order_rtt_ms_p99"),
        *("order_rtt_ms_p50_quiet", "order_rtt_ms_p99_quiet"),
    ]
    assert min(figures.values()) > 0


@pytest.mark.soak
def test_ray_is_measured_as_documented() -> None:
    """A Ray of its own takes a quarter of a minute to start."""
    work = sweep_workers.Work(markets=7, rows=9_000, days=2, runs=1)
    (figure,) = sweep_workers.ray_over_local(work, sweep.grid(3))
    assert figure.value > 0
    assert figure.note.startswith("2 jobs of 3 sets and 9,000 rows, 2 workers; ")


def test_sweeps_are_measured_as_documented() -> None:
    tiny = sweep.Sizes(markets=7, rows=9_000, dense_rows=9_000, lanes=9)
    figures = as_json("sweep", sweep.measure(tiny))["figures"]
    assert isinstance(figures, dict)
    names = ("", "_dense", "_sparse")
    assert list(figures) == [f"{what}{name}" for name in names for what in ("ratio_9", "pass_s")]
    assert min(figures.values()) > 0
    assert (sweep.Sizes().markets, sweep.Sizes().lanes) == (1_024, 1_000)
    sets = sweep.grid(1_000)
    assert len(set(map(repr, sets))) == 1_000, "no two alike"


def test_the_sandbox_is_measured_as_documented() -> None:
    assert (sandbox.Sizes().markets, sandbox.Sizes().rate) == (500, 2_000)


def test_frames_decode_to_the_tape_that_they_are_printed_from(dense: Tape) -> None:
    """But for flags: each level is a frame of its own, so each closes one."""
    markets = with_tokens(dense.markets)
    feed = MarketFeed(markets)
    for frame in frames_of(dense, markets):
        feed.receive(frame.payload, frame.ts_recv_ns)
    rows, known = feed.take(), with_ids(dense)
    assert feed.counters.mirror_break == 0
    for each in (rows, known):  # of a book, bids come before asks
        each["price_e4"][each["kind"] == EventKind.SNAPSHOT] = 0
        of_book = each["flags"] & EventFlag.SNAPSHOT != 0
        each[of_book] = np.sort(each[of_book], order=("market", "kind", "side", "price_e4"))
    for name in ("ts_recv_ns", "ts_venue_ns", "market", "kind", "side", "price_e4", "size_e6"):
        assert rows[name].tolist() == known[name].tolist()
    last = known["flags"] & REPORTS != 0
    assert rows["aux"][last].tolist() == known["aux"][last].tolist()


def test_figures_of_the_engine_have_the_documented_names() -> None:
    figures = as_json("engine", engine.measure(engine.Sizes(markets=23, rows=6_000)))["figures"]
    assert isinstance(figures, dict)
    assert list(figures) == [
        *("tick_to_intent_us_p50", "tick_to_intent_us_p99"),
        *("tick_to_intent_journal_us_p50", "tick_to_intent_journal_us_p99"),
        *("tick_us_p50", "tick_us_p99"),
    ]
    assert min(figures.values()) > 0
    assert engine.Sizes().markets == 5_000
