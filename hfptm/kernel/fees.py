"""What a fill costs (reference, section 5).

Taker fee = shares x rate x (p(1-p))^exponent, rounded to 5 decimals, in collateral: on top of a
BUY, out of a SELL. The direction of rounding is not documented; half up reproduces the one
published example (25 shares at 0.13 and rate 0.05 cost 0.14138). Rates are given to 4 decimals, as
every published one is.
"""

from hfptm.kernel.jit import Record, cold
from hfptm.units import ONE_E6, PRICE_ONE_E4

E8 = PRICE_ONE_E4 * PRICE_ONE_E4
E12 = E8 * PRICE_ONE_E4
FEE_STEP_E6 = 10
"""Fees are whole multiples of 0.00001."""


@cold
def fee_per_share_e12(rate_e4: int, exponent: int, price_e4: int) -> int:
    """Unrounded fee of one share, exact for exponent 1, rounded down beyond."""
    spread_e8 = price_e4 * (PRICE_ONE_E4 - price_e4)
    power_e8 = E8
    for _ in range(exponent):
        power_e8 = power_e8 * spread_e8 // E8
    return rate_e4 * power_e8


@cold
def taker_fee_e6(rate_e4: int, exponent: int, price_e4: int, size_e6: int) -> int:
    """Fee of one fill. Exact up to 36 million shares at rate 1."""
    per_share_e12 = fee_per_share_e12(rate_e4, exponent, price_e4)
    whole, part_e6 = size_e6 // ONE_E6, size_e6 % ONE_E6
    step_e12 = 10_000_000  # 0.00001
    steps, rest_e12 = per_share_e12 * whole // step_e12, per_share_e12 * whole % step_e12
    rest_e18 = rest_e12 * ONE_E6 + per_share_e12 * part_e6
    step_e18 = step_e12 * ONE_E6
    steps += (rest_e18 + step_e18 // 2) // step_e18
    return steps * FEE_STEP_E6


@cold
def market_fee_e6(params: Record, market: Record, price_e4: int, size_e6: int) -> int:
    """Fee of one fill under a lane's fee model."""
    if not params.charge_fees:
        return 0
    return taker_fee_e6(int(market.fee_rate_e4), int(market.fee_exponent), price_e4, size_e6)


@cold
def market_fee_per_share_e12(params: Record, market: Record, price_e4: int) -> int:
    if not params.charge_fees:
        return 0
    return fee_per_share_e12(int(market.fee_rate_e4), int(market.fee_exponent), price_e4)


@cold
def dearest_fee_e6(params: Record, market: Record, limit_e4: int) -> int:
    """Most that a BUY's fee can be for each share asked for at a limit, rounded up.

    A BUY spends dollars. Below its limit it gets more shares for them, and the fee of a dollar,
    rate x p^(exponent - 1) x (1 - p)^exponent, grows up to the rate itself (exponent 1 or more).
    """
    if not params.charge_fees:
        return 0
    return (limit_e4 * int(market.fee_rate_e4) + 99) // 100


@cold
def payout_e6(params: Record, gross_e6: int) -> int:
    """What a payout leaves under the seed's legacy model, rounded down; all of it otherwise."""
    return gross_e6 - (gross_e6 * int(params.payout_fee_e4) + PRICE_ONE_E4 - 1) // PRICE_ONE_E4
