"""Trades that fail on chain: what goes back, what stays, and what cannot be taken back."""

import pytest

from hfptm.records import BUY, SELL, Side
from hfptm.sandbox.history import CONFIRMED_AFTER_NS, MINED_AFTER_NS, Fate, TradeRecord
from hfptm.sandbox.orders import OrderRequest, OrderStatus
from hfptm.sandbox.reports import Action, OrderCanceled, Trade
from hfptm.units import ONE_E6
from tests.sandbox import FUNDS_E6, GTC, Desk, make_market, only
from tests.sandbox_api import STANDARD_SLUG, Api, entry_of, make_sandbox

MARKET = make_market().market

SIDES = pytest.mark.parametrize(
    ("token", "side"), [("Y1", BUY), ("Y1", SELL), ("N1", BUY), ("N1", SELL)]
)


def undo(desk: Desk, trade: Trade) -> list[Action]:
    actions = desk.exchange.undo(MARKET, trade, desk.now_ns)
    assert actions is not None
    return actions


@SIDES
def test_everything_goes_back_and_the_orders_stay(token: str, side: Side) -> None:
    desk = Desk()
    rests_at = SELL if side is BUY else BUY
    before = [desk.holdings(trader, token) for trader in ("ann", "ben")]
    desk.place("ann", rests_at, 4_000, 20, token=token)
    trade = only(desk.place("ben", side, 4_000, 8, token=token), Trade)
    assert undo(desk, trade) == []
    assert [desk.holdings(trader, token) for trader in ("ann", "ben")] == before
    (level,) = [level for levels in desk.book() for level in levels]
    assert level[1] == 12 * ONE_E6


def test_an_order_that_holds_what_is_gone_is_cancelled_the_newest_first() -> None:
    desk = Desk()
    account = desk.exchange.accounts["ben"]
    account.add_shares("Y1", -FUNDS_E6)
    desk.place("ann", SELL, 4_000, 20)
    trade = only(desk.place("ben", BUY, 4_000, 20), Trade)
    account.add_shares("Y1", 15 * ONE_E6)
    for price_e4 in (7_000, 7_100, 7_200):
        desk.place("ben", SELL, price_e4, 10)
    desk.place("ben", BUY, 1_000, 10)
    (action,) = undo(desk, trade)
    canceled = [report for report in action.reports if isinstance(report, OrderCanceled)]
    assert [report.order_id for report in canceled] == ["o5", "o4"]
    assert {report.status for report in canceled} == {OrderStatus.CANCELED_NOT_ENOUGH_BALANCE}
    assert account.free_shares_e6("Y1") == 5 * ONE_E6
    assert list(account.open_orders) == ["o3", "o6"]


def test_dollars_that_an_order_holds_are_missed_too() -> None:
    desk = Desk()
    desk.place("ben", BUY, 4_000, 20)
    trade = only(desk.place("ann", SELL, 4_000, 20), Trade)
    account = desk.exchange.accounts["ann"]
    desk.exchange.withdraw("ann", account.free_e6() - 13 * ONE_E6)
    desk.place("ann", BUY, 1_000, 50)
    desk.place("ann", BUY, 1_000, 30)
    (action,) = undo(desk, trade)
    assert only(action, OrderCanceled).order_id == "o4"
    assert (account.free_e6(), list(account.open_orders)) == (0, ["o3"])


def test_what_has_been_passed_on_cannot_be_taken_back() -> None:
    desk = Desk()
    account = desk.exchange.accounts["ben"]
    account.add_shares("Y1", -FUNDS_E6)
    desk.place("ann", SELL, 4_000, 20)
    trade = only(desk.place("ben", BUY, 4_000, 20), Trade)
    desk.place("cat", BUY, 4_000, 5)
    desk.place("ben", SELL, 4_000, 5)
    before = [desk.holdings(trader) for trader in ("ann", "ben", "cat")]
    assert desk.exchange.undo(MARKET, trade, desk.now_ns) is None
    assert [desk.holdings(trader) for trader in ("ann", "ben", "cat")] == before


def settle(fate: Fate, *, passes_on: bool = False) -> tuple[list[tuple[str, int]], int]:
    """(each status and its ns after the match, shares the buyer keeps) of a purchase of 20."""
    api = Api(make_sandbox())
    sandbox = api.sandbox
    heard: list[tuple[str, int]] = []

    def hear(record: TradeRecord, status: str) -> None:
        assert record.transaction_hash == sandbox.history.transaction_hash(record.trade)
        heard.append((status, record.updated_ns - record.matched_ns))

    sandbox.settlement_listeners.append(hear)
    sandbox.history.fate = lambda _: fate
    sandbox.fund("buyer", 100 * ONE_E6)
    listed = entry_of(sandbox, STANDARD_SLUG).listed
    api.rest(STANDARD_SLUG, SELL, 4_000, 20)
    order = OrderRequest(
        order_id="0x1",
        account="buyer",
        token=listed.market.yes_token,
        side=BUY,
        maker_e6=8 * ONE_E6,
        taker_e6=20 * ONE_E6,
        time_in_force=GTC,
    )
    assert only(sandbox.submit(order), Trade).size_e6 == 20 * ONE_E6
    if passes_on:
        sandbox.exchange.accounts["buyer"].add_shares(listed.market.yes_token, -20 * ONE_E6)
    api.advance(3 * CONFIRMED_AFTER_NS)
    return heard, sandbox.exchange.accounts["buyer"].shares_e6.get(listed.market.yes_token, 0)


def test_a_confirmed_trade() -> None:
    mined, confirmed = ("MINED", MINED_AFTER_NS), ("CONFIRMED", CONFIRMED_AFTER_NS)
    assert settle(Fate.CONFIRMED) == ([mined, confirmed], 20 * ONE_E6)


def test_a_trade_that_is_sent_again() -> None:
    retrying = ("RETRYING", MINED_AFTER_NS)
    mined = ("MINED", CONFIRMED_AFTER_NS + MINED_AFTER_NS)
    confirmed = ("CONFIRMED", 2 * CONFIRMED_AFTER_NS)
    assert settle(Fate.RETRIED) == ([retrying, mined, confirmed], 20 * ONE_E6)


def test_a_failed_trade_never_happened() -> None:
    retrying, failed = ("RETRYING", MINED_AFTER_NS), ("FAILED", CONFIRMED_AFTER_NS)
    assert settle(Fate.FAILED) == ([retrying, failed], 0)


def test_a_trade_that_cannot_be_taken_back_is_confirmed() -> None:
    heard, _ = settle(Fate.FAILED, passes_on=True)
    assert [status for status, _ in heard] == ["RETRYING", "MINED", "CONFIRMED"]
