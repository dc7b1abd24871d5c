"""A plan from the edge to its end, through kernel and venue."""

import numpy as np

from hfptm.kernel.state import digest_parts
from hfptm.opportunities import Relation
from hfptm.records import EventKind, IntentKind
from hfptm.units import ONE_E6
from tests.kernels import MS, Venue, book, fee, group, market, row, tape, timer


def test_a_pair_is_bought_merged_and_paid() -> None:
    """Decided at 20, matched at 70, known at 100, merged at 150 and paid at 180."""
    made = Venue({})
    made.apply([market(0), fee(0, 500), *book(20, 0, {6_000: 100}, {4_500: 100})])
    made.apply([*book(90, 0, {4_000: 5}, {6_000: 5}), timer(5_000)])
    kinds = [(r["kind"], r["ts_recv_ns"] // MS) for r in made.reports]
    fills = [(EventKind.FILL, 100), (EventKind.DONE, 100)]
    assert kinds == [*fills, *fills, (EventKind.SETTLED, 180)]
    assert made.lane()["realised_e6"] == 100 * ONE_E6 - 85 * ONE_E6 - 1_237_500 - 1_200_000
    assert made.outcomes[0]["arrived"] == 1
    made.check_accounts()
    assert not made.state.plans["stage"].any()


def test_what_is_gone_at_the_arrival_is_not_bought() -> None:
    made = Venue({})
    made.apply([market(0), fee(0, 500), *book(20, 0, {6_000: 100}, {4_500: 100})])
    made.apply([*book(69, 0, {4_000: 5}, {6_000: 5}), timer(5_000)])
    assert [r["kind"] for r in made.reports] == [EventKind.REJECT] * 2
    assert (made.lane()["missed"], made.lane()["realised_e6"]) == (1, 0)
    assert made.outcomes[0]["arrived"] == 0


def test_one_leg_gone_costs_the_way_back() -> None:
    """Only YES was there; it is sold at the bid it finds, at a loss."""
    made = Venue({})
    made.apply([market(0), fee(0, 500), *book(20, 0, {6_000: 100}, {4_500: 100})])
    made.apply([*book(60, 0, {4_400: 500}, {4_500: 100}), timer(9_000)])
    assert [i["kind"] for i in made.intents[-1:]] == [IntentKind.PLACE]
    assert made.lane()["unwinds"] == 1
    assert made.lane()["realised_e6"] == made.lane()["unwind_result_e6"] < -ONE_E6
    made.check_accounts()
    assert made.state.positions["size_e6"].sum() == 0


def test_a_conversion_is_reported_with_its_group() -> None:
    made = Venue({})
    made.apply([group(1, Relation.AT_MOST_ONE, 2), market(0, group=1), market(1, group=1)])
    made.apply([*book(10, 0, {6_000: 50}, {}), *book(20, 1, {5_500: 50}, {}), timer(5_000)])
    [settled] = [r for r in made.reports if r["kind"] == EventKind.SETTLED]
    assert (settled["market"], settled["price_e4"], settled["size_e6"]) == (1, 1, 50 * ONE_E6)
    assert made.lane()["realised_e6"] == 50 * ONE_E6 - 42_500_000


def test_an_order_in_flight_when_the_market_resolves_is_refused() -> None:
    made = Venue({})
    made.apply([market(0), fee(0, 500), *book(20, 0, {6_000: 100}, {4_500: 100})])
    made.apply([row(EventKind.STATE, 60, 0, aux=3, price_e4=10_000), timer(9_000)])
    assert [r["kind"] for r in made.reports] == [EventKind.REJECT] * 2
    assert made.lane()["reserved_e6"] == 0
    made.check_accounts()


def test_a_full_buffer_stops_before_the_row_and_nothing_is_lost() -> None:
    """The buffer of delivered reports fills up between two rows; emptied, it goes on."""
    straight, stopped = Venue({}), Venue({})
    rows = [market(0), fee(0, 500), *book(20, 0, {6_000: 100}, {4_500: 100}), timer(5_000)]
    straight.apply(rows)
    events = tape(rows)
    room = len(stopped.sim.delivered) - len(stopped.sim.reports)
    assert stopped.run(events, 0, len(events) - 1) == len(events) - 1
    stopped.collect()
    stopped.sim.clock["delivered"] = room - 2
    assert stopped.run(events, len(events) - 1, len(events)) == len(events) - 1
    assert stopped.sim.clock[0]["delivered"] == room + 1
    stopped.sim.delivered[:3] = stopped.sim.delivered[room - 2 : room + 1]
    stopped.sim.clock["delivered"] = 3
    stopped.collect()
    assert stopped.run(events, len(events) - 1, len(events)) == len(events)
    stopped.collect()
    assert stopped.reports == straight.reports
    assert digest_parts(stopped.state) == digest_parts(straight.state)


def test_group_rows_are_no_market_rows() -> None:
    """More groups than markets: a group's slot is no market's."""
    made = Venue({}, markets=1)
    made.apply([timer(1), *(group(1, Relation.NONE, 1) for _ in range(20)), market(0)])
    assert np.array_equal(made.state.markets["open"], [1])
