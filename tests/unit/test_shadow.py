"""Real orders sent once more: what they are made of, the book they meet, why they miss."""

from collections.abc import Sequence

import numpy as np
import pytest

from hfptm.config import limits, load
from hfptm.records import EventFlag, EventKind, GapReason, MarketState, Side
from hfptm.registry import market_id
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from replay import shadow
from replay.prints import orders_in
from replay.shadow import Miss, Shadow, ShadowTrades
from tests.engines import tape_of
from tests.tapes import START_NS, Row, make_market

SLUG = "will-it-rain"
MARKET = market_id(SLUG)
BUY, SELL = Side.BID, Side.ASK
LAST = int(EventFlag.LAST_IN_BATCH)
LIMITS = limits(load(None, [], {}))


def row(recv_ms: int, venue_ms: int, kind: EventKind, **fields: int) -> Row:
    """Times in ms after the start."""
    values = dict.fromkeys(("size_e6", "aux", "price_e4", "flags", "side"), 0)
    values |= {"market": MARKET} | fields
    recv_ns, venue_ns = (START_NS + ms * NS_PER_MS for ms in (recv_ms, venue_ms))
    return Row(ts_recv_ns=recv_ns, ts_venue_ns=venue_ns, kind=kind, **values)


def level(recv_ms: int, venue_ms: int, side: Side, price_e4: int, shares: int) -> Row:
    fields = {"side": side, "price_e4": price_e4, "size_e6": shares * ONE_E6, "flags": LAST}
    return row(recv_ms, venue_ms, EventKind.LEVEL, **fields)


def printed(recv_ms: int, venue_ms: int, side: Side, price_e4: int, shares: int) -> Row:
    fields = {"side": side, "price_e4": price_e4, "size_e6": shares * ONE_E6}
    return row(recv_ms, venue_ms, EventKind.TRADE, **fields)


BOOK = [
    row(20, 0, EventKind.SNAPSHOT, flags=EventFlag.SNAPSHOT),
    level(20, 0, BUY, 4_000, 100)._replace(flags=EventFlag.SNAPSHOT),
    level(20, 0, BUY, 3_900, 100)._replace(flags=EventFlag.SNAPSHOT),
    level(20, 0, SELL, 4_500, 100)._replace(flags=EventFlag.SNAPSHOT),
    level(20, 0, SELL, 4_600, 50)._replace(flags=EventFlag.SNAPSHOT | LAST),
]
"""Bids 0.40 and 0.39, asks 0.45 and 0.46, known for a long time where a trade comes at 1,000 ms."""


def shadows(rows: Sequence[Row], cuts: Sequence[int] = (), print_lag_ms: int = 0) -> list[Shadow]:
    found: list[Shadow] = []
    market = make_market(SLUG)
    lag_ns = print_lag_ms * NS_PER_MS
    trades = ShadowTrades([market], [], LIMITS, found.append, lag_ns)
    tape, start = tape_of(rows), 0
    for stop in [*cuts, len(rows)]:
        trades.feed(tape[start:stop])
        start = stop
    trades.finish()
    return found


def only(rows: Sequence[Row], print_lag_ms: int = 0) -> Shadow:
    (found,) = shadows([*BOOK, *rows], print_lag_ms=print_lag_ms)
    return found


def taken(side: Side, price_e4: int, shares: int) -> list[Row]:
    """A trade that the book of `BOOK` explains, as the exchange prints it: the change first."""
    left = level(1_020, 1_000, Side(1 - side), price_e4, 100 - shares)
    return [left, printed(1_020, 1_000, side, price_e4, shares)]


def test_prints_of_one_market_time_and_side_are_one_order() -> None:
    rows = [
        *BOOK,
        printed(1_020, 1_000, BUY, 4_500, 100),
        printed(1_020, 1_000, BUY, 4_600, 20),
        printed(1_020, 1_000, SELL, 4_000, 5),
        printed(1_021, 1_001, BUY, 4_600, 7),
    ]
    orders = [order for _, order in orders_in(tape_of(rows))]
    assert [(order.side, order.size_e6 // ONE_E6, order.limit_e4) for order in orders] == [
        (BUY, 120, 4_600),
        (SELL, 5, 4_000),
        (BUY, 7, 4_600),
    ]


def test_an_order_meets_its_market_before_the_first_row_of_its_time() -> None:
    other = level(1_010, 1_005, BUY, 3_000, 1)._replace(market=market_id("other"))
    rows = [*BOOK, other, level(1_019, 999, BUY, 3_000, 1), *taken(BUY, 4_500, 30)]
    ((place, _),) = orders_in(tape_of(rows))
    assert place == len(BOOK) + 2
    assert orders_in(tape_of(BOOK)) == orders_in(tape_of([])) == []


def test_stamps_that_go_back_do_not_hide_a_row_of_its_time() -> None:
    venue_ms = [990, 1_002, *[995] * 9]
    rows = [level(1_010 + n, ms, BUY, 3_000, 1) for n, ms in enumerate(venue_ms)]
    ((place, _),) = orders_in(tape_of([*rows, printed(1_030, 1_000, BUY, 4_500, 1)]))
    assert place == 1


@pytest.mark.parametrize(("side", "price_e4"), [(BUY, 4_500), (SELL, 4_000)])
def test_what_the_book_explains_is_repeated_at_its_price(side: Side, price_e4: int) -> None:
    found = only(taken(side, price_e4, 30))
    assert found.miss is None
    assert (found.filled_e6, found.extra_e10, found.is_turned) == (30 * ONE_E6, 0, False)


def test_all_of_a_level_is_there_though_its_removal_has_the_same_time() -> None:
    assert only(taken(BUY, 4_500, 100)).miss is None


def test_a_sweep_is_compared_share_by_share() -> None:
    sweep = [printed(1_020, 1_000, BUY, 4_500, 100), printed(1_020, 1_000, BUY, 4_600, 50)]
    found = only(sweep)
    assert (found.filled_e6, found.extra_e10, found.miss) == (150 * ONE_E6, 0, None)


@pytest.mark.parametrize(
    ("trade", "extra_e4"),
    [
        (printed(1_020, 1_000, BUY, 4_700, 100), -200),
        (printed(1_020, 1_000, SELL, 3_800, 100), -200),
    ],
)
def test_a_better_price_than_printed_is_negative(trade: Row, extra_e4: int) -> None:
    found = only([trade])
    assert found.miss is None
    assert found.extra_e10 == extra_e4 * 100 * ONE_E6


def test_a_sweep_that_ours_got_half_of_is_compared_with_that_half() -> None:
    """Best prints first, however they came."""
    sweep = [printed(1_020, 1_000, BUY, 4_600, 150), printed(1_020, 1_000, BUY, 4_500, 100)]
    found = only(sweep)
    assert (found.filled_e6, found.miss) == (150 * ONE_E6, Miss.THIN)
    assert found.extra_e10 == 0


def test_orders_are_tried_alone() -> None:
    """The second finds what the first took, as long as the recording says that it is there."""
    rows = [*BOOK, *(printed(1_020, 1_000 + ms, BUY, 4_500, 100) for ms in range(3))]
    assert [found.miss for found in shadows(rows)] == [None] * 3


@pytest.mark.parametrize(
    ("rows", "miss"),
    [
        ([printed(1_020, 1_000, BUY, 4_500, 101)], Miss.THIN),
        ([printed(1_020, 1_000, BUY, 4_300, 10)], Miss.NO_LEVEL),
        ([level(970, 950, SELL, 4_500, 60), printed(1_020, 1_000, BUY, 4_500, 100)], Miss.MOVED),
        ([level(820, 800, SELL, 4_500, 60), printed(1_020, 1_000, BUY, 4_500, 100)], Miss.THIN),
        ([level(970, 950, SELL, 4_500, 0), printed(1_020, 1_000, BUY, 4_500, 100)], Miss.MOVED),
        ([level(970, 950, BUY, 3_900, 0), printed(1_020, 1_000, BUY, 4_300, 1)], Miss.NO_LEVEL),
        (
            [
                row(500, 500, EventKind.GAP, aux=GapReason.DISCONNECT),
                printed(1_020, 1_000, BUY, 4_500, 1),
            ],
            Miss.UNSEEN,
        ),
        (
            [
                row(500, 500, EventKind.STATE, aux=MarketState.CLOSED),
                printed(1_020, 1_000, BUY, 4_500, 1),
            ],
            Miss.CLOSED,
        ),
    ],
)
def test_why_less_was_filled(rows: list[Row], miss: Miss) -> None:
    assert only(rows).miss is miss


def test_less_than_a_hundredth_of_a_share_is_no_miss() -> None:
    trade = printed(1_020, 1_000, BUY, 4_500, 100)
    assert only([trade._replace(size_e6=100 * ONE_E6 + 9_999)]).miss is None
    assert only([trade._replace(size_e6=100 * ONE_E6 + 10_000)]).miss is Miss.THIN


@pytest.mark.parametrize(("side", "price_e4"), [(BUY, 4_000), (SELL, 4_500)])
def test_a_side_that_the_book_contradicts_is_turned(side: Side, price_e4: int) -> None:
    found = only([printed(1_020, 1_000, side, price_e4, 30)])
    assert found.is_turned
    assert (found.filled_e6, found.extra_e10, found.miss) == (30 * ONE_E6, 0, None)


def test_a_print_that_is_stamped_late_meets_the_book_before_what_it_changed() -> None:
    rows = [level(990, 970, SELL, 4_500, 0), printed(1_020, 1_000, BUY, 4_500, 100)]
    assert only(rows).miss is Miss.MOVED
    assert only(rows, print_lag_ms=29).miss is Miss.MOVED
    assert only(rows, print_lag_ms=30).miss is None


def test_latency_and_taker_delays_are_off() -> None:
    delay = row(30, 30, EventKind.DELAY, size_e6=3_000, aux=0)
    assert only([delay, *taken(BUY, 4_500, 30)]).miss is None


def test_a_print_that_comes_seconds_after_its_change_still_meets_the_book_before() -> None:
    later = [level(2_000 + ms, 1_000 + ms, SELL, 4_500, 50) for ms in range(0, 28_000, 500)]
    rows = [*later, printed(29_500, 1_000, BUY, 4_500, 100)]
    assert only(rows).miss is None
    assert shadow.HOLD_NS >= 28 * NS_PER_S


def test_a_market_without_metadata_is_left_out() -> None:
    stray = printed(1_020, 1_000, BUY, 4_500, 1)._replace(market=market_id("stray"))
    assert [found.order.market for found in shadows([*BOOK, stray, *taken(BUY, 4_500, 3)])] == [
        MARKET
    ]


@pytest.mark.parametrize("step", [1, 7, 40])
def test_cuts_do_not_change_what_is_found(step: int) -> None:
    rng = np.random.default_rng(5)
    rows = list(BOOK)
    for second in range(1, 120):
        shares = int(rng.integers(1, 130))
        rows += [
            level(1_000 * second + 20, 1_000 * second, SELL, 4_500, 100 - min(shares, 100)),
            printed(1_000 * second + 25, 1_000 * second, BUY, 4_500, shares),
            level(1_000 * second + 220, 1_000 * second + 200, SELL, 4_500, 100),
        ]
    whole = shadows(rows)
    assert len(whole) == 119
    assert {found.miss for found in whole} == {None, Miss.THIN}
    assert shadows(rows, cuts=range(step, len(rows), step)) == whole
