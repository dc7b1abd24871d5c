"""Amounts of signed orders: what maker gives and what taker gives, in 6-decimal base units.

Pure integer arithmetic. Shares are floored to whole hundredths; shares times price is then exact in
`_e6`, so the clients' dance of rounding a float up and then down has nothing left to do here.
Source: exchange reference, section 3.4.
"""

from hfptm.records import Side
from hfptm.units import ONE_E6, PRICE_ONE_E4

AMOUNT_DECIMALS = {1_000: 3, 100: 4, 50: 5, 25: 6, 10: 5, 1: 6}
"""Decimals that the exchange accepts in the computed amount, by tick_e4."""

SHARE_STEP_E6 = 10_000
"""Shares that an order offers or a limit order asks for come in hundredths."""

CENT_E6 = 10_000

IMMEDIATE_SHARE_STEP_E6 = 100
"""A FAK or FOK BUY may ask for four decimals of a share at most, whatever the tick."""


def limit_amounts(side: Side, price_e4: int, size_e6: int, tick_e4: int) -> tuple[int, int]:
    """(maker_e6, taker_e6) of a GTC or GTD order for `size_e6` shares, floored to 0.01 share.

    BUY gives collateral and takes shares, SELL the reverse. Raises ValueError if the price is not
    on the grid, or nothing is left after rounding.
    """
    _check_price(price_e4, tick_e4)
    shares_e6 = _floored(size_e6, SHARE_STEP_E6)
    collateral_e6 = shares_e6 * price_e4 // PRICE_ONE_E4
    return (collateral_e6, shares_e6) if side == Side.BID else (shares_e6, collateral_e6)


def market_buy_amounts(dollars_e6: int, price_e4: int, tick_e4: int) -> tuple[int, int]:
    """(maker_e6, taker_e6) of a FAK or FOK BUY that spends `dollars_e6`, floored to whole cents.

    `price_e4` is the worst price. Shares are rounded down, to four decimals at most: the exchange's
    clients ask for up to six, which it refuses. Raises ValueError as `limit_amounts`.
    """
    _check_price(price_e4, tick_e4)
    maker_e6 = _floored(dollars_e6, CENT_E6)
    step_e6 = max(10 ** (6 - AMOUNT_DECIMALS[tick_e4]), IMMEDIATE_SHARE_STEP_E6)
    return maker_e6, _floored(maker_e6 * PRICE_ONE_E4 // price_e4, step_e6)


def market_sell_amounts(shares_e6: int, price_e4: int, tick_e4: int) -> tuple[int, int]:
    """(maker_e6, taker_e6) of a FAK or FOK SELL of `shares_e6`, floored to 0.01 share.

    `price_e4` is the worst price. Raises ValueError as `limit_amounts`.
    """
    return limit_amounts(Side.ASK, price_e4, shares_e6, tick_e4)


def is_immediate_buy_valid(maker_e6: int, taker_e6: int) -> bool:
    """Whether a FAK or FOK BUY has whole cents and at most four decimals of a share.

    Anything else is refused with "invalid amounts" (py-clob-client-v2#99, rs-clob-client#59).
    """
    return maker_e6 % CENT_E6 == 0 and taker_e6 % IMMEDIATE_SHARE_STEP_E6 == 0


def _check_price(price_e4: int, tick_e4: int) -> None:
    if tick_e4 not in AMOUNT_DECIMALS:
        raise ValueError(f"tick_e4={tick_e4} is no tick of the exchange")
    if not 0 < price_e4 < PRICE_ONE_E4 or price_e4 % tick_e4:
        raise ValueError(f"price_e4={price_e4} is not on the grid of tick_e4={tick_e4}")


def _floored(amount_e6: int, step_e6: int) -> int:
    floored_e6 = amount_e6 - amount_e6 % step_e6
    if floored_e6 <= 0:
        raise ValueError(f"{amount_e6 / ONE_E6} is less than one step of {step_e6 / ONE_E6}")
    return floored_e6
