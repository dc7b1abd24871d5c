"""Price times size, and shares of a sum: every rounding names its direction."""

from hfptm.kernel.jit import cold
from hfptm.units import PRICE_ONE_E4


@cold
def cost_e6(price_e4: int, size_e6: int) -> int:
    """Cash for `size_e6` shares, rounded up: the most that a buyer pays."""
    return (price_e4 * size_e6 + PRICE_ONE_E4 - 1) // PRICE_ONE_E4


@cold
def proceeds_e6(price_e4: int, size_e6: int) -> int:
    """Cash for `size_e6` shares, rounded down: the least that a seller gets."""
    return price_e4 * size_e6 // PRICE_ONE_E4


@cold
def fill_cash_e6(price_e4: int, size_e6: int, is_buy: bool, is_maker: bool) -> int:
    """Cash of one fill, what a BUY pays or a SELL gets, before the fee.

    The contracts round the resting order's side against it, and the rest is the taker's: exact if
    the fill met one resting order (reference, section 4.3).
    """
    if is_buy == is_maker:
        return cost_e6(price_e4, size_e6)
    return proceeds_e6(price_e4, size_e6)


@cold
def affordable_e6(budget_e6: int, price_e4: int) -> int:
    """Shares that a budget buys, rounded down."""
    return budget_e6 * PRICE_ONE_E4 // price_e4


@cold
def portion_e6(total_e6: int, part_e6: int, whole_e6: int) -> int:
    """total x part / whole rounded down, for 0 <= part <= whole and whole < 2**61; 0 of nothing.

    The product may need 126 bits, so it is divided bit by bit.
    """
    if whole_e6 <= 0:
        return 0
    quotient, rest = total_e6 // whole_e6, total_e6 % whole_e6
    result, carry = 0, 0
    for bit in range(62, -1, -1):
        result, carry = 2 * result, 2 * carry
        if (part_e6 >> bit) & 1:
            result += quotient
            carry += rest
        result += carry // whole_e6
        carry %= whole_e6
    return result


@cold
def scaled_e6(per_share_e12: int, size_e6: int) -> int:
    """per_share x size rounded down, for per_share <= 64e12 and size <= `state.SETS_MAX_E6`."""
    high_e6, low_e12 = per_share_e12 // 1_000_000, per_share_e12 % 1_000_000
    return (high_e6 * size_e6 + low_e12 * size_e6 // 1_000_000) // 1_000_000
