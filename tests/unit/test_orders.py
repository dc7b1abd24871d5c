"""Amounts of signed orders; the vectors are those of the exchange reference, section 3.4."""

import pytest

from hfptm.records import Side
from hfptm.units import TICKS_E4
from hfptm.venue import orders

BUY, SELL = Side.BID, Side.ASK


@pytest.mark.parametrize(
    ("side", "price_e4", "size_e6", "tick_e4", "amounts"),
    [
        (BUY, 5_200, 10_000_000, 100, (5_200_000, 10_000_000)),
        (BUY, 5_200, 10_129_000, 100, (5_262_400, 10_120_000)),
        (SELL, 5_230, 7_770_000, 10, (7_770_000, 4_063_710)),
        (BUY, 5_025, 33_330_000, 25, (16_748_325, 33_330_000)),
    ],
)
def test_limit_vectors(
    side: Side, price_e4: int, size_e6: int, tick_e4: int, amounts: tuple[int, int]
) -> None:
    assert orders.limit_amounts(side, price_e4, size_e6, tick_e4) == amounts


@pytest.mark.parametrize(
    ("price_e4", "tick_e4", "amounts"),
    [(5_200, 100, (10_000_000, 19_230_700)), (5_230, 10, (10_000_000, 19_120_400))],
)
def test_market_buy_vectors(price_e4: int, tick_e4: int, amounts: tuple[int, int]) -> None:
    assert orders.market_buy_amounts(10_000_000, price_e4, tick_e4) == amounts
    assert orders.is_immediate_buy_valid(*amounts)


def test_what_the_clients_ask_for_is_refused() -> None:
    assert not orders.is_immediate_buy_valid(10_000_000, 19_120_450)
    assert not orders.is_immediate_buy_valid(10_001_000, 19_120_400)


def test_market_sell() -> None:
    assert orders.market_sell_amounts(7_779_999, 5_230, 10) == (7_770_000, 4_063_710)


def test_every_tick_has_its_decimals() -> None:
    assert sorted(orders.AMOUNT_DECIMALS) == sorted(TICKS_E4)


@pytest.mark.parametrize("price_e4", [0, 10_000, -100, 5_250])
def test_off_grid_prices_are_refused(price_e4: int) -> None:
    with pytest.raises(ValueError, match="not on the grid of tick_e4=100"):
        orders.limit_amounts(BUY, price_e4, 10_000_000, 100)


def test_unknown_ticks_are_refused() -> None:
    with pytest.raises(ValueError, match="no tick of the exchange"):
        orders.market_buy_amounts(10_000_000, 5_000, 20)


def test_nothing_is_not_ordered() -> None:
    with pytest.raises(ValueError, match="less than one step"):
        orders.limit_amounts(BUY, 5_000, 9_999, 100)
    with pytest.raises(ValueError, match="less than one step"):
        orders.market_buy_amounts(9_999, 5_000, 100)
