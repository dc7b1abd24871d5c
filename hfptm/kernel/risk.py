"""How much of a basket a lane may buy. Nothing is sent that did not pass here.

Checks in order, after those of `kernel.gates`: free cash, exposure of each market, of the event
and in total, largest outlay of one plan. Exposure is what was spent on shares still held plus
the most that orders in flight can cost, fees included. An order in flight that is partly filled
counts twice until it is over.
"""

from hfptm.kernel.cash import cost_e6
from hfptm.kernel.detector import BINARY
from hfptm.kernel.fees import dearest_fee_e6
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.sizing import most_outlay_e6
from hfptm.kernel.state import WALKED, State
from hfptm.opportunities import Reason
from hfptm.units import ONE_E6

ROUNDING_E6 = 1_000
"""Kept back an order for the rounding of its fees: half of 0.00001 a fill, up to 200 fills."""

ROOM_MAX_E6 = 9_000_000 * ONE_E6
"""More room than nine million dollars is not told apart: its product would leave 64 bits."""


@cold
def refuse(basket: Record, reason: int, limit: int, value: int) -> int:
    """Note a refusal with its numbers; returns its Reason."""
    basket.binding, basket.limit, basket.value = reason, limit, value
    return reason


@cold
def share_cost_e6(state: State, lane: int, slot: int, limit_e4: int) -> int:
    """Most that one share asked for at a limit can cost, fee included, rounded up."""
    dearest_e6 = dearest_fee_e6(state.params[lane], state.markets[slot], limit_e4)
    return cost_e6(limit_e4, ONE_E6) + dearest_e6


@cold
def most_cost_e6(share_e6: int, size_e6: int) -> int:
    """Most that an order can cost at `share_cost_e6` a share."""
    return share_e6 * size_e6 // ONE_E6 + 1 + ROUNDING_E6


@cold
def leg_cost_e6(state: State, lane: int, position: int) -> int:
    """`share_cost_e6` of a walked leg."""
    leg = state.walk[position]
    return share_cost_e6(state, lane, int(leg.market), int(leg.limit_e4))


@cold
def spoken_for_e6(account: Record) -> int:
    """Cash that is promised to orders, or came from sales that may be taken back."""
    return int(account.reserved_e6) + int(account.unsettled_gain_e6)


@cold
def has_room(state: State, lane: int, slot: int, more_e6: int, all_e6: int) -> bool:
    """Whether a market may cost `more_e6` more, and everything `all_e6` more: its event too."""
    account, params = state.lanes[lane], state.params[lane]
    group = int(state.markets[slot].group)
    if group >= 0:
        event_e6 = event_exposure_e6(state, lane, group)
    else:
        event_e6 = market_exposure_e6(state, lane, slot)
    return bool(
        all_e6 <= account.cash_e6 - spoken_for_e6(account)
        and market_exposure_e6(state, lane, slot) + more_e6 <= params.max_market_e6
        and event_e6 + all_e6 <= params.max_event_e6
        and total_exposure_e6(state, lane) + all_e6 <= params.max_total_e6
    )


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
def total_exposure_e6(state: State, lane: int) -> int:
    """Cost of all that is held, and what is promised: what is held cost what cash lacks."""
    account = state.lanes[lane]
    paid_e6 = int(state.params[lane].bankroll_e6) + int(account.realised_e6)
    return paid_e6 - int(account.cash_e6) + int(account.reserved_e6)


@cold
def cap(
    basket: Record, sets_e6: int, limit_e6: int, used_e6: int, unit_e6: int, reason: int
) -> int:
    """No more sets than what is left of a limit buys at `unit_e6` a set; notes the last to bind."""
    allowed_e6 = min(max(limit_e6 - used_e6, 0), ROOM_MAX_E6) * ONE_E6 // unit_e6
    if allowed_e6 < sets_e6:
        basket.binding, basket.limit, basket.value = reason, limit_e6, used_e6
        return allowed_e6
    return sets_e6


@cold
def approve(state: State, lane: int, kind: int, subject: int, legs: int) -> int:
    """Sets of the basket in `state.walk` that may be bought.

    `basket.binding` is the Reason of the tightest limit, 0 if none made it smaller.
    """
    account, params, basket = state.lanes[lane], state.params[lane], state.basket[WALKED]
    basket.binding = 0
    unit_e6 = 0
    for position in range(legs):
        unit_e6 += leg_cost_e6(state, lane, position)
    slack_e6 = legs * (1 + ROUNDING_E6)
    sets_e6 = int(basket.sets_e6)
    cash_e6, used_e6 = int(account.cash_e6), spoken_for_e6(account) + slack_e6
    sets_e6 = cap(basket, sets_e6, cash_e6, used_e6, unit_e6, Reason.NO_CASH.value)
    for position in range(legs):
        slot = int(state.walk[position].market)
        share_e6 = unit_e6 if kind == BINARY else leg_cost_e6(state, lane, position)
        limit_e6, used_e6 = int(params.max_market_e6), market_exposure_e6(state, lane, slot)
        used_e6 += slack_e6
        sets_e6 = cap(basket, sets_e6, limit_e6, used_e6, share_e6, Reason.MARKET_EXPOSURE.value)
    group = int(state.markets[subject].group) if kind == BINARY else subject
    if group >= 0:
        held_e6 = event_exposure_e6(state, lane, group)
    else:
        held_e6 = market_exposure_e6(state, lane, subject)
    limit_e6, used_e6 = int(params.max_event_e6), held_e6 + slack_e6
    sets_e6 = cap(basket, sets_e6, limit_e6, used_e6, unit_e6, Reason.EVENT_EXPOSURE.value)
    limit_e6, used_e6 = int(params.max_total_e6), total_exposure_e6(state, lane) + slack_e6
    sets_e6 = cap(basket, sets_e6, limit_e6, used_e6, unit_e6, Reason.TOTAL_EXPOSURE.value)
    limit_e6 = most_outlay_e6(state, lane, legs)
    return cap(basket, sets_e6, limit_e6, slack_e6, unit_e6, Reason.SIZE_BELOW_MINIMUM.value)
