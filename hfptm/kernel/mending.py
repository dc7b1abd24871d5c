"""What becomes of legs that were not filled alike: completed, sold, or left for a while.

Each way is worth a sum, in dollars from now on, after fees:

    complete    what the complete sets pay, less what the missing shares cost at their best asks
    sell        what each leg's shares bring at their best bid
    leave       p^2 a share, p the middle of bid and ask (the bid, where there is no ask)

An unpaired share is a bet of mean p and variance p (1 - p). All of its variance is charged for the
risk of holding it, the certainty equivalent of a utility with risk aversion 2 a dollar (Pratt,
Risk Aversion in the Small and in the Large, Econometrica 1964): so it is left only where the bid
lies far below the middle. What was left too long (`risk.position_timeout_h`) is sold at any bid.

Selling is the cheapest way out of one market: buying the other token at its ask and merging is the
same book, p against 1 - p, at the same fee. In a basket of several markets the other legs' books
differ, and completing is that other way out.
"""

from hfptm.kernel.cash import cost_e6, proceeds_e6
from hfptm.kernel.detector import BINARY
from hfptm.kernel.fees import market_fee_e6
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.orders import BUY, SELL, can_rest, place, release, reserve
from hfptm.kernel.plans import TRIES_MAX, order_id
from hfptm.kernel.risk import has_room, most_cost_e6, share_cost_e6
from hfptm.kernel.running import plan_slot
from hfptm.kernel.settlement import set_payout_e6
from hfptm.kernel.sizes import CENT_E6, ask_e4, bid_e4, entry_type, offered_e6, orderable_e6
from hfptm.kernel.state import State
from hfptm.kernel.wake import expect
from hfptm.records import LegPolicy, OrderType
from hfptm.units import NO_ASK_E4, NO_BID_E4, PRICE_ONE_E4


@cold
def mend(state: State, lane: int, plan: Record) -> None:
    """Send what is worth most for the legs without partners; nothing of the plan is out."""
    slot = plan_slot(state, int(plan.plan))
    target_e6, apart_e6 = 0, 0
    for position in range(plan.legs):
        leg = state.legs[lane, slot, position]
        target_e6 = max(target_e6, int(leg.filled_e6))
        apart_e6 += apart_value_e6(state, lane, leg)
    if target_e6 < CENT_E6:
        return
    if plan.kind != BINARY and can_complete(state, lane, plan, target_e6):
        whole_e6 = set_payout_e6(state, lane, plan, target_e6)
        if whole_e6 - completion_cost_e6(state, lane, plan, target_e6) > apart_e6:
            complete(state, lane, plan, target_e6)
            return
    for position in range(plan.legs):
        unwind(state, lane, plan, position)


@cold
def sale_e6(state: State, lane: int, leg: Record, size_e6: int) -> int:
    """What shares of a leg bring at their best bid, after fees."""
    price_e4 = bid_e4(state, leg)
    fee_e6 = market_fee_e6(state.params[lane], state.markets[leg.market], price_e4, size_e6)
    return proceeds_e6(price_e4, size_e6) - fee_e6


@cold
def leaving_e6(state: State, leg: Record, size_e6: int) -> int:
    """What shares are worth to somebody who keeps them."""
    low_e4, high_e4 = bid_e4(state, leg), ask_e4(state, leg)
    twice_e4 = 2 * low_e4 if high_e4 == NO_ASK_E4 else low_e4 + high_e4
    share_e4 = twice_e4 * twice_e4 // (4 * PRICE_ONE_E4)
    return proceeds_e6(share_e4, size_e6)


@cold
def is_sellable(state: State, leg: Record) -> bool:
    return bool(
        leg.filled_e6 >= CENT_E6 and leg.tries < TRIES_MAX and bid_e4(state, leg) > NO_BID_E4
    )


@cold
def is_sold(state: State, lane: int, leg: Record) -> bool:
    """Whether selling what a leg has is possible, and worth more than leaving it."""
    if not is_sellable(state, leg):
        return False
    size_e6 = int(leg.filled_e6)
    if leg.overdue:
        return True
    return sale_e6(state, lane, leg, size_e6) >= leaving_e6(state, leg, size_e6)


@cold
def apart_value_e6(state: State, lane: int, leg: Record) -> int:
    size_e6 = int(leg.filled_e6)
    if is_sold(state, lane, leg):
        return sale_e6(state, lane, leg, size_e6)
    return leaving_e6(state, leg, size_e6)


@cold
def lacking_e6(state: State, lane: int, leg: Record, target_e6: int) -> int:
    """Shares that an order may buy towards `target_e6`, 0 if none."""
    leg.order_type = completing_type(int(state.params[lane].leg_policy))
    return orderable_e6(state, leg, ask_e4(state, leg), target_e6 - int(leg.filled_e6))


@cold
def completing_type(leg_policy: int) -> int:
    """Whoever completes takes what is there, also under FOK."""
    if leg_policy == LegPolicy.FOK:
        return OrderType.FAK.value
    return entry_type(leg_policy)


@cold
def can_complete(state: State, lane: int, plan: Record, target_e6: int) -> bool:
    """Whether every leg that lacks shares finds them near its limit, within what is allowed."""
    slot, params, total_e6 = plan_slot(state, int(plan.plan)), state.params[lane], 0
    for position in range(plan.legs):
        leg = state.legs[lane, slot, position]
        if target_e6 - int(leg.filled_e6) < CENT_E6:
            continue
        price_e4 = ask_e4(state, leg)
        if price_e4 == NO_ASK_E4 or price_e4 > leg.limit_e4 + params.slippage_e4:
            return False
        size_e6 = lacking_e6(state, lane, leg, target_e6)
        there_e6 = offered_e6(state, int(leg.market), int(leg.token))
        if leg.tries >= TRIES_MAX or size_e6 == 0 or size_e6 > there_e6:
            return False
        share_e6 = share_cost_e6(state, lane, int(leg.market), price_e4)
        promised_e6 = most_cost_e6(share_e6, size_e6)
        total_e6 += promised_e6
        if not has_room(state, lane, int(leg.market), promised_e6, total_e6):
            return False
    return total_e6 > 0


@cold
def completion_cost_e6(state: State, lane: int, plan: Record, target_e6: int) -> int:
    """What the missing shares cost, and what sets lack that no order can bring."""
    slot, total_e6, short_e6 = plan_slot(state, int(plan.plan)), 0, 0
    for position in range(plan.legs):
        leg = state.legs[lane, slot, position]
        missing_e6 = target_e6 - int(leg.filled_e6)
        if missing_e6 < CENT_E6:
            continue
        price_e4, size_e6 = ask_e4(state, leg), lacking_e6(state, lane, leg, target_e6)
        market = state.markets[leg.market]
        fee_e6 = market_fee_e6(state.params[lane], market, price_e4, size_e6)
        total_e6 += cost_e6(price_e4, size_e6) + fee_e6
        short_e6 = max(short_e6, missing_e6 - size_e6)
    return total_e6 + set_payout_e6(state, lane, plan, short_e6)


@cold
def complete(state: State, lane: int, plan: Record, target_e6: int) -> None:
    """Buy what every leg lacks at its best ask."""
    slot = plan_slot(state, int(plan.plan))
    for position in range(plan.legs):
        leg = state.legs[lane, slot, position]
        if target_e6 - int(leg.filled_e6) < CENT_E6:
            continue
        price_e4, size_e6 = ask_e4(state, leg), lacking_e6(state, lane, leg, target_e6)
        share_e6 = share_cost_e6(state, lane, int(leg.market), price_e4)
        leg.reserved_e6 = most_cost_e6(share_e6, size_e6)
        reserve(state, lane, int(leg.market), int(leg.reserved_e6))
        leg.tries += 1
        order = order_id(lane, int(plan.plan), position, int(leg.tries))
        if not place(state, order, leg, BUY, size_e6, price_e4):
            leg.tries -= 1
            release(state, lane, leg)
            continue
        state.lanes[lane].completions += 1
        if can_rest(leg):
            expect(state, lane, plan, int(state.params[lane].leg_timeout_ns))


@cold
def unwind(state: State, lane: int, plan: Record, position: int) -> None:
    """Sell what a leg holds without partners at its best bid, unless it is better left."""
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
    if not is_sold(state, lane, leg):
        return
    size_e6 = int(leg.filled_e6) // CENT_E6 * CENT_E6
    leg.order_type = OrderType.FAK
    leg.tries += 1
    order = order_id(lane, int(plan.plan), position, int(leg.tries))
    if place(state, order, leg, SELL, size_e6, bid_e4(state, leg)):
        state.lanes[lane].unwinds += 1
    else:
        leg.tries -= 1
