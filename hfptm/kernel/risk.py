"""How much of a basket a lane may buy. Nothing is sent that did not pass here.

Checks in order: free cash, exposure of each market, exposure of the event, largest outlay of one plan. Exposure is
what was spent on shares still held plus what is promised to orders in flight, fees included.
"""

from hfptm.kernel.cash import cost_e6
from hfptm.kernel.detector import BINARY
from hfptm.kernel.fees import market_fee_per_share_e12
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.state import WALKED, State
from hfptm.records import Reason
from hfptm.units import ONE_E6


@cold
def leg_cost_e6(state: State, lane: int, position: int) -> int:
    """Most that one share of a walked leg can cost, fee included, rounded up."""
    leg = state.walk[position]
    market = state.markets[leg.market]
    fee_e12 = market_fee_per_share_e12(state.params[lane], market, int(leg.limit_e4))
    return cost_e6(int(leg.limit_e4), ONE_E6) + (fee_e12 + ONE_E6 - 1) // ONE_E6


@cold
def market_exposure_e6(state: State, lane: int, slot: int) -> int:
    held = state.positions[lane, slot]
    return int(held[0].cost_e6) + int(held[1].cost_e6) + int(state.reserved[lane, slot])


@cold
def event_exposure_e6(state: State, lane: int, group: int) -> int:
    total_e6 = 0
    for member in range(state.groups[group].members):
        total_e6 += market_exposure_e6(state, lane, int(state.members[group, member]))
    return total_e6


@cold
def cap(basket: Record, sets_e6: int, room_e6: int, unit_e6: int, reason: int) -> int:
    """No more sets than `room_e6` of cash buys at `unit_e6` a set; remembers which limit was the last to bind."""
    allowed_e6 = max(room_e6, 0) * ONE_E6 // unit_e6
    if allowed_e6 < sets_e6:
        basket.binding = reason
        return allowed_e6
    return sets_e6


@cold
def approve(state: State, lane: int, kind: int, subject: int, legs: int) -> int:
    """Sets of the basket in `state.walk` that may be bought; 0 if none, `basket.binding` then says why."""
    account, params, basket = state.lanes[lane], state.params[lane], state.basket[WALKED]
    basket.binding = 0
    unit_e6 = 0
    for position in range(legs):
        unit_e6 += leg_cost_e6(state, lane, position)
    sets_e6 = int(basket.sets_e6)
    free_e6 = int(account.cash_e6) - int(account.reserved_e6)
    sets_e6 = cap(basket, sets_e6, free_e6, unit_e6, Reason.NO_CASH.value)
    for position in range(legs):
        slot = int(state.walk[position].market)
        share_e6 = unit_e6 if kind == BINARY else leg_cost_e6(state, lane, position)
        room_e6 = int(params.max_market_e6) - market_exposure_e6(state, lane, slot)
        sets_e6 = cap(basket, sets_e6, room_e6, share_e6, Reason.MARKET_EXPOSURE.value)
    group = int(state.markets[subject].group) if kind == BINARY else subject
    if group >= 0:
        room_e6 = int(params.max_event_e6) - event_exposure_e6(state, lane, group)
        sets_e6 = cap(basket, sets_e6, room_e6, unit_e6, Reason.EVENT_EXPOSURE.value)
    return cap(basket, sets_e6, int(params.max_outlay_e6), unit_e6, Reason.SIZE_BELOW_MINIMUM.value)
