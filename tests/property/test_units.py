"""Scales hold for every value: parsing and printing are inverse, and nothing is ever rounded."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hfptm import units

VALUES = st.integers(-(10**18), 10**18)
DIGITS = st.integers(0, 9)


@given(st.integers(0, 10**18), DIGITS)
def test_parse_is_the_inverse_of_format(value: int, digits: int) -> None:
    assert units.parse_decimal(units.format_scaled(value, digits), digits) == value


@given(VALUES, DIGITS)
def test_format_is_exact(value: int, digits: int) -> None:
    assert Decimal(units.format_scaled(value, digits)) == Decimal(value).scaleb(-digits)


@given(st.text("0123456789.", max_size=24), DIGITS)
def test_parse_is_exact_or_refuses(text: str, digits: int) -> None:
    try:
        value = units.parse_decimal(text, digits)
    except ValueError:
        return
    assert Decimal(value).scaleb(-digits) == Decimal(text)


@given(st.text(max_size=8))
def test_any_text_gives_a_price_or_a_value_error(text: str) -> None:
    try:
        price_e4 = units.parse_price_e4(text)
    except ValueError:
        return
    assert 0 <= price_e4 <= units.PRICE_ONE_E4


@given(st.integers(0, 10**9), DIGITS)
def test_a_float_of_a_decimal_scales_to_that_decimal(value: int, digits: int) -> None:
    assert units.scale_float(float(units.format_scaled(value, digits)), digits) == value


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_a_float_is_scaled_to_the_nearest(value: float, digits: int) -> None:
    error = Decimal(units.scale_float(value, digits)) - Decimal(repr(value)).scaleb(digits)
    assert abs(error) <= Decimal("0.5")


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_best_prices_survive_packing(best_bid_e4: int, best_ask_e4: int) -> None:
    aux = units.pack_best(best_bid_e4, best_ask_e4)
    assert 0 <= aux < 2**63
    assert units.unpack_best(aux) == (best_bid_e4, best_ask_e4)
