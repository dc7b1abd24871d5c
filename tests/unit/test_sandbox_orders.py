"""What the sandbox exchange accepts as an order, and its texts for what it refuses."""

from typing import Any

import pytest

from hfptm.records import BUY, SELL, Side
from hfptm.sandbox.listings import Listing
from hfptm.sandbox.orders import OrderStatus
from hfptm.sandbox.reports import OrderCanceled, Placed, PlacedStatus, Rejected
from hfptm.units import NS_PER_S, ONE_E6
from tests.sandbox import FAK, FOK, GTC, GTD, Desk, make_market, only


def refused(desk: Desk, side: Side, amounts: tuple[int, int], **more: Any) -> str:
    action = desk.submit(desk.request("ann", side, amounts, **more))
    assert action.levels == []
    assert len(action.reports) == 1
    text: str = only(action, Rejected).text
    return text


def accepted(desk: Desk, side: Side, amounts: tuple[int, int], **more: Any) -> int:
    """Its price."""
    action = desk.submit(desk.request("ann", side, amounts, **more))
    order = desk.exchange.orders.get(only(action, Placed).order_id)
    assert order is not None
    return order.price_e4


@pytest.mark.parametrize(
    ("tick_e4", "side", "amounts", "price_e4"),
    [
        # The reference's own vectors (section 3.4).
        (100, BUY, (5_200_000, 10_000_000), 5_200),
        (100, BUY, (5_262_400, 10_120_000), 5_200),
        (10, SELL, (7_770_000, 4_063_710), 5_230),
        (25, BUY, (16_748_325, 33_330_000), 5_025),
        (1_000, SELL, (5_000_000, 4_500_000), 9_000),
        (1, BUY, (500, 5_000_000), 1),
        (1, SELL, (5_000_000, 4_999_500), 9_999),
    ],
)
def test_limit_orders_by_their_amounts(
    tick_e4: int, side: Side, amounts: tuple[int, int], price_e4: int
) -> None:
    desk = Desk(Listing(market=make_market(tick_e4=tick_e4)))
    assert accepted(desk, side, amounts) == price_e4


@pytest.mark.parametrize(
    ("tick_e4", "amounts", "price_e4"),
    [
        (100, (10_000_000, 19_230_700), 5_200),
        (10, (10_000_000, 19_120_400), 5_230),
        (1_000, (1_010_000, 1_122_000), 9_000),
        (1, (1_000_000, 1_000_100), 9_999),
        (1, (1_000_000, 1_000_200), 9_998),
        (1, (1_000_000, 10_000_000_000), 1),
        (100, (5_200_000, 10_000_000), 5_200),
    ],
)
def test_market_buys_by_their_amounts(
    tick_e4: int, amounts: tuple[int, int], price_e4: int
) -> None:
    desk = Desk(Listing(market=make_market(tick_e4=tick_e4)))
    desk.place("ben", BUY, 9_000, 10_000, "N1")  # somebody to match: a YES ask at 0.1
    if price_e4 < 1_000:
        no_match = "no orders found to match with FAK order. FAK orders are partially filled or "
        text = refused(desk, BUY, amounts, time_in_force=FAK)
        assert text == no_match + "killed if no match is found."
    else:
        assert accepted(desk, BUY, amounts, time_in_force=FAK) == price_e4


TICK = "order o1 is invalid. Price ({}) breaks minimum tick size rule: 0.01"


@pytest.mark.parametrize(
    ("side", "amounts", "more", "text"),
    [
        (BUY, (5_250_000, 10_000_000), {}, TICK.format("0.525")),
        (BUY, (10_000_000, 10_200_000), {}, TICK.format("0.980392156862745")),
        (SELL, (10_000_000, 5_250_000), {}, TICK.format("0.525")),
        (SELL, (10_000_000, 5_200_001), {}, TICK.format("0.5200001")),
        (SELL, (10_000_000, 5_200_001), {"time_in_force": FAK}, TICK.format("0.5200001")),
        (BUY, (10_000_000, 19_047_600), {"time_in_force": FAK}, TICK.format("0.525000525000525")),
        (BUY, (1_000_000, 200_000_000), {"time_in_force": FAK}, TICK.format("0.005")),
        (BUY, (10_000_000, 10_000_000), {}, "invalid price (1), min: 0.01 - max: 0.99"),
        (BUY, (11_000_000, 10_000_000), {}, "invalid price (1.1), min: 0.01 - max: 0.99"),
        (BUY, (9_000_000, 9_000_000), {"time_in_force": FAK}, "invalid price (1), min: 0.01"),
        (BUY, (5_205_200, 10_010_001), {}, "invalid amounts"),
        (BUY, (2_602_600, 5_005_000), {}, "invalid amounts"),
        (SELL, (5_005_000, 2_602_600), {"time_in_force": FOK}, "invalid amounts"),
        (BUY, (0, 10_000_000), {}, "invalid amounts"),
        (SELL, (10_000_000, 0), {}, "invalid amounts"),
        (BUY, (10**14 + 10**3, 10**15 + 10**4), {}, "invalid amounts"),
        (
            BUY,
            (10_000_000, 19_120_450),
            {"time_in_force": FAK},
            "invalid amounts, the market buy orders maker amount supports a max accuracy of 2 ",
        ),
        (BUY, (10_001_000, 19_120_400), {"time_in_force": FOK}, "invalid amounts, the market buy"),
        (
            BUY,
            (2_594_800, 4_990_000),
            {},
            "order o1 is invalid. Size (4.99) lower than the minimum: 5",
        ),
        (SELL, (4_990_000, 2_594_800), {"time_in_force": GTD, "expiration_s": 100}, "order o1 is"),
        (
            BUY,
            (990_000, 1_100_000),
            {"time_in_force": FAK},
            "invalid amount for a marketable BUY order ($0.99), min size: $1",
        ),
        (BUY, (5_200_000, 10_000_000), {"expiration_s": 10_000}, "invalid expiration"),
        (
            BUY,
            (5_200_000, 10_000_000),
            {"time_in_force": GTD, "expiration_s": 60},
            "invalid expiration",
        ),
        (BUY, (5_200_000, 10_000_000), {"time_in_force": GTD}, "invalid expiration"),
        (
            BUY,
            (5_200_000, 10_000_000),
            {"time_in_force": FAK, "post_only": True},
            "invalid post-only order: only GTC and GTD order types are allowed",
        ),
        (BUY, (5_200_000, 10_000_000), {"token": "Z"}, "the orderbook Z does not exist"),
        (BUY, (9 * 10**14, 10**15), {}, "not enough balance / allowance"),
        (SELL, (9 * 10**14, 81 * 10**13), {}, "not enough balance / allowance"),
    ],
)
def test_refused(side: Side, amounts: tuple[int, int], more: dict[str, Any], text: str) -> None:
    assert refused(Desk(), side, amounts, **more).startswith(text)


def test_small_orders_that_never_rest() -> None:
    """A FAK SELL may be below the smallest size, a FAK BUY too if it spends a dollar."""
    desk = Desk()
    desk.place("ben", BUY, 4_000, 100)
    desk.place("ben", SELL, 5_000, 100)
    assert accepted(desk, SELL, (10_000, 4_000), time_in_force=FAK) == 4_000
    assert accepted(desk, BUY, (1_000_000, 2_000_000), time_in_force=FAK) == 5_000


def test_a_marketable_limit_buy_needs_a_dollar() -> None:
    desk = Desk()
    desk.place("ben", SELL, 1_000, 100)
    text = "invalid amount for a marketable BUY order ($0.9), min size: $1"
    assert refused(desk, BUY, (900_000, 9_000_000)) == text
    assert accepted(desk, BUY, (810_000, 9_000_000)) == 900


def test_a_duplicate_is_refused_also_when_the_first_is_over() -> None:
    desk = Desk()
    text = "order same is invalid. Duplicated."
    assert accepted(desk, BUY, (5_200_000, 10_000_000), order_id="same") == 5_200
    assert refused(desk, BUY, (5_200_000, 10_000_000), order_id="same") == text
    desk.exchange.cancel("ann", ["same"], desk.now_ns)
    assert refused(desk, BUY, (5_200_000, 10_000_000), order_id="same") == text


def test_a_refused_order_may_come_again() -> None:
    desk = Desk()
    amounts = (5_200_000, 10_000_000)
    assert "no orders found" in refused(desk, BUY, amounts, order_id="same", time_in_force=FAK)
    assert accepted(desk, BUY, amounts, order_id="same") == 5_200


def test_markets_that_take_no_orders() -> None:
    desk = Desk()
    markets = desk.exchange.markets
    markets.add(Listing(market=make_market(2)))
    amounts = (5_200_000, 10_000_000)
    not_ready = "the market is not yet ready to process new orders"
    assert refused(desk, BUY, amounts, token="N2") == not_ready
    markets.close(make_market().market, desk.now_ns)
    assert refused(desk, BUY, amounts) == "the orderbook Y1 does not exist"
    markets.resolve(make_market().market, 10_000, desk.now_ns)
    assert refused(desk, BUY, amounts) == "the orderbook Y1 does not exist"


def test_no_order_without_approval() -> None:
    desk = Desk()
    desk.exchange.approve("ann", collateral=False, shares=True, ts_ns=desk.now_ns)
    assert refused(desk, BUY, (5_200_000, 10_000_000)) == "not enough balance / allowance"
    assert accepted(desk, SELL, (10_000_000, 5_200_000)) == 5_200
    desk.exchange.approve("ann", collateral=True, shares=False, ts_ns=desk.now_ns)
    assert refused(desk, SELL, (10_000_000, 5_200_000)) == "not enough balance / allowance"
    assert accepted(desk, BUY, (5_100_000, 10_000_000)) == 5_100


def test_open_orders_hold_what_they_may_give() -> None:
    desk = Desk()
    account = desk.exchange.accounts["dan"]
    desk.exchange.deposit("dan", 10 * ONE_E6)
    desk.exchange.approve("dan", collateral=True, shares=True, ts_ns=desk.now_ns)
    desk.place("dan", BUY, 5_000, 15)
    assert account.free_e6() == 2_500_000
    rejected = only(desk.place("dan", BUY, 2_600, 10), Rejected)
    assert rejected.text == "not enough balance / allowance"
    assert only(desk.place("dan", BUY, 2_500, 10), Placed).status is PlacedStatus.LIVE
    assert desk.exchange.withdraw("dan", 1) == Rejected(
        "", "dan", rejected.reason, "not enough balance / allowance"
    )
    desk.exchange.cancel_all("dan", desk.now_ns)
    assert account.free_e6() == account.cash_e6 == 10 * ONE_E6


def test_a_gtd_order_ends_a_minute_early() -> None:
    desk = Desk()
    request = desk.limit("ann", BUY, 5_000, 10, time_in_force=GTD, expiration_s=100)
    desk.submit(request)
    assert desk.exchange.advance(40 * NS_PER_S - 1) == []
    (action,) = desk.exchange.advance(40 * NS_PER_S + 5)
    assert action.ts_ns == 40 * NS_PER_S
    expired = OrderStatus.CANCELED_EXPIRED_ORDER
    assert action.reports == [OrderCanceled(request.order_id, "ann", expired, 0, "")]
    assert [(level.price_e4, level.size_e6) for level in action.levels] == [(5_000, 0)]
    assert desk.book() == ([], [])


def test_time_does_not_go_back_nor_past_what_is_due() -> None:
    desk = Desk()
    desk.place("ann", BUY, 5_000, 10, time_in_force=GTD, expiration_s=100)
    late = desk.limit("ann", BUY, 5_000, 10)
    with pytest.raises(ValueError, match="never go back"):
        desk.exchange.submit(late, desk.now_ns - 1)
    with pytest.raises(ValueError, match="call advance"):
        desk.exchange.submit(late, 40 * NS_PER_S)
    assert late.order_id not in desk.exchange.orders
    assert late.time_in_force is GTC
