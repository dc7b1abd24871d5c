"""Restarts of the matching engine: who gets which answer when, and that nothing is taken."""

from itertools import pairwise

import pytest

from hfptm.clock import format_utc, parse_utc_ns, weekly_restarts_ns
from hfptm.config import limits, load
from hfptm.records import EventKind, RejectReason, Side
from hfptm.sim.restarts import DOWN_NS, POST_ONLY_NS
from hfptm.sim.state import new_sim
from hfptm.units import NS_PER_S, ONE_E6
from tests.engines import Recorder, crossed_market, tape_of
from tests.kernels import MS, Venue, book, fee, market, timer, trade, waits
from tests.tapes import START_NS, make_market

BEGINS_MS = 400_000
UP_MS, OPEN_MS = BEGINS_MS + DOWN_NS // MS, BEGINS_MS + (DOWN_NS + POST_ONLY_NS) // MS


def restarting(*restarts_ms: int, **changes_ms: int) -> Venue:
    made = Venue({}, **changes_ms)
    restarts_ns = [ms * MS for ms in restarts_ms]
    made.sim = new_sim(8, *waits(1, **changes_ms), restarts_ns)
    return made


def answers(arrival_ms: int, *restarts_ms: int, **changes_ms: int) -> list[tuple[int, int]]:
    """Kind and ms of what an order gets that would be filled, in a market where trades go on."""
    made = restarting(*restarts_ms, **changes_ms)
    sent_ms = arrival_ms - 50
    made.apply([market(0), *book(sent_ms - 10, 0, {4_000: 10}, {5_000: 10})])
    made.send(sent_ms, 1, side=Side.BID, price_e4=5_000, size_e6=10 * ONE_E6)
    made.apply([timer(sent_ms), trade(arrival_ms + 5, 0, 4_000), timer(arrival_ms + 600_000)])
    refusals = [r["price_e4"] for r in made.reports if r["kind"] == EventKind.REJECT]
    assert set(refusals) <= {RejectReason.REFUSED}
    return [(r["kind"], r["ts_recv_ns"] // MS) for r in made.reports]


FILLED = [EventKind.FILL, EventKind.DONE]


@pytest.mark.parametrize("arrival_ms", [BEGINS_MS - 1, OPEN_MS])
def test_before_and_after_it_orders_are_matched(arrival_ms: int) -> None:
    assert answers(arrival_ms, BEGINS_MS) == [(kind, arrival_ms + 30) for kind in FILLED]


@pytest.mark.parametrize("arrival_ms", [BEGINS_MS, UP_MS - 1])
def test_while_it_is_down_an_outcome_is_unknown_until_it_is_up_again(arrival_ms: int) -> None:
    assert answers(arrival_ms, BEGINS_MS) == [
        (EventKind.UNKNOWN, arrival_ms + 30),
        (EventKind.REJECT, UP_MS + 30),
    ]


@pytest.mark.parametrize("arrival_ms", [UP_MS, OPEN_MS - 1])
def test_for_two_minutes_more_nobody_may_take(arrival_ms: int) -> None:
    assert answers(arrival_ms, BEGINS_MS) == [(EventKind.REJECT, arrival_ms + 30)]


def test_the_last_of_several_restarts_counts() -> None:
    restarts_ms = [0, BEGINS_MS, 2 * BEGINS_MS]
    for number, begins_ms in enumerate(restarts_ms):
        assert answers(begins_ms + 100, *restarts_ms)[0][0] == EventKind.UNKNOWN, number
        assert answers(begins_ms + 300_000, *restarts_ms)[0][0] == EventKind.FILL, number


def test_an_order_whose_taker_delay_ends_in_a_restart_is_turned_away() -> None:
    found = answers(BEGINS_MS - 100, BEGINS_MS, taker_delay=150)
    assert [kind for kind, _ in found] == [EventKind.DELAYED, EventKind.UNKNOWN, EventKind.REJECT]
    assert found[-1][1] == UP_MS + 30


@pytest.mark.parametrize("begins_ms", [50, -100_000], ids=["down", "post-only"])
def test_a_plan_of_that_time_waits_misses_and_costs_nothing(begins_ms: int) -> None:
    made = restarting(begins_ms)
    made.apply([market(0), fee(0, 500), *book(20, 0, {6_000: 100}, {4_500: 100})])
    made.apply([trade(90, 0, 4_500), timer(20_000)])
    is_down = begins_ms > 0
    assert made.lane()["unknown"] == (2 if is_down else 0)
    assert (made.lane()["reserved_e6"] > 0) == is_down
    assert made.state.plans["stage"].any() == is_down
    made.apply([timer(200_000)])
    assert (made.lane()["missed"], made.lane()["reserved_e6"], made.lane()["realised_e6"]) == (
        1,
        0,
        0,
    )
    [outcome] = made.outcomes
    assert (outcome["arrived"], outcome["size_e6"], outcome["unseen"]) == (0, 0, 0)
    made.check_accounts()


def test_the_weekly_one_is_on_tuesdays_at_seven_in_new_york() -> None:
    """The hour in UTC changes on the first Tuesday after New York's clocks did."""
    found = [format_utc(ns) for ns in weekly_restarts_ns()]
    assert {stamp[11:] for stamp in found} == {"11:00:00.000Z", "12:00:00.000Z"}
    days = [ns // (86_400 * NS_PER_S) for ns in weekly_restarts_ns()]
    assert {later - day for day, later in pairwise(days)} == {7}
    assert parse_utc_ns("2026-11-24T12:00Z") in weekly_restarts_ns()
    changed = [later[:10] for stamp, later in pairwise(found) if later[11:] != stamp[11:]]
    assert changed[:4] == ["2025-03-11", "2025-11-04", "2026-03-10", "2026-11-03"]
    assert changed[4:8] == ["2027-03-16", "2027-11-09", "2028-03-14", "2028-11-07"]
    assert (found[0][:10], found[-1][:10]) == ("2025-01-07", "2035-12-25")


def test_restarts_of_ones_own_come_beside_the_weekly_ones() -> None:
    sets = ["sim.restarts=2026-04-29T02:00:00Z, weekly,2026-11-22,"]
    found = limits(load(None, sets, {})).restarts_ns
    own = {parse_utc_ns("2026-04-29T02:00:00Z"), parse_utc_ns("2026-11-22")}
    assert found == tuple(sorted({*weekly_restarts_ns(), *own}))
    assert limits(load(None, ["sim.restarts="], {})).restarts_ns == ()


def test_the_engine_waits_for_the_end_of_a_restart() -> None:
    rows = tape_of(crossed_market("a", START_NS)[:-2])
    engine = Recorder([make_market("a")], [], "sim.restarts=2026-04-29T02:00:00Z").run(rows)
    kinds = engine.rows_of("reports")["kind"].tolist()
    assert (kinds.count(EventKind.UNKNOWN), kinds.count(EventKind.REJECT)) == (2, 2)
    assert not engine.state.plans["stage"].any()
