"""Scales: the texts the exchange prints, and those that must not pass."""

import numpy as np
import pytest

from hfptm import units


@pytest.mark.parametrize(
    ("text", "price_e4"),
    [("0.5", 5000), (".48", 4800), ("0", 0), ("1", 10_000), ("1.0000", 10_000), ("0.0025", 25)],
)
def test_prices_as_the_exchange_prints_them(text: str, price_e4: int) -> None:
    assert units.parse_price_e4(text) == price_e4


@pytest.mark.parametrize(
    ("text", "size_e6"),
    [("12", 12_000_000), ("500.0", 500_000_000), ("0.000001", 1), ("7.", 7_000_000), ("0", 0)],
)
def test_sizes_as_the_exchange_prints_them(text: str, size_e6: int) -> None:
    assert units.parse_size_e6(text) == size_e6


@pytest.mark.parametrize(
    "text",
    ["", ".", "-0.5", "+0.5", "1e-2", " 0.5", "0.5\n", "0,5", "0.5.5", "0x1", "1_0", "٠.5", ".٥"],
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain decimal number"):
        units.parse_decimal(text, 4)


def test_a_digit_that_would_be_lost_is_refused() -> None:
    with pytest.raises(ValueError, match=r"more than 4 decimals: '0\.50001'"):
        units.parse_price_e4("0.50001")


def test_bounds_of_price_and_size() -> None:
    assert units.parse_size_e6("1000000000") == units.SIZE_MAX_E6
    with pytest.raises(ValueError, match="above a billion"):
        units.parse_size_e6("1000000000.000001")
    with pytest.raises(ValueError, match="price above 1"):
        units.parse_price_e4("1.0001")


def test_a_float_is_read_as_the_decimal_it_prints() -> None:
    assert units.scale_float(0.29, 4) == 2900  # 0.29 * 10_000 is 2899.9999999999995
    assert units.scale_float(0.00005, 4) == 0
    assert units.scale_float(0.00015, 4) == 2
    assert units.scale_float(np.float64(20.5), 6) == 20_500_000
    assert units.scale_float(1e-9, 6) == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_float_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        units.scale_float(value, 4)


@pytest.mark.parametrize(
    ("value_e6", "text"),
    [(20_500_000, "20.5"), (0, "0"), (-1, "-0.000001"), (100_000_000, "100")],
)
def test_format(value_e6: int, text: str) -> None:
    assert units.format_e6(value_e6) == text


def test_no_best_price_is_what_the_exchange_prints_for_an_empty_side() -> None:
    assert units.parse_price_e4("0") == units.NO_BID_E4
    assert units.parse_price_e4("1") == units.NO_ASK_E4
    empty = units.pack_best(units.NO_BID_E4, units.NO_ASK_E4)
    assert units.unpack_best(empty) == (units.NO_BID_E4, units.NO_ASK_E4)
