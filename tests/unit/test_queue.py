"""Reports in the order of their time, and places that are used again."""

import pytest

from hfptm.records import EventKind, Side
from hfptm.units import ONE_E6
from tests.kernels import MS, Venue, book, level, market, timer


def test_reports_come_by_time_and_then_by_arrival() -> None:
    """Two markets with one grace each; the later order's market is heard of first."""
    made = Venue({"bankroll_e6": 0})
    made.apply([market(0), market(1)])
    made.apply([*book(10, 0, {}, {5_000: 9}), *book(10, 1, {}, {5_000: 9})])
    for ts_ms, slot, order in ((20, 0, 1), (20, 1, 2), (40, 1, 3)):
        made.send(ts_ms, order, market=slot, side=Side.BID, price_e4=5_000, size_e6=3 * ONE_E6)
        made.apply([timer(ts_ms)])
    made.apply([*book(95, 1, {}, {5_000: 8}), timer(9_000)])
    heard = [(r["ts_recv_ns"] // MS, r["aux"]) for r in made.reports if r["kind"] == EventKind.FILL]
    assert heard == [(100, 2), (120, 3), (1_070, 1)]


@pytest.mark.parametrize("hears_of_it", [True, False])
def test_orders_of_one_instant_match_in_the_order_they_were_sent(hears_of_it: bool) -> None:
    """Whether a row shows the market past their arrival, or its grace ends."""
    made = Venue({"bankroll_e6": 0})
    made.apply([market(0), *book(10, 0, {}, {5_000: 5})])
    for order in (7, 3, 9, 4):
        made.send(20, order, side=Side.BID, price_e4=5_000, size_e6=2 * ONE_E6)
    news = [level(90, 0, Side.ASK, 6_000, 1, flags=0)] if hears_of_it else []
    made.apply([timer(20), *news, timer(9_000)])
    filled = [(r["aux"], r["size_e6"]) for r in made.reports if r["kind"] == EventKind.FILL]
    assert filled == [(7, 2 * ONE_E6), (3, 2 * ONE_E6), (9, ONE_E6)]


def test_places_are_used_again_and_the_search_ends_when_nothing_waits() -> None:
    made = Venue({"bankroll_e6": 0})
    made.apply([market(0), *book(10, 0, {}, {5_000: 5})])
    for turn in range(50):
        ts_ms = 2_000 * (turn + 1)
        made.apply([timer(ts_ms - 1)])
        made.send(ts_ms, 2 * turn + 1, side=Side.BID, price_e4=4_000, size_e6=ONE_E6)
        made.send(ts_ms, 2 * turn + 2, side=Side.BID, price_e4=4_000, size_e6=ONE_E6)
        made.apply([timer(ts_ms)])
        assert made.sim.clock[0]["items_used"] == 2
    made.apply([timer(999_999)])
    clock = made.sim.clock[0]
    assert (clock["items_used"], clock["items"], clock["reports"]) == (0, 0, 0)
    assert len(made.reports) == 100
    assert made.sim.head.tolist()[0] == -1
