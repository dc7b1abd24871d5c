"""Taker delay: a marketable order waits, cannot be cancelled, and meets the book as it is then."""

import pytest

from hfptm.records import BUY, SELL
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.orders import OrderStatus
from hfptm.sandbox.reports import (
    Action,
    LevelChange,
    OrderCanceled,
    Placed,
    PlacedStatus,
    Rejected,
    Trade,
)
from hfptm.units import NS_PER_MS, NS_PER_S, ONE_E6
from tests.sandbox import FAK, FOK, GTD, Desk, make_market, only

BID, ASK = int(BUY), int(SELL)
DELAY_NS = 150 * NS_PER_MS


def delayed_desk(*, shows_delayed: bool = False) -> Desk:
    market = make_market(fee_rate_e4=700)
    return Desk(Listing(market=market, itode_ms=150, shows_delayed=shows_delayed))


def due(desk: Desk) -> list[Action]:
    desk.now_ns += DELAY_NS
    return desk.exchange.advance(desk.now_ns)


def test_it_waits_and_then_matches() -> None:
    desk = delayed_desk()
    desk.place("ann", SELL, 5_200, 25)
    action = desk.place("ben", BUY, 5_300, 10)
    assert action.reports == [Placed("o2", "ben", PlacedStatus.DELAYED, 0, 0)]
    assert action.levels == []
    assert desk.holdings("ben") == (0, 0)
    arrived_ns = desk.now_ns
    assert desk.exchange.advance(arrived_ns + DELAY_NS - 1) == []
    (action,) = due(desk)
    assert action.ts_ns == arrived_ns + DELAY_NS
    placed = Placed("o2", "ben", PlacedStatus.MATCHED, 5_200_000, 10 * ONE_E6, was_delayed=True)
    assert only(action, Placed) == placed
    assert desk.holdings("ben") == (-5_200_000 - 174_720, 10 * ONE_E6)
    assert desk.exchange.accounts["ben"].reserved_e6 == 0


def test_what_is_not_marketable_does_not_wait() -> None:
    desk = delayed_desk()
    desk.place("ann", SELL, 5_200, 25)
    assert only(desk.place("ben", BUY, 5_100, 10), Placed).status is PlacedStatus.LIVE
    only(desk.place("ben", BUY, 5_100, 10, time_in_force=FAK), Rejected)
    only(desk.place("ben", BUY, 5_200, 10, post_only=True), Rejected)


def test_it_cannot_be_cancelled_and_holds_its_collateral() -> None:
    desk = delayed_desk()
    desk.place("ann", SELL, 5_200, 25)
    desk.place("ben", BUY, 5_300, 10)
    desk.place("ben", BUY, 5_000, 10)
    answer = desk.exchange.cancel_all("ben", desk.now_ns)
    assert answer.canceled == ["o3"]
    assert answer.not_canceled == {"o2": "order match delayed due to market conditions"}
    assert desk.exchange.accounts["ben"].reserved_e6 == 5_300_000


def test_it_may_rest_when_its_match_is_gone() -> None:
    desk = delayed_desk()
    desk.place("ann", SELL, 5_200, 25)
    desk.place("ben", BUY, 5_300, 10)
    desk.exchange.cancel_all("ann", desk.now_ns)
    (action,) = due(desk)
    assert action.levels == [LevelChange(BID, 5_300, 10 * ONE_E6)]
    assert only(action, Placed).status is PlacedStatus.LIVE
    assert desk.exchange.accounts["ben"].reserved_e6 == 5_300_000
    assert desk.exchange.cancel("ben", ["o2"], desk.now_ns).canceled == ["o2"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FAK, "no orders found to match with FAK order."),
        (FOK, "order couldn't be fully filled."),
    ],
)
def test_it_may_die_by_its_type(kind: str, text: str) -> None:
    desk = delayed_desk()
    desk.place("ann", SELL, 5_200, 25)
    desk.place("ben", BUY, 5_200, 25, time_in_force=kind)
    desk.exchange.cancel_all("ann", desk.now_ns)
    (action,) = due(desk)
    canceled = only(action, OrderCanceled)
    assert canceled.status is OrderStatus.CANCELED
    assert canceled.text.startswith(text)
    account = desk.exchange.accounts["ben"]
    assert (account.reserved_e6, account.open_orders) == (0, {})


def test_it_may_expire_while_it_waits() -> None:
    desk = delayed_desk()
    desk.now_ns = 40 * NS_PER_S - 2
    desk.place("ann", SELL, 5_200, 25)
    desk.now_ns -= 1
    desk.place("ben", BUY, 5_200, 10, time_in_force=GTD, expiration_s=100)
    (action,) = due(desk)
    assert only(action, OrderCanceled).status is OrderStatus.CANCELED_EXPIRED_ORDER


def test_it_may_lack_the_fee_by_then() -> None:
    """It holds its maker amount; the fee is only known when it matches."""
    desk = delayed_desk()
    desk.place("ann", SELL, 5_000, 25)
    desk.exchange.deposit("dan", 5_175_000)
    desk.exchange.approve("dan", collateral=True, shares=True, ts_ns=desk.now_ns)
    desk.place("dan", BUY, 5_000, 10)
    assert not isinstance(desk.exchange.withdraw("dan", 1), Rejected)
    (action,) = due(desk)
    canceled = only(action, OrderCanceled)
    assert canceled.status is OrderStatus.CANCELED_NOT_ENOUGH_BALANCE
    assert canceled.text == "not enough balance / allowance"


def test_losing_its_approval_shows_when_the_delay_is_over() -> None:
    desk = delayed_desk()
    desk.place("ann", SELL, 5_000, 25)
    desk.place("ben", BUY, 5_000, 10)
    assert not desk.exchange.approve("ben", collateral=False, shares=True, ts_ns=desk.now_ns)
    (action,) = due(desk)
    assert only(action, OrderCanceled).status is OrderStatus.CANCELED_NOT_ENOUGH_BALANCE


def test_a_closed_market_ends_it() -> None:
    for ends in ("close", "resolve"):
        desk = delayed_desk()
        desk.place("ann", SELL, 5_200, 25)
        desk.place("ben", BUY, 5_200, 10)
        market, markets = make_market().market, desk.exchange.markets
        if ends == "close":
            action = markets.close(market, desk.now_ns)
        else:
            action = markets.resolve(market, 0, desk.now_ns)
        ended = [r.order_id for r in action.reports if isinstance(r, OrderCanceled)]
        assert ended == ["o1", "o2"]
        assert due(desk) == []
        assert desk.exchange.accounts["ben"].reserved_e6 == 0


def test_delayed_orders_meet_the_book_in_the_order_of_their_arrival() -> None:
    desk = delayed_desk()
    desk.place("ann", SELL, 5_200, 10)
    desk.place("ben", BUY, 5_200, 10)
    desk.place("cat", BUY, 5_300, 10)
    first, second = due(desk)
    assert only(first, Trade).taker_order_id == "o2"
    assert only(second, Placed).status is PlacedStatus.LIVE


def test_a_resting_order_may_come_first() -> None:
    """An order that does not cross is not delayed, so it can slip in between."""
    desk = delayed_desk()
    desk.place("ann", SELL, 5_200, 10)
    desk.place("ben", BUY, 5_300, 10)
    desk.place("cat", SELL, 5_100, 10, post_only=True)
    (action,) = due(desk)
    assert only(action, Trade).price_e4 == 5_100


def test_it_is_hidden_from_the_feed() -> None:
    desk = delayed_desk()
    desk.place("ann", SELL, 5_200, 25)
    desk.place("ben", BUY, 5_300, 10)
    assert desk.book() == ([], [(5_200, 25 * ONE_E6)])
    assert desk.exchange.markets.all()[0].book.published_best_e4(BID) == 0


def test_or_shown_and_the_feed_looks_crossed() -> None:
    desk = delayed_desk(shows_delayed=True)
    book = desk.exchange.markets.all()[0].book
    desk.place("ann", SELL, 5_200, 25)
    desk.place("cat", BUY, 5_000, 7)
    action = desk.place("ben", BUY, 5_300, 10)
    assert action.levels == [LevelChange(BID, 5_300, 10 * ONE_E6)]
    assert (book.published_best_e4(BID), book.published_best_e4(ASK)) == (5_300, 5_200)
    assert desk.book()[0] == [(5_300, 10 * ONE_E6), (5_000, 7 * ONE_E6)]
    (action,) = due(desk)
    assert action.levels == [
        LevelChange(BID, 5_300, 0),
        LevelChange(ASK, 5_200, 15 * ONE_E6),
    ]
    assert book.published_best_e4(BID) == 5_000


def test_shown_and_then_resting_changes_nothing() -> None:
    desk = delayed_desk(shows_delayed=True)
    desk.place("ann", BUY, 5_000, 25, "N1")
    desk.place("ben", BUY, 5_200, 10)
    desk.exchange.cancel_all("ann", desk.now_ns)
    (action,) = due(desk)
    assert action.levels == []
    assert desk.book() == ([(5_200, 10 * ONE_E6)], [])


def test_sports_delay_from_the_start_of_the_game_on() -> None:
    listing = Listing(market=make_market(), sd_s=1, game_start_ns=10 * NS_PER_S)
    desk = Desk(listing)
    desk.place("ann", SELL, 5_200, 25)
    assert only(desk.place("ben", BUY, 5_200, 10), Placed).status is PlacedStatus.MATCHED
    desk.now_ns = 10 * NS_PER_S
    assert only(desk.place("ben", BUY, 5_200, 10), Placed).status is PlacedStatus.DELAYED
    assert desk.exchange.advance(desk.now_ns + NS_PER_S - 1) == []
    assert len(desk.exchange.advance(desk.now_ns + NS_PER_S)) == 1


def test_open_orders_are_cleared_at_game_start() -> None:
    listing = Listing(market=make_market(), game_start_ns=10 * NS_PER_S, clears_at_start=True)
    desk = Desk(listing)
    desk.place("ann", SELL, 5_200, 25)
    desk.place("ben", BUY, 5_000, 25)
    (action,) = desk.exchange.advance(11 * NS_PER_S)
    assert action.ts_ns == 10 * NS_PER_S
    assert [type(report) for report in action.reports] == [OrderCanceled, OrderCanceled]
    assert desk.book() == ([], [])
