"""Sizes and prices of single orders that the exchange accepts (reference, section 3.4)."""

from hfptm.kernel.jit import Record, cold
from hfptm.kernel.state import State
from hfptm.records import LegPolicy, OrderType, Token
from hfptm.units import NO_ASK_E4, NO_BID_E4, ONE_E6, PRICE_ONE_E4

YES = Token.YES.value

CENT_E6 = 10_000
"""An immediate BUY must spend whole cents; shares come in hundredths."""


@cold
def entry_type(leg_policy: int) -> int:
    """Order type by which a policy takes what is there."""
    if leg_policy == LegPolicy.FAK:
        return OrderType.FAK.value
    if leg_policy == LegPolicy.FOK:
        return OrderType.FOK.value
    return OrderType.GTC.value


@cold
def spends_dollars(order_type: int) -> bool:
    """Whether a BUY names the dollars it spends, not the shares it wants."""
    return bool(order_type == OrderType.FAK or order_type == OrderType.FOK)


@cold
def lot_e6(order_type: int, price_e4: int) -> int:
    """Shares between two sizes that a BUY may ask for at a price."""
    if not spends_dollars(order_type):
        return CENT_E6
    return PRICE_ONE_E4 // greatest_divisor(price_e4, PRICE_ONE_E4) * CENT_E6  # whole cents


@cold
def least_e6(state: State, slot: int, order_type: int, price_e4: int) -> int:
    """Fewest shares that a BUY may ask for: a dollar's worth, or the market's own least size."""
    if not spends_dollars(order_type):
        return int(state.markets[slot].min_size_e6)
    return (ONE_E6 * PRICE_ONE_E4 + price_e4 - 1) // price_e4


@cold
def greatest_divisor(a: int, b: int) -> int:
    while b > 0:
        a, b = b, a % b
    return a


@cold
def orderable_e6(state: State, leg: Record, price_e4: int, size_e6: int) -> int:
    """Most shares up to `size_e6` that a BUY of the leg's order type may ask for, 0 if none."""
    order_type = int(leg.order_type)
    lot = lot_e6(order_type, price_e4)
    whole_e6 = size_e6 // lot * lot
    return whole_e6 if whole_e6 >= least_e6(state, int(leg.market), order_type, price_e4) else 0


@cold
def ask_e4(state: State, leg: Record) -> int:
    """Best ask of the leg's own token; `NO_ASK_E4` if there is none, or no book is known."""
    market = state.markets[leg.market]
    if not market.open or not market.valid:
        return NO_ASK_E4
    return int(market.best_ask_e4) if leg.token == YES else PRICE_ONE_E4 - int(market.best_bid_e4)


@cold
def bid_e4(state: State, leg: Record) -> int:
    """Best bid of the leg's own token; `NO_BID_E4` if there is none, or no book is known."""
    market = state.markets[leg.market]
    if not market.open or not market.valid:
        return NO_BID_E4
    return int(market.best_bid_e4) if leg.token == YES else PRICE_ONE_E4 - int(market.best_ask_e4)


@cold
def offered_e6(state: State, slot: int, token: int) -> int:
    """Shares at the best ask of a token, which are bids for its opposite."""
    market = state.markets[slot]
    if not market.valid:
        return 0
    if token == YES:
        if market.best_ask_e4 == NO_ASK_E4:
            return 0
        index = int(market.count) + int(market.best_ask_e4) // int(market.tick_e4)
    else:
        index = int(market.best_bid_e4) // int(market.tick_e4)
    return int(state.levels[market.offset + index])


@cold
def least_leg(state: State, legs: int) -> int:
    """Position in `state.walk` of the leg with the fewest shares at its best price."""
    least, least_e6 = 0, -1
    for position in range(legs):
        walked = state.walk[position]
        there_e6 = offered_e6(state, int(walked.market), int(walked.token))
        if least_e6 < 0 or there_e6 < least_e6:
            least, least_e6 = position, there_e6
    return least


@cold
def resting_price_e4(state: State, leg: Record) -> int:
    """A tick below the best ask of the leg's token; 0 if no price is left there."""
    price_e4 = ask_e4(state, leg) - int(state.markets[leg.market].tick_e4)
    return max(0, price_e4)
