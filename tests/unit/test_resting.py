"""Orders in the simulated venue's book: who fills them, and what counts once."""

import pytest

from hfptm.records import EventFlag, EventKind, IntentKind, MarketState, OrderType, Side, Token
from hfptm.sim.restarts import DOWN_NS, POST_ONLY_NS
from hfptm.sim.state import QueueModel, new_sim
from hfptm.units import ONE_E6
from tests.kernels import ASK, BID, MS, Levels, Venue, best, book, level, market, row, timer, waits
from tests.tapes import Row

BIDS: Levels = {4_000: 10, 3_900: 20}
ASKS: Levels = {5_000: 10, 5_100: 20}
QUIET_MS = 9_000


def resting(model: int = QueueModel.RISK_AVERSE, **fields: int) -> Venue:
    """A BUY of 10 YES at 0.40 that stands in the book from 70 on, behind 10, unless changed."""
    made = Venue({"bankroll_e6": 0})
    made.sim.windows["queue_model"] = model
    made.apply([market(0), *book(10, 0, BIDS, ASKS)])
    send(made, 20, 1, **fields)
    made.apply([timer(1_200)])
    return made


def send(made: Venue, ts_ms: int, order: int, **fields: int) -> None:
    values = {"side": Side.BID, "price_e4": 4_000, "size_e6": 10 * ONE_E6}
    made.send(ts_ms, order, **({"order_type": OrderType.GTC} | values | fields))
    made.apply([timer(ts_ms)])


def cancel(made: Venue, ts_ms: int, order: int = 1) -> None:
    made.send(ts_ms, order, kind=IntentKind.CANCEL)
    made.apply([timer(ts_ms)])


def trade(ts_ms: int, price_e4: int, shares: int) -> Row:
    return row(EventKind.TRADE, ts_ms, 0, price_e4=price_e4, size_e6=shares * ONE_E6)


def bids(ts_ms: int, shares: int, price_e4: int = 4_000) -> list[Row]:
    """The level falls or rises; the best bid is what it was, or gone."""
    best_e4 = max([price_e4] if shares else [], default=3_900)
    return [level(ts_ms, 0, BID, price_e4, shares, flags=0), best(ts_ms, 0, best_e4, 5_000)]


def asks(ts_ms: int, price_e4: int, shares: int, best_e4: tuple[int, int]) -> list[Row]:
    return [level(ts_ms, 0, ASK, price_e4, shares, flags=0), best(ts_ms, 0, *best_e4)]


def heard(made: Venue, order: int = 1) -> list[tuple[int, int, int]]:
    """Kind, ms, and shares."""
    return [
        (r["kind"], r["ts_recv_ns"] // MS, r["size_e6"] // ONE_E6)
        for r in made.reports
        if r["aux"] == order
    ]


def filled(made: Venue, order: int = 1) -> int:
    return sum(size for kind, _, size in heard(made, order) if kind == EventKind.FILL)


ACK = (EventKind.ACK, 1_070, 10)


def test_the_end_of_an_order_never_overtakes_its_fills() -> None:
    """A cancel that is answered in 5 ms, of an order whose fills are told after 30."""
    made = resting()
    made.sim.draws["response_ns"] = 5 * MS
    cancel(made, 1_951)
    made.apply([trade(2_000, 4_000, 12), *bids(2_002, 10), timer(3_000)])
    assert heard(made)[1:] == [(EventKind.FILL, 2_030, 2), (EventKind.DONE, 2_031, 8)]


def test_what_does_not_match_rests_and_a_print_serves_those_ahead_first() -> None:
    made = resting()
    assert heard(made) == [ACK]
    made.apply([trade(2_000, 4_000, 12), timer(3_000)])
    assert heard(made)[1:] == [(EventKind.FILL, 2_030, 2)]
    made.apply([trade(4_000, 4_000, 50), timer(QUIET_MS)])
    assert heard(made)[2:] == [(EventKind.FILL, 4_030, 8), (EventKind.DONE, 4_030, 0)]
    fills = [r for r in made.reports if r["kind"] == EventKind.FILL]
    assert {(r["price_e4"], r["flags"], r["side"]) for r in fills} == {
        (4_000, int(EventFlag.MAKER), int(Side.BID))
    }
    assert made.sim.rest_head[0] == -1


def test_a_report_is_not_known_before_its_row() -> None:
    made = resting()
    made.apply([row(EventKind.TRADE, 2_100, 0, price_e4=3_900, size_e6=ONE_E6, venue_ms=2_000)])
    made.apply([timer(QUIET_MS)])
    assert heard(made)[1:] == [(EventKind.FILL, 2_100, 1)]


def test_a_print_of_before_its_arrival_is_none_of_its_own() -> None:
    made = resting()
    made.apply([row(EventKind.TRADE, 2_000, 0, price_e4=3_900, size_e6=ONE_E6, venue_ms=70)])
    made.apply([timer(QUIET_MS)])
    assert heard(made) == [ACK]


def test_a_print_beyond_its_price_comes_to_it_and_one_that_is_worse_does_not() -> None:
    made = resting()
    made.apply([trade(2_000, 4_100, 50), timer(2_900)])
    assert heard(made) == [ACK]
    made.apply([trade(3_000, 3_900, 4), timer(QUIET_MS)])
    assert filled(made) == 4


@pytest.mark.parametrize("price_e4", [4_000, 3_900])
def test_what_the_book_comes_to_show_across_it_fills_it(price_e4: int) -> None:
    made = resting()
    gone = [level(2_000, 0, BID, bid_e4, 0, flags=0) for bid_e4 in BIDS]
    made.apply([*gone, *asks(2_000, price_e4, 4, (0, price_e4)), timer(2_900)])
    assert filled(made) == 4
    made.apply([*asks(3_000, price_e4, 3, (0, price_e4)), timer(3_900)])
    assert filled(made) == 4
    made.apply([*asks(4_000, price_e4, 8, (0, price_e4)), timer(QUIET_MS)])
    assert filled(made) == 9


@pytest.mark.parametrize("print_first", [True, False])
def test_shares_that_crossed_it_are_not_met_again_when_they_are_shown_or_printed(
    print_first: bool,
) -> None:
    made = resting()
    made.apply([level(2_000, 0, BID, 3_900, 0, flags=0), *bids(2_000, 0)[:1]])
    made.apply([*asks(2_000, 3_900, 4, (0, 3_900))])
    made.apply([*book(2_100, 0, {}, {3_900: 4, **ASKS})])  # the same book again
    lifted = [[trade(2_200, 3_900, 4)], asks(2_200, 3_900, 0, (0, 5_000))]
    for some in lifted if print_first else lifted[::-1]:
        made.apply(some)
    made.apply([timer(2_900)])
    assert filled(made) == 4
    made.apply([trade(8_000, 3_900, 1), timer(QUIET_MS)])
    assert filled(made) == 5


def test_the_rest_of_an_order_that_crossed_it_does_not_hide_the_prints_of_that_order() -> None:
    """Somebody sells 16 down to 0.38: 10 and 3 find bids, 3 rest; ours would have had 6."""
    made = resting()
    gone = [level(2_000, 0, BID, 4_000, 0, flags=0), level(2_000, 0, BID, 3_900, 17, flags=0)]
    gone += [level(2_000, 0, BID, 3_900, 0, flags=0)]
    made.apply([*gone, *asks(2_000, 3_800, 3, (0, 3_800))])
    made.apply([trade(2_000, 4_000, 10), trade(2_000, 3_900, 3), timer(QUIET_MS)])
    assert filled(made) == 6


@pytest.mark.parametrize("print_first", [True, False])
@pytest.mark.parametrize("model", QueueModel)
def test_a_trade_seen_as_a_print_and_as_a_fall_counts_once(
    print_first: bool, model: QueueModel
) -> None:
    made = resting(model)
    rows = [[trade(2_000, 4_000, 6)], bids(2_000, 4)]
    for some in rows if print_first else rows[::-1]:
        made.apply(some)
    made.apply([timer(2_500)])
    assert made.sim.rests["ahead_e6"].max() == 4 * ONE_E6
    made.apply([trade(2_900, 4_000, 5), timer(QUIET_MS)])
    assert filled(made) == 1


def test_a_fall_long_before_explains_no_print() -> None:
    made = resting()
    made.apply([*bids(2_000, 4), trade(3_001, 4_000, 6), timer(QUIET_MS)])
    assert filled(made) == 2


@pytest.mark.parametrize(
    ("model", "ahead"), [(QueueModel.RISK_AVERSE, 10), (QueueModel.PROBABILISTIC, 8)]
)
def test_orders_that_leave_stood_behind_it_or_anywhere(model: QueueModel, ahead: int) -> None:
    """10 ahead and 10 that came later; 4 leave."""
    made = resting(model)
    made.apply([*bids(2_000, 20), *bids(2_500, 16), timer(2_600)])
    assert made.sim.rests["ahead_e6"].max() == ahead * ONE_E6


def test_nobody_is_ahead_who_is_not_shown() -> None:
    made = resting()
    made.apply([*bids(2_000, 20), *bids(2_500, 3), trade(4_000, 4_000, 5), timer(QUIET_MS)])
    assert filled(made) == 2


def test_a_book_that_may_be_wrong_moves_nobody() -> None:
    made = resting()
    made.apply([level(2_000, 0, BID, 4_000, 1, flags=0), best(2_000, 0, 4_200, 5_000)])
    assert made.sim.rests["ahead_e6"].max() == 10 * ONE_E6


def test_orders_of_one_lane_share_a_print_by_price_and_time() -> None:
    made = resting()
    send(made, 1_300, 2)
    send(made, 1_300, 3, price_e4=4_100)
    made.apply([timer(2_900), trade(3_000, 4_000, 35), timer(QUIET_MS)])
    assert [filled(made, order) for order in (3, 1, 2)] == [10, 10, 5]


def test_lanes_do_not_see_each_other() -> None:
    made = Venue({"bankroll_e6": 0}, {"bankroll_e6": 0})
    made.apply([market(0), *book(10, 0, BIDS, ASKS)])
    send(made, 20, 1)
    send(made, 20, 2, lane=1)
    made.apply([timer(1_200), trade(2_000, 4_000, 15), timer(QUIET_MS)])
    assert (filled(made, 1), filled(made, 2)) == (5, 5)


def test_an_order_of_the_other_token_stands_mirrored() -> None:
    """BUY NO at 0.50 stands with the asks of YES at 0.50."""
    made = resting(token=Token.NO, price_e4=5_000)
    made.apply([trade(2_000, 4_900, 50), trade(2_100, 5_000, 11), timer(2_900)])
    assert filled(made) == 1
    made.apply([trade(3_000, 5_100, 4), timer(QUIET_MS)])
    assert filled(made) == 5


def test_a_good_till_cancelled_order_takes_shares_and_rests_with_the_others() -> None:
    """It wants 30 shares, not dollars: 10 at 0.50 are there, and 20 rest at 0.50."""
    made = resting(price_e4=5_000, size_e6=30 * ONE_E6)
    assert heard(made) == [(EventKind.FILL, 1_070, 10), (EventKind.ACK, 1_070, 20)]
    assert made.reports[0]["flags"] == 0
    made.apply([*book(2_000, 0, BIDS, ASKS), trade(2_500, 5_000, 3), timer(3_000)])
    assert filled(made) == 10  # what it took still stands, and trades, on the recording


def test_one_that_finds_everything_is_over() -> None:
    made = resting(price_e4=5_100, size_e6=20 * ONE_E6)
    assert [kind for kind, _, _ in heard(made)] == [EventKind.FILL, EventKind.FILL, EventKind.DONE]
    assert filled(made) == 20


@pytest.mark.parametrize(
    "fields",
    [
        {"order_type": OrderType.POST_ONLY, "price_e4": 5_000},
        {"order_type": OrderType.POST_ONLY, "size_e6": 5 * ONE_E6 - 1},
        {"size_e6": 5 * ONE_E6 - 1},
    ],
    ids=["would match", "small", "small GTC"],
)
def test_what_breaks_a_rule_is_refused(fields: dict[str, int]) -> None:
    assert [kind for kind, _, _ in heard(resting(**fields))] == [EventKind.REJECT]


def test_post_only_rests() -> None:
    assert heard(resting(order_type=OrderType.POST_ONLY)) == [ACK]


def test_a_cancel_ends_it_at_its_own_arrival() -> None:
    """Sent at 2,000, it arrives at 2,050: what was printed until then counts."""
    made = resting()
    cancel(made, 2_000)
    made.apply([trade(2_050, 3_900, 3), trade(2_060, 3_900, 3), timer(QUIET_MS)])
    assert heard(made)[1:] == [(EventKind.FILL, 2_080, 3), (EventKind.DONE, 2_080, 7)]
    assert made.sim.clock[0]["items"] == 0


def test_a_cancel_of_nothing_says_nothing() -> None:
    made = resting()
    cancel(made, 2_000, order=5)
    cancel(made, 3_000)
    made.apply([timer(5_000)])
    cancel(made, 5_100)
    made.apply([timer(QUIET_MS)])
    assert heard(made)[1:] == [(EventKind.DONE, 4_050, 10)]
    assert not heard(made, 5)


def test_an_order_in_its_taker_delay_cannot_be_cancelled() -> None:
    made = Venue({"bankroll_e6": 0}, taker_delay=500)
    made.apply([market(0), *book(10, 0, BIDS, ASKS)])
    send(made, 20, 1, price_e4=5_000, size_e6=30 * ONE_E6)
    cancel(made, 100)
    made.apply([trade(300, 5_200, 1), trade(571, 5_200, 1), timer(QUIET_MS)])
    assert [kind for kind, _, _ in heard(made)] == [
        EventKind.DELAYED,
        EventKind.FILL,
        EventKind.ACK,
    ]


def test_a_market_that_closes_ends_what_rests_in_it() -> None:
    made = resting()
    made.apply([row(EventKind.STATE, 2_000, 0, aux=MarketState.CLOSED), timer(QUIET_MS)])
    assert heard(made)[1:] == [(EventKind.DONE, 2_030, 10)]


def test_a_gap_leaves_it_there_and_the_next_book_tells() -> None:
    made = resting()
    made.apply([row(EventKind.GAP, 2_000, 0), *book(3_000, 0, {4_000: 4}, ASKS), timer(3_100)])
    made.apply([trade(5_000, 4_000, 5), timer(QUIET_MS)])
    assert filled(made) == 1


BEGINS_MS = 400_000
UP_MS, OPEN_MS = BEGINS_MS + DOWN_NS // MS, BEGINS_MS + (DOWN_NS + POST_ONLY_NS) // MS


def around_a_restart(sent_ms: int, **fields: int) -> Venue:
    made = Venue({"bankroll_e6": 0})
    made.sim = new_sim(8, *waits(1), [BEGINS_MS * MS])
    made.apply([market(0), *book(10, 0, BIDS, ASKS)])
    send(made, sent_ms, 1, **fields)
    return made


def test_an_order_in_the_book_survives_a_restart_and_its_cancel_is_heard_after_it() -> None:
    made = around_a_restart(20)
    cancel(made, BEGINS_MS)
    made.apply([timer(OPEN_MS)])
    assert heard(made)[1:] == [(EventKind.DONE, UP_MS + 1_000, 10)]


def test_after_a_restart_post_only_orders_are_taken_first() -> None:
    for sent_ms, order_type, kind in (
        (UP_MS, OrderType.POST_ONLY, EventKind.ACK),
        (UP_MS, OrderType.GTC, EventKind.REJECT),
        (OPEN_MS, OrderType.GTC, EventKind.ACK),
        (BEGINS_MS, OrderType.POST_ONLY, EventKind.UNKNOWN),
    ):
        made = around_a_restart(sent_ms, order_type=order_type)
        made.apply([timer(sent_ms + 2_000)])
        assert heard(made)[0][0] == kind, (sent_ms, order_type)


def test_a_fill_of_an_order_in_the_book_settles_by_itself() -> None:
    made = Venue({"bankroll_e6": 0, "fills_settle": 1}, settlement=500)
    made.apply([market(0), *book(10, 0, BIDS, ASKS)])
    send(made, 20, 1)
    made.apply([timer(1_200), trade(2_000, 3_900, 3), timer(QUIET_MS)])
    [settled] = [r for r in made.reports if r["kind"] == EventKind.FILL_CONFIRMED]
    assert settled["ts_recv_ns"] == 2_530 * MS
    assert (settled["flags"], settled["size_e6"]) == (EventFlag.MAKER, 3 * ONE_E6)


def test_the_kernel_is_woken_when_it_asked_for_it() -> None:
    """After the reports of that instant, and once."""
    made = resting()
    made.state.counters["wake_ns"] = made.state.wakes[0] = 2_030 * MS
    made.apply([trade(2_000, 3_900, 3), timer(2_029)])
    assert made.state.counters["wake_ns"][0] == 2_030 * MS
    made.apply([timer(2_031), timer(QUIET_MS)])
    heard_ms = [(r["kind"], r["ts_recv_ns"] // MS) for r in made.reports[1:]]
    assert heard_ms == [(EventKind.FILL, 2_030), (EventKind.TIMER, 2_030)]
    assert made.counters()["now_ns"] == QUIET_MS * MS
