"""How the sandbox exchange matches: who gives what to whom, and what the feed is told."""

import pytest

from hfptm.records import BUY, SELL
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.orders import OrderStatus
from hfptm.sandbox.reports import (
    LevelChange,
    MatchType,
    OrderUpdate,
    Placed,
    PlacedStatus,
    Rejected,
    Trade,
)
from hfptm.units import ONE_E6
from tests.sandbox import FAK, FOK, Desk, make_market, only

BID, ASK = int(BUY), int(SELL)


def test_an_order_rests_in_yes_terms() -> None:
    desk = Desk()
    action = desk.place("ann", BUY, 4_700, 30)
    assert action.levels == [LevelChange(BID, 4_700, 30 * ONE_E6)]
    assert only(action, Placed) == Placed("o1", "ann", PlacedStatus.LIVE, 0, 0)
    assert desk.place("ben", SELL, 5_300, 20, "N1").levels == [LevelChange(BID, 4_700, 50 * ONE_E6)]
    assert desk.place("cat", BUY, 4_500, 7, "N1").levels == [LevelChange(ASK, 5_500, 7 * ONE_E6)]
    assert desk.book() == ([(4_700, 50 * ONE_E6)], [(5_500, 7 * ONE_E6)])


def test_complementary() -> None:
    desk = Desk()
    desk.place("ann", SELL, 5_200, 25)
    action = desk.place("ben", BUY, 5_500, 10)
    trade = only(action, Trade)
    assert (trade.price_e4, trade.size_e6, trade.collateral_e6) == (5_200, 10**7, 5_200_000)
    assert trade.makers[0].match_type is MatchType.COMPLEMENTARY
    assert desk.holdings("ben") == (-5_200_000, 10 * ONE_E6)
    assert desk.holdings("ann") == (5_200_000, -10 * ONE_E6)
    assert action.levels == [LevelChange(ASK, 5_200, 15 * ONE_E6)]
    assert only(action, Placed) == Placed("o2", "ben", PlacedStatus.MATCHED, 5_200_000, 10**7)
    assert only(action, OrderUpdate) == OrderUpdate("o1", "ann", OrderStatus.LIVE, 10 * ONE_E6)


def test_mint() -> None:
    desk = Desk()
    pool = desk.exchange.markets.all()[0].pool
    backed_e6 = pool.collateral_e6
    desk.place("ann", BUY, 4_800, 10, "N1")
    action = desk.place("ben", BUY, 5_500, 10)
    trade = only(action, Trade)
    assert (trade.price_e4, trade.makers[0].price_e4) == (5_200, 4_800)
    assert trade.makers[0].match_type is MatchType.MINT
    assert trade.makers[0].token == "N1"
    assert desk.holdings("ben") == (-5_200_000, 10 * ONE_E6)
    assert desk.holdings("ann", "N1") == (-4_800_000, 10 * ONE_E6)
    assert pool.collateral_e6 - backed_e6 == 10 * ONE_E6
    assert desk.book() == ([], [])


def test_merge() -> None:
    desk = Desk()
    pool = desk.exchange.markets.all()[0].pool
    backed_e6 = pool.collateral_e6
    desk.place("ann", SELL, 4_000, 10, "N1")
    trade = only(desk.place("ben", SELL, 5_000, 10), Trade)
    assert (trade.price_e4, trade.collateral_e6) == (6_000, 6_000_000)
    assert trade.makers[0].match_type is MatchType.MERGE
    assert desk.holdings("ben") == (6_000_000, -10 * ONE_E6)
    assert desk.holdings("ann", "N1") == (4_000_000, -10 * ONE_E6)
    assert pool.collateral_e6 - backed_e6 == -10 * ONE_E6


def test_price_then_time_and_the_rest_rests() -> None:
    desk = Desk()
    desk.place("ann", SELL, 5_300, 5)
    desk.place("ann", BUY, 4_800, 5, "N1")  # an ask at 0.52
    desk.place("ben", SELL, 5_200, 5)
    desk.place("cat", SELL, 5_400, 5)
    action = desk.place("cat", BUY, 5_300, 20)
    trades = [report for report in action.reports if isinstance(report, Trade)]
    assert [(t.price_e4, [m.order_id for m in t.makers]) for t in trades] == [
        (5_200, ["o2", "o3"]),
        (5_300, ["o1"]),
    ]
    assert action.levels == [
        LevelChange(ASK, 5_200, 0),
        LevelChange(ASK, 5_300, 0),
        LevelChange(BID, 5_300, 5 * ONE_E6),
    ]
    assert desk.book() == ([(5_300, 5 * ONE_E6)], [(5_400, 5 * ONE_E6)])
    # Price improvement saves a limit BUY money: it still gets its 20 shares, no more.
    assert only(action, Placed) == Placed("o5", "cat", PlacedStatus.MATCHED, 7_850_000, 15 * ONE_E6)
    assert desk.exchange.accounts["cat"].reserved_e6 == 5 * 530_000


def test_a_market_buy_spends_its_dollars() -> None:
    """Price improvement buys more shares; what the floors leave over stays with the taker."""
    desk = Desk()
    desk.place("ann", SELL, 5_000, 30)
    action = desk.submit(desk.spend("ben", 5_200, 1_000))
    assert only(action, Trade).size_e6 == 20 * ONE_E6
    desk.place("cat", SELL, 4_900, 30)
    trade = only(desk.submit(desk.spend("ben", 5_200, 1_000)), Trade)
    assert (trade.size_e6, trade.collateral_e6) == (20_408_163, 9_999_999)
    assert desk.holdings("cat") == (9_999_999, -20_408_163)


def test_floors_of_a_resting_buy_favour_the_taker() -> None:
    desk = Desk()
    desk.place("ann", BUY, 5_100, 30, "N1")  # a YES ask at 0.49
    trade = only(desk.submit(desk.spend("ben", 5_200, 1_000)), Trade)
    # floor(20408163 x 0.51) dollars of the maker, floor(that / 0.51) shares for each
    assert (trade.makers[0].collateral_e6, trade.size_e6) == (10_408_163, 20_408_162)
    assert trade.collateral_e6 == 20_408_162 - 10_408_163
    order = desk.exchange.orders.get("o1")
    assert order is not None
    assert (order.left_e6, order.open_e6) == (4_891_837, 9_591_837)


def test_what_is_worth_less_than_a_micro_dollar_does_not_rest() -> None:
    desk = Desk()
    desk.place("ann", SELL, 5_200, 25)
    desk.submit(desk.spend("ben", 5_200, 1_000))
    assert desk.book() == ([], [(5_200, 5_769_231)])
    update = only(desk.submit(desk.spend("ben", 5_200, 300)), OrderUpdate)
    assert update == OrderUpdate("o1", "ann", OrderStatus.MATCHED, 24_999_999)
    assert desk.book() == ([], [])
    account = desk.exchange.accounts["ann"]
    assert (account.open_orders, account.reserved_shares_e6) == ({}, {})


@pytest.mark.parametrize("is_deeper", [False, True])
def test_nor_is_it_traded(is_deeper: bool) -> None:
    """A rest of 0.008163 shares would bring 0.8 micro-dollars at 0.0001."""
    desk = Desk(Listing(market=make_market(tick_e4=1)))
    desk.place("ann", BUY, 5_100, 30, "N1")
    desk.submit(desk.request("cat", BUY, (10_000_000, 20_408_100), time_in_force=FAK))
    if is_deeper:
        desk.place("ann", BUY, 1, 30, "N1")
    action = desk.submit(desk.request("ben", SELL, (9_600_000, 960), token="N1"))
    assert only(action, Trade).size_e6 == 9_591_837
    order = desk.exchange.orders.get("o4" if is_deeper else "o3")
    assert order is not None
    assert order.status is OrderStatus.MATCHED
    assert desk.exchange.accounts["ben"].reserved_shares_e6 == {}
    assert len(desk.book()[1]) == is_deeper


def test_fees_are_on_top_of_a_buy_and_out_of_a_sell() -> None:
    """25 shares at 0.13 and rate 0.05 cost 0.14138 (reference, section 5)."""
    desk = Desk(Listing(market=make_market(fee_rate_e4=500)))
    desk.place("ann", SELL, 1_300, 50)
    trade = only(desk.place("ben", BUY, 1_300, 25), Trade)
    assert (trade.collateral_e6, trade.fee_e6) == (3_250_000, 141_380)
    assert desk.holdings("ben") == (-3_391_380, 25 * ONE_E6)
    assert desk.holdings("ann") == (3_250_000, -25 * ONE_E6)
    only(desk.place("ann", BUY, 8_700, 25, "N1"), Placed)
    trade = only(desk.place("cat", SELL, 8_700, 25, "N1"), Trade)
    assert (trade.price_e4, trade.fee_e6) == (8_700, 141_380)
    assert desk.holdings("cat", "N1") == (21_750_000 - 141_380, -25 * ONE_E6)
    assert desk.exchange.accounts.fees.cash_e6 == 2 * 141_380


def test_a_fee_is_that_of_each_price() -> None:
    desk = Desk(Listing(market=make_market(fee_rate_e4=700)))
    desk.place("ann", SELL, 5_000, 10)
    desk.place("ann", SELL, 6_000, 10)
    desk.place("ben", BUY, 6_000, 20)
    assert desk.exchange.accounts.fees.cash_e6 == 175_000 + 168_000


def test_a_fee_never_exceeds_the_proceeds() -> None:
    """506 micro-dollars of proceeds at rate 1: the fee would round up to 510."""
    desk = Desk(Listing(market=make_market(tick_e4=1, fee_rate_e4=10_000)))
    desk.place("ann", BUY, 1, 10)
    trade = only(desk.submit(desk.request("ben", SELL, (5_060_000, 506))), Trade)
    assert (trade.collateral_e6, trade.fee_e6) == (506, 506)
    assert desk.holdings("ben") == (0, -5_060_000)


def test_a_taker_needs_its_fee_too() -> None:
    desk = Desk(Listing(market=make_market(fee_rate_e4=700)))
    desk.place("ann", SELL, 5_000, 10)
    desk.exchange.deposit("dan", 5_174_999)
    desk.exchange.approve("dan", collateral=True, shares=True, ts_ns=desk.now_ns)
    rejected = only(desk.place("dan", BUY, 5_000, 10), Rejected)
    assert rejected.text == "not enough balance / allowance"
    desk.exchange.deposit("dan", 1)
    only(desk.place("dan", BUY, 5_000, 10), Trade)
    assert desk.exchange.accounts["dan"].cash_e6 == 0


@pytest.mark.parametrize(("shares", "is_filled"), [(30, True), (31, False)])
def test_fok_sells_all_or_nothing(shares: int, is_filled: bool) -> None:
    desk = Desk()
    desk.place("ann", BUY, 5_000, 10)
    desk.place("ann", BUY, 4_900, 20)
    desk.place("ann", BUY, 4_800, 20)
    action = desk.place("ben", SELL, 4_900, shares, time_in_force=FOK)
    if is_filled:
        assert only(action, Placed).making_e6 == 30 * ONE_E6
        assert len(desk.book()[0]) == 1
        return
    text = "order couldn't be fully filled. FOK orders are fully filled or killed."
    assert only(action, Rejected).text == text
    assert (action.levels, len(desk.book()[0])) == ([], 3)
    assert desk.holdings("ben") == (0, 0)


def test_fok_buys_for_all_its_dollars() -> None:
    desk = Desk()
    desk.place("ann", SELL, 4_900, 30)
    desk.submit(desk.spend("ben", 5_200, 1_470, kind=FOK))
    assert desk.book() == ([], [])
    desk.place("ann", SELL, 4_900, 30)
    only(desk.submit(desk.spend("ben", 5_200, 1_471, kind=FOK)), Rejected)
    action = desk.submit(desk.spend("ben", 5_200, 1_000, kind=FOK))
    assert only(action, Placed).making_e6 == 9_999_999


def test_fak_takes_what_is_there() -> None:
    desk = Desk()
    desk.place("ann", BUY, 5_000, 10)
    action = desk.place("ben", SELL, 4_900, 30, time_in_force=FAK)
    assert only(action, Placed) == Placed("o2", "ben", PlacedStatus.MATCHED, 10**7, 5_000_000)
    assert desk.book() == ([], [])
    order = desk.exchange.orders.get("o2")
    assert order is not None
    assert (order.status, order.matched_e6) == (OrderStatus.MATCHED, 10 * ONE_E6)
    text = "no orders found to match with FAK order."
    rejected = only(desk.place("ben", SELL, 4_900, 30, time_in_force=FAK), Rejected)
    assert rejected.text.startswith(text)


def test_post_only_is_refused_if_it_would_take() -> None:
    desk = Desk()
    desk.place("ann", SELL, 5_200, 25)
    rejected = only(desk.place("ben", BUY, 5_200, 10, post_only=True), Rejected)
    assert rejected.text == "invalid post-only order: order crosses book"
    rejected = only(desk.place("ben", SELL, 4_800, 10, "N1", post_only=True), Rejected)
    assert rejected.text == "invalid post-only order: order crosses book"
    placed = only(desk.place("ben", BUY, 5_100, 10, post_only=True), Placed)
    assert placed.status is PlacedStatus.LIVE


def test_an_account_may_trade_with_itself() -> None:
    desk = Desk()
    desk.place("ann", SELL, 5_200, 10)
    only(desk.place("ann", BUY, 5_200, 10), Trade)
    assert desk.holdings("ann") == (0, 0)
    desk.place("ann", BUY, 4_800, 10, "N1")
    only(desk.place("ann", BUY, 5_200, 10), Trade)
    assert desk.holdings("ann") == (-10 * ONE_E6, 10 * ONE_E6)
    assert desk.exchange.accounts["ann"].reserved_e6 == 0


def test_a_batch_is_not_atomic() -> None:
    desk = Desk()
    desk.place("ann", SELL, 5_200, 10)
    actions = desk.exchange.submit_batch(
        [
            desk.limit("ben", BUY, 5_200, 10),
            desk.limit("ben", BUY, 5_200, 1, order_id="small"),
            desk.limit("ben", BUY, 5_100, 10),
        ],
        desk.now_ns,
    )
    assert [type(action.reports[0]) for action in actions] == [Placed, Rejected, Placed]
    assert desk.book() == ([(5_100, 10 * ONE_E6)], [])


def test_cancels_are_one_action_for_each_market() -> None:
    desk = Desk(Listing(market=make_market(1)), Listing(market=make_market(2)))
    desk.place("ann", BUY, 5_000, 10)
    desk.place("ann", SELL, 5_000, 10, "N1")
    desk.place("ann", BUY, 5_000, 10, "N2")
    desk.place("ben", BUY, 5_000, 5)
    answer = desk.exchange.cancel("ann", ["o1", "o4", "o2", "x", "o3", "o1"], desk.now_ns)
    assert answer.canceled == ["o1", "o2", "o3"]
    text = "order can't be found - already canceled or matched"
    assert answer.not_canceled == {"o4": text, "x": text}
    markets = [make_market(number).market for number in (1, 2)]
    assert [action.market for action in answer.actions] == markets
    assert answer.actions[0].levels == [LevelChange(BID, 5_000, 5 * ONE_E6)]
    assert answer.actions[1].levels == [LevelChange(ASK, 5_000, 0)]
    assert desk.exchange.accounts["ann"].reserved_e6 == 0


def test_cancel_by_market_token_and_all() -> None:
    desk = Desk(Listing(market=make_market(1)), Listing(market=make_market(2)))
    exchange, market = desk.exchange, make_market(1).market
    for token in ("Y1", "N1", "Y2", "N2"):
        desk.place("ann", BUY, 4_000, 10, token)
    assert exchange.cancel_market("ann", market, "N1", desk.now_ns).canceled == ["o2"]
    assert exchange.cancel_market("ann", market, "", desk.now_ns).canceled == ["o1"]
    assert exchange.cancel_market("ann", 7, "", desk.now_ns).canceled == []
    assert exchange.cancel_all("ann", desk.now_ns).canceled == ["o3", "o4"]
