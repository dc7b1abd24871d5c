"""The two clocks."""

import numpy as np
import pytest

from hfptm.kernel.jit import records
from hfptm.records import EventKind, Side
from hfptm.sim.latency import drawn_place
from hfptm.sim.state import DRAW, Waiting, new_sim
from hfptm.units import ONE_E6
from tests.kernels import ASK, MS, Venue, best, book, level, market, timer, trade
from tests.tapes import Row


def asked_at_20(**changes_ms: int) -> Venue:
    """An order for 10 YES at 0.50 that arrives at 70; its report takes 30 more."""
    made = Venue({"bankroll_e6": 0}, **changes_ms)
    made.apply([market(0), *book(10, 0, {4_000: 10}, {5_000: 10})])
    made.send(20, 1, side=Side.BID, price_e4=5_000, size_e6=10 * ONE_E6)
    made.apply([timer(20)])
    return made


def gone(ts_ms: int, venue_ms: int) -> list[Row]:
    """The ask is taken away."""
    fields = {"venue_ms": venue_ms}
    return [
        level(ts_ms, 0, ASK, 5_000, 0, flags=0, **fields),
        best(ts_ms, 0, 4_000, 10_000, **fields),
    ]


def first_report(made: Venue) -> tuple[int, int]:
    """Kind, and ms."""
    return made.reports[0]["kind"], made.reports[0]["ts_recv_ns"] // MS


def test_a_change_before_the_arrival_counts_although_seen_later() -> None:
    made = asked_at_20()
    made.apply([*gone(90, venue_ms=70), trade(150, 0, 4_000), timer(151)])
    assert first_report(made) == (EventKind.REJECT, 150)


def test_a_change_after_the_arrival_does_not_count() -> None:
    made = asked_at_20()
    made.apply([*gone(90, venue_ms=71), timer(200)])
    assert first_report(made) == (EventKind.FILL, 100)


def test_no_report_before_the_feed_has_passed_the_arrival() -> None:
    made = asked_at_20()
    made.apply([trade(300, 0, 4_000, venue_ms=70), trade(400, 0, 4_000, venue_ms=71), timer(401)])
    assert first_report(made) == (EventKind.FILL, 400)


def test_a_quiet_market_counts_as_unchanged_after_its_grace() -> None:
    made = asked_at_20(grace=500)
    made.apply([timer(570)])
    assert made.reports == []
    made.apply([timer(571)])
    assert first_report(made) == (EventKind.FILL, 570)


def test_another_market_shows_nothing() -> None:
    made = asked_at_20(grace=500)
    made.apply([market(1), *book(200, 1, {4_000: 10}, {5_000: 10}), timer(300)])
    assert made.reports == []


def test_at_one_instant_market_rows_go_before_reports() -> None:
    """The report is due at 100, the same instant as a row that is seen first."""
    made = asked_at_20()
    made.apply([trade(90, 0, 4_000), trade(100, 0, 4_000)])
    assert made.reports == []
    made.apply([timer(101)])
    assert first_report(made) == (EventKind.FILL, 100)
    assert made.reports[-1]["kind"] == EventKind.DONE


def test_a_matching_delay_comes_before_the_match_and_delays_the_report() -> None:
    made = asked_at_20(matching=15)
    made.apply([*gone(95, venue_ms=85), trade(150, 0, 4_000), timer(151)])
    assert first_report(made) == (EventKind.REJECT, 150)
    made = asked_at_20(matching=15)
    made.apply([*gone(95, venue_ms=86), timer(200)])
    assert first_report(made) == (EventKind.FILL, 115)


LUCK = 64


def lucky(*lanes: dict[str, int], **changes_ms: int) -> Venue:
    """Entry takes 1 ms and more, every draw another; the response 100 ms more than its entry."""
    made = Venue(*lanes, **changes_ms)
    draws = records(DRAW, (len(lanes), LUCK))
    draws["entry_ns"] = np.arange(1, LUCK + 1) * MS
    draws["response_ns"] = draws["entry_ns"] + 100 * MS
    made.sim = new_sim(8, made.sim.windows, draws)
    return made


def arrivals(made: Venue, lane: int, kind: Waiting) -> list[int]:
    """Of what a lane has on its way, by leg."""
    items = made.sim.items[made.sim.items["kind"] == kind]
    items = np.sort(items[items["lane"] == lane], order="leg")
    return [int(ns) for ns in items["arrival_ns"]]


def test_a_probe_arrives_with_the_order_of_its_leg_and_lanes_have_the_same_luck() -> None:
    made = lucky({}, {"max_outlay_e6": 50 * ONE_E6})
    made.apply([market(0), *book(20, 0, {6_000: 100}, {4_500: 100})])
    orders = arrivals(made, 0, Waiting.ORDER)
    assert len(set(orders)) == len(orders) == 2
    for lane in range(2):
        assert arrivals(made, lane, Waiting.ORDER) == orders
        assert arrivals(made, lane, Waiting.DEPTH) == orders
        windows_ns = arrivals(made, lane, Waiting.PRINT)
        assert [ns - 1_000 * MS for ns in windows_ns] == orders


def test_a_report_takes_the_response_that_was_drawn_with_its_entry() -> None:
    made = lucky({"bankroll_e6": 0})
    made.apply([market(0), *book(10, 0, {4_000: 10}, {5_000: 10})])
    made.send(20, 1, side=Side.BID, price_e4=5_000, size_e6=10 * ONE_E6)
    made.apply([timer(20)])
    [arrived_ns] = arrivals(made, 0, Waiting.ORDER)
    made.apply([trade(90, 0, 4_000), timer(2_000)])
    entry_ns = arrived_ns - 20 * MS
    assert made.reports[0]["ts_recv_ns"] == arrived_ns + entry_ns + 100 * MS


@pytest.mark.parametrize("legs", [1, 64])
def test_draws_come_up_equally_often_however_regular_the_feed_is(legs: int) -> None:
    counts = np.zeros(LUCK, np.int64)
    for number in range(200 * LUCK):
        decided_ns = 1_790_000_000_000_000_000 + number // legs * MS
        counts[drawn_place(decided_ns, number % legs, LUCK)] += 1
    assert 0.7 * 200 < counts.min() <= counts.max() < 1.3 * 200
