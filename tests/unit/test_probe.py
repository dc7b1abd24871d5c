"""Displayed, still there at arrival, corroborated by a print."""

from hfptm.kernel.fees import taker_fee_e6
from hfptm.opportunities import OpportunityKind, Relation
from hfptm.records import EventKind
from hfptm.sim.layouts import PROBES_MAX
from hfptm.units import ONE_E6
from tests.kernels import (
    ASK,
    BID,
    Levels,
    Record,
    Venue,
    best,
    book,
    fee,
    group,
    level,
    market,
    row,
    timer,
    trade,
)
from tests.tapes import Row

PENNILESS = {"bankroll_e6": 0}


def seen(*rows: Row, bids: Levels | None = None) -> Record:
    """The outcome of YES at 0.45 and NO at 0.40 for 100 shares, seen at 20 and asked for at 70."""
    made = Venue(PENNILESS)
    made.apply([market(0), fee(0, 500)])
    made.apply(book(20, 0, bids or {6_000: 100}, {4_500: 100}))
    made.apply([*rows, timer(5_000)])
    [outcome] = made.outcomes
    assert (outcome["decision"], outcome["kind"], outcome["market"]) == (1, 0, 0)
    return outcome


def fee_e6(price_e4: int, shares: int) -> int:
    return taker_fee_e6(500, 1, price_e4, shares * ONE_E6)


def test_what_stays_is_still_there() -> None:
    outcome = seen()
    assert (outcome["arrived"], outcome["unseen"], outcome["printed"]) == (1, 0, 0)
    assert outcome["size_e6"] == 100 * ONE_E6
    edge_e6 = 15 * ONE_E6 - fee_e6(4_500, 100) - fee_e6(4_000, 100)
    assert edge_e6 - 2 <= outcome["edge_e6"] <= edge_e6


def test_what_shrinks_is_there_in_part() -> None:
    outcome = seen(level(60, 0, BID, 6_000, 30, flags=0), best(60, 0, 6_000, 4_500))
    assert (outcome["arrived"], outcome["size_e6"]) == (1, 30 * ONE_E6)
    edge_e6 = 4_500_000 - fee_e6(4_500, 30) - fee_e6(4_000, 30)
    assert edge_e6 - 12 <= outcome["edge_e6"] <= edge_e6


def test_what_is_gone_is_gone() -> None:
    outcome = seen(level(70, 0, ASK, 4_500, 0, flags=0), best(70, 0, 6_000, 10_000))
    assert (outcome["arrived"], outcome["size_e6"], outcome["edge_e6"]) == (0, 0, 0)


def test_what_goes_after_the_arrival_was_there() -> None:
    outcome = seen(level(71, 0, ASK, 4_500, 0, flags=0), best(71, 0, 6_000, 10_000))
    assert outcome["arrived"] == 1


def test_a_worse_price_than_the_limit_is_not_there() -> None:
    moved = [
        level(60, 0, BID, 6_000, 0, flags=0),
        level(60, 0, BID, 5_900, 500, flags=0),
        best(60, 0, 5_900, 4_500),
    ]
    assert seen(*moved)["arrived"] == 0


def test_a_book_that_was_not_recorded_is_unseen() -> None:
    for hidden in (row(EventKind.GAP, 60, 0), best(60, 0, 6_100, 4_500)):
        outcome = seen(hidden)
        assert (outcome["arrived"], outcome["unseen"]) == (0, 1)


def test_prints_corroborate_between_the_best_and_the_limit_price() -> None:
    """YES from 0.45 to 0.46, NO from 0.40 to 0.42 (YES 0.58 to 0.60)."""
    depth: Levels = {6_000: 50, 5_800: 50}
    for price_e4, printed in (
        (4_500, 1),
        (4_499, 0),
        (4_501, 0),
        (5_800, 1),
        (5_799, 0),
        (6_001, 0),
    ):
        outcome = seen(trade(30, 0, price_e4), bids=depth)
        assert outcome["printed"] == printed, price_e4


def test_only_prints_of_its_time_corroborate() -> None:
    """From the change that made the book so, until a second after the arrival at 70."""
    assert seen(trade(30, 0, 4_500, venue_ms=19))["printed"] == 0
    assert seen(trade(30, 0, 4_500, venue_ms=20))["printed"] == 1
    assert seen(trade(1_060, 0, 4_500, venue_ms=1_060))["printed"] == 1
    assert seen(trade(1_071, 0, 4_500, venue_ms=1_071))["printed"] == 0


def test_a_basket_is_there_if_every_leg_is() -> None:
    for left, arrived in ((40, 1), (0, 0)):
        made = Venue(PENNILESS)
        made.apply([group(1, Relation.AT_MOST_ONE, 2), market(0, group=1), market(1, group=1)])
        made.apply([*book(10, 0, {6_000: 50}, {}), *book(20, 1, {5_500: 50}, {})])
        made.apply([level(60, 0, BID, 6_000, left, flags=0)])
        made.apply([best(60, 0, 6_000 if left else 0, 10_000), timer(5_000)])
        [outcome] = made.outcomes
        assert (outcome["kind"], outcome["market"]) == (OpportunityKind.NO_BASKET, 1)
        assert (outcome["arrived"], outcome["size_e6"]) == (arrived, left * ONE_E6)


def test_more_decisions_at_once_than_can_be_watched_are_counted() -> None:
    made = Venue(PENNILESS)
    made.sim.purses["probes"] = PROBES_MAX - 3
    made.apply([market(0)])
    for _ in range(5):
        made.apply(book(20, 0, {6_000: 100}, {4_500: 100}))
        made.apply(book(20, 0, {4_000: 100}, {4_500: 100}))
    assert made.sim.clock[0]["probes_dropped"] == 2
    made.apply([timer(5_000)])
    assert [outcome["decision"] for outcome in made.outcomes] == [1, 2, 3]
