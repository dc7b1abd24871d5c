"""Fees and rounded cash against fractions, over the whole range that the docstrings promise."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import given
from hypothesis import strategies as st

from hfptm.kernel.fees import E12, dearest_fee_e6, fee_per_share_e12, payout_e6, taker_fee_e6
from hfptm.kernel.jit import records
from hfptm.kernel.lane import PARAMS
from hfptm.kernel.layouts import MARKET
from tests.kernels import params

RATES_E4 = st.integers(0, 10_000)
PRICES_E4 = st.integers(1, 9_999)
SHARE_E6 = 1_000_000


def exact_fee(rate_e4: int, exponent: int, price_e4: int, size_e6: int) -> Fraction:
    price = Fraction(price_e4, 10_000)
    return (
        Fraction(rate_e4, 10_000) * (price * (1 - price)) ** exponent * Fraction(size_e6, SHARE_E6)
    )


@given(RATES_E4, PRICES_E4, st.integers(0, 36_000_000 * SHARE_E6))
def test_fee_is_rounded_half_up_to_five_decimals(rate_e4: int, price_e4: int, size_e6: int) -> None:
    steps = exact_fee(rate_e4, 1, price_e4, size_e6) * 100_000
    assert taker_fee_e6(rate_e4, 1, price_e4, size_e6) == floor(steps + Fraction(1, 2)) * 10


@given(st.integers(0, 100), st.integers(1, 99))
def test_exponent_two_is_exact_where_its_square_is_short(rate_e2: int, price_e2: int) -> None:
    """Prices in cents: (p (1 - p))^2 has eight decimals."""
    fee = exact_fee(100 * rate_e2, 2, 100 * price_e2, SHARE_E6)
    assert fee_per_share_e12(100 * rate_e2, 2, 100 * price_e2) == fee * E12


@given(RATES_E4, PRICES_E4, st.integers(1, 4))
def test_higher_powers_lose_less_than_a_millionth(
    rate_e4: int, price_e4: int, exponent: int
) -> None:
    exact = exact_fee(rate_e4, exponent, price_e4, SHARE_E6) * E12
    lost = exact - fee_per_share_e12(rate_e4, exponent, price_e4)
    assert 0 <= lost < SHARE_E6


@given(RATES_E4, PRICES_E4, st.integers(1, 3), st.data())
def test_no_fill_below_the_limit_pays_more_than_the_dearest_fee(
    rate_e4: int, limit_e4: int, exponent: int, data: st.DataObject
) -> None:
    """A BUY spends its dollars at any price up to its limit."""
    price_e4 = data.draw(st.integers(1, limit_e4))
    market = records(MARKET, 1)
    market["fee_rate_e4"], market["fee_exponent"] = rate_e4, exponent
    asked_e6 = 1_000 * SHARE_E6
    bought = Fraction(limit_e4 * asked_e6, price_e4)
    price = Fraction(price_e4, 10_000)
    fee_e6 = Fraction(rate_e4, 10_000) * (price * (1 - price)) ** exponent * bought
    assert fee_e6 <= dearest_fee_e6(params({})[0], market[0], limit_e4) * 1_000


def test_no_fees_without_a_model_that_charges() -> None:
    market = records(MARKET, 1)
    market["fee_rate_e4"], market["fee_exponent"] = 500, 1
    assert dearest_fee_e6(params({"charge_fees": 0})[0], market[0], 5_000) == 0
    assert dearest_fee_e6(params({"charge_fees": 1})[0], market[0], 5_000) == 25_000


@given(st.integers(0, 10_000), st.integers(0, 10**14))
def test_payout_is_rounded_down(payout_fee_e4: int, gross_e6: int) -> None:
    lane = records(PARAMS, 1)
    lane["payout_fee_e4"] = payout_fee_e4
    kept = Fraction(gross_e6 * (10_000 - payout_fee_e4), 10_000)
    assert payout_e6(lane[0], gross_e6) == floor(kept)
    assert gross_e6 - payout_e6(lane[0], gross_e6) == ceil(gross_e6 - kept)
