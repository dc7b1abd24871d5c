"""Order amounts against the exchange's former client, an independent oracle.

They agree exactly on limit orders and market sells. On market buys the client asks for up to six
decimals of a share at fine ticks, which the exchange refuses: there ours is the client's amount
with all but four decimals cut off. The client floors floats, and so loses 0.01 share or a whole
tick when a float lies below its decimal (0.29 becomes 0.28; a market order at 0.57 goes out at
0.56): sizes here lie in the middle between hundredths, and prices a hair above their tick. Its
floats run out of digits above some hundred thousand shares, where no comparison is made.
"""

from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st
from py_clob_client_v2.order_builder.builder import ROUNDING_CONFIG, OrderBuilder
from py_clob_client_v2.order_builder.constants import BUY, SELL

from hfptm.records import Side
from hfptm.units import PRICE_ONE_E4, TICKS_E4, format_e4
from hfptm.venue import orders

CLIENT = OrderBuilder(signer=None, funder="")
CENTS = st.integers(1, 10**6)
HAIR = 1e-9
SHARES_MAX_E6 = 200_000 * 1_000_000
PRICES = st.sampled_from(TICKS_E4).flatmap(
    lambda tick_e4: st.tuples(
        st.integers(1, PRICE_ONE_E4 // tick_e4 - 1).map(lambda ticks: ticks * tick_e4),
        st.just(tick_e4),
    )
)


def middle(cents: int) -> tuple[int, float]:
    """An amount between two hundredths, as ours and as the client takes it."""
    amount_e6 = cents * 10_000 + 5_000
    return amount_e6, float(Decimal(amount_e6).scaleb(-6))


def price(price_e4: int) -> float:
    return float(Decimal(price_e4).scaleb(-4)) + HAIR


@given(st.sampled_from(list(Side)), CENTS, PRICES)
def test_limit_orders_agree(side: Side, cents: int, on_grid: tuple[int, int]) -> None:
    price_e4, tick_e4 = on_grid
    size_e6, size = middle(cents)
    rounding = ROUNDING_CONFIG[format_e4(tick_e4)]
    word = BUY if side is Side.BID else SELL
    _, maker_e6, taker_e6 = CLIENT.get_order_amounts(word, size, price(price_e4), rounding)
    assert orders.limit_amounts(side, price_e4, size_e6, tick_e4) == (maker_e6, taker_e6)


@given(CENTS, PRICES)
def test_market_sells_agree(cents: int, on_grid: tuple[int, int]) -> None:
    price_e4, tick_e4 = on_grid
    size_e6, size = middle(cents)
    rounding = ROUNDING_CONFIG[format_e4(tick_e4)]
    _, maker_e6, taker_e6 = CLIENT.get_market_order_amounts(SELL, size, price(price_e4), rounding)
    assert orders.market_sell_amounts(size_e6, price_e4, tick_e4) == (maker_e6, taker_e6)


@given(CENTS, PRICES)
def test_market_buys_agree_to_four_decimals(cents: int, on_grid: tuple[int, int]) -> None:
    price_e4, tick_e4 = on_grid
    dollars_e6, dollars = middle(cents)
    rounding = ROUNDING_CONFIG[format_e4(tick_e4)]
    assume(dollars_e6 * PRICE_ONE_E4 // price_e4 < SHARES_MAX_E6)
    _, maker_e6, taker_e6 = CLIENT.get_market_order_amounts(BUY, dollars, price(price_e4), rounding)
    ours = orders.market_buy_amounts(dollars_e6, price_e4, tick_e4)
    assert ours == (maker_e6, taker_e6 // 100 * 100)
    assert orders.is_immediate_buy_valid(*ours)


@given(st.integers(10_000, 10**13), PRICES)
def test_a_limit_order_is_worth_exactly_its_price(size_e6: int, on_grid: tuple[int, int]) -> None:
    price_e4, tick_e4 = on_grid
    collateral_e6, shares_e6 = orders.limit_amounts(Side.BID, price_e4, size_e6, tick_e4)
    assert collateral_e6 * PRICE_ONE_E4 == shares_e6 * price_e4
    assert 0 <= size_e6 - shares_e6 < orders.SHARE_STEP_E6
    assert collateral_e6 % 10 ** (6 - orders.AMOUNT_DECIMALS[tick_e4]) == 0


@given(st.integers(10_000, 10**13), PRICES)
def test_a_market_buy_spends_no_more_and_asks_for_no_more(
    dollars_e6: int, on_grid: tuple[int, int]
) -> None:
    price_e4, tick_e4 = on_grid
    maker_e6, taker_e6 = orders.market_buy_amounts(dollars_e6, price_e4, tick_e4)
    assert 0 <= dollars_e6 - maker_e6 < orders.CENT_E6
    assert taker_e6 * price_e4 <= maker_e6 * PRICE_ONE_E4
