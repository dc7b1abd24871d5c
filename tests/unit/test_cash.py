"""Cash arithmetic against fractions, over the ranges that the docstrings promise."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import example, given
from hypothesis import strategies as st

from hfptm.kernel.cash import (
    affordable_e6,
    cost_e6,
    fill_cash_e6,
    portion_e6,
    proceeds_e6,
    scaled_e6,
)
from hfptm.kernel.state import SETS_MAX_E6
from hfptm.units import SIZE_MAX_E6

PRICES_E4 = st.integers(1, 9_999)
SIZES_E6 = st.integers(0, SIZE_MAX_E6)
MOST = 2**61 - 1


@given(PRICES_E4, SIZES_E6)
def test_buyer_pays_up_and_seller_gets_down(price_e4: int, size_e6: int) -> None:
    exact = Fraction(price_e4 * size_e6, 10_000)
    assert cost_e6(price_e4, size_e6) == ceil(exact)
    assert proceeds_e6(price_e4, size_e6) == floor(exact)


@given(PRICES_E4, SIZES_E6, st.booleans())
def test_a_fill_is_rounded_against_the_one_that_rested(
    price_e4: int, size_e6: int, is_buy: bool
) -> None:
    exact = Fraction(price_e4 * size_e6, 10_000)
    assert fill_cash_e6(price_e4, size_e6, is_buy, True) == (ceil if is_buy else floor)(exact)
    assert fill_cash_e6(price_e4, size_e6, is_buy, False) == (floor if is_buy else ceil)(exact)


@given(st.integers(0, SETS_MAX_E6), PRICES_E4)
def test_affordable_is_the_most_that_the_budget_pays(budget_e6: int, price_e4: int) -> None:
    size_e6 = affordable_e6(budget_e6, price_e4)
    assert cost_e6(price_e4, size_e6) <= budget_e6 < cost_e6(price_e4, size_e6 + 1)


@given(st.integers(0, MOST), st.integers(1, MOST), st.data())
@example(MOST, MOST, None)
def test_portion(total_e6: int, whole_e6: int, data: st.DataObject | None) -> None:
    part_e6 = data.draw(st.integers(0, whole_e6)) if data else whole_e6
    assert portion_e6(total_e6, part_e6, whole_e6) == total_e6 * part_e6 // whole_e6


def test_portion_of_nothing_is_nothing() -> None:
    assert portion_e6(5, 3, 0) == 0


@given(st.integers(0, 64 * 10**12), st.integers(0, SETS_MAX_E6))
@example(64 * 10**12, SETS_MAX_E6)
def test_scaled(per_share_e12: int, size_e6: int) -> None:
    assert scaled_e6(per_share_e12, size_e6) == per_share_e12 * size_e6 // 10**12
