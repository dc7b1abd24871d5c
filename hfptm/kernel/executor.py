"""A plan from its orders to its end: the only writer of intents.

    FREE -> WORKING    every leg's entry order is out, at once
         -> CLOSING    complete sets are merged or converted, or held; what has no partner is sold
         -> FREE

Order ids carry what they belong to: lane, plan, leg and try, so a report finds its leg without a table.
"""

from enum import IntEnum

from hfptm.kernel.cash import cost_e6, portion_e6, proceeds_e6
from hfptm.kernel.detector import BINARY, CENT_E6, NO_BASKET, YES
from hfptm.kernel.fees import market_fee_e6, payout_e6
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.risk import leg_cost_e6
from hfptm.kernel.state import State
from hfptm.records import LANE_SHIFT, EventKind, IntentKind, OrderType, Side
from hfptm.units import NO_BID_E4, ONE_E6, PRICE_ONE_E4

PLAN_SHIFT, LEG_SHIFT, TRY_MASK, LEG_MASK = 10, 2, 3, 255
WHOLE_PLAN = 255
"""Leg number of a merge or a conversion."""
UNWIND_TRIES_MAX = 3
BUY, SELL = Side.BID.value, Side.ASK.value


class Stage(IntEnum):
    FREE = 0
    WORKING = 1
    CLOSING = 2


@cold
def order_id(lane: int, plan: int, leg: int, attempt: int) -> int:
    return (lane << LANE_SHIFT) | (plan << PLAN_SHIFT) | (leg << LEG_SHIFT) | attempt


@cold
def lane_of(order: int) -> int:
    return order >> LANE_SHIFT


@cold
def plan_of(order: int) -> int:
    return (order & ((1 << LANE_SHIFT) - 1)) >> PLAN_SHIFT


@cold
def leg_of(order: int) -> int:
    return (order >> LEG_SHIFT) & LEG_MASK


@cold
def plan_slot(state: State, plan: int) -> int:
    return plan % state.plans.shape[1]


@cold
def has_room(state: State, lane: int) -> bool:
    """Whether the next plan's slot is free."""
    slot = plan_slot(state, int(state.lanes[lane].plans) + 1)
    return bool(state.plans[lane, slot].stage == Stage.FREE)


@cold
def write_intent(
    state: State, lane: int, order: int, kind: int, market: int, size_e6: int
) -> Record:
    intent = state.intents[state.outbox[0].intents]
    state.outbox[0].intents += 1
    intent.ts_ns = state.counters[0].now_ns
    intent.order = order
    intent.plan = plan_of(order)
    intent.market = market
    intent.size_e6 = size_e6
    intent.price_e4 = 0
    intent.lane = lane
    intent.leg = leg_of(order)
    intent.basket = state.plans[lane, plan_slot(state, plan_of(order))].kind
    intent.kind = kind
    intent.side = BUY
    intent.token = YES
    intent.order_type = 0
    return intent


@cold
def observe(
    state: State, lane: int, decision: int, basket: int, legs: int, sets_e6: int
) -> None:
    """Ask, for every leg in `state.walk`, whether it would still be there when orders arrive."""
    for position in range(legs):
        leg = state.walk[position]
        kind = IntentKind.OBSERVE.value
        intent = write_intent(state, lane, decision, kind, int(leg.market), sets_e6)
        intent.plan = 0
        intent.leg = position
        intent.basket = basket
        intent.token = leg.token
        intent.price_e4 = leg.limit_e4


@cold
def open_plan(state: State, lane: int, kind: int, subject: int, legs: int, sets_e6: int) -> int:
    """Send one immediate BUY a leg of the basket in `state.walk`; the plan's serial."""
    account = state.lanes[lane]
    account.plans += 1
    serial = int(account.plans)
    slot = plan_slot(state, serial)
    plan = state.plans[lane, slot]
    plan.plan = serial
    plan.sets_e6 = sets_e6
    plan.subject = subject
    plan.legs = legs
    plan.open_orders = legs
    plan.kind = kind
    plan.stage = Stage.WORKING
    for position in range(legs):
        enter_leg(state, lane, serial, position, sets_e6)
    return serial


@cold
def enter_leg(state: State, lane: int, serial: int, position: int, sets_e6: int) -> None:
    walked = state.walk[position]
    leg = state.legs[lane, plan_slot(state, serial), position]
    leg.market = walked.market
    leg.token = walked.token
    leg.limit_e4 = walked.limit_e4
    leg.filled_e6 = leg.cost_e6 = 0
    leg.whole_e6 = leg.whole_cost_e6 = 0
    leg.tries = 0
    leg.reserved_e6 = leg_cost_e6(state, lane, position) * sets_e6 // ONE_E6 + 1
    reserve(state, lane, int(leg.market), int(leg.reserved_e6))
    order = order_id(lane, serial, position, 0)
    kind = IntentKind.PLACE.value
    intent = write_intent(state, lane, order, kind, int(leg.market), sets_e6)
    intent.token = leg.token
    intent.price_e4 = leg.limit_e4
    intent.order_type = OrderType.FAK


@cold
def reserve(state: State, lane: int, slot: int, cash_e6: int) -> None:
    state.lanes[lane].reserved_e6 += cash_e6
    state.reserved[lane, slot] += cash_e6


@cold
def on_report(state: State, row: Record) -> None:
    """Apply one execution report. Reports of plans that are over change nothing but a counter."""
    order = int(row.aux)
    lane, serial = lane_of(order), plan_of(order)
    if lane >= len(state.lanes):
        state.counters[0].unused_rows += 1
        return
    plan = state.plans[lane, plan_slot(state, serial)]
    if plan.stage == Stage.FREE or plan.plan != serial:
        state.counters[0].unused_rows += 1
        return
    if row.kind == EventKind.FILL:
        on_fill(state, lane, plan, row)
    elif row.kind == EventKind.SETTLED:
        settle(state, lane, plan, int(row.size_e6))
        close_order(state, lane, plan)
    elif row.kind == EventKind.DONE or row.kind == EventKind.REJECT:
        on_order_over(state, lane, plan, row)


@cold
def on_fill(state: State, lane: int, plan: Record, row: Record) -> None:
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), leg_of(int(row.aux))]
    account, params = state.lanes[lane], state.params[lane]
    position = state.positions[lane, leg.market, leg.token]
    price_e4, size_e6 = int(row.price_e4), int(row.size_e6)
    fee_e6 = market_fee_e6(params, state.markets[leg.market], price_e4, size_e6)
    account.fills += 1
    account.fees_e6 += fee_e6
    if row.side == BUY:
        paid_e6 = cost_e6(price_e4, size_e6) + fee_e6
        account.cash_e6 -= paid_e6
        leg.filled_e6 += size_e6
        leg.cost_e6 += paid_e6
        position.size_e6 += size_e6
        position.cost_e6 += paid_e6
    else:
        received_e6 = proceeds_e6(price_e4, size_e6) - fee_e6
        result_e6 = received_e6 - give_up(state, lane, leg, size_e6)
        account.cash_e6 += received_e6
        account.realised_e6 += result_e6
        account.unwind_result_e6 += result_e6
    payout_e4 = int(state.markets[leg.market].payout_e4)
    if payout_e4 >= 0:  # resolved between the match and its report
        redeem(state, int(leg.market), payout_e4)


@cold
def give_up(state: State, lane: int, leg: Record, size_e6: int) -> int:
    """Take shares out of a leg and its position; their cost, in proportion, rounded down."""
    basis_e6 = portion_e6(int(leg.cost_e6), size_e6, int(leg.filled_e6))
    position = state.positions[lane, leg.market, leg.token]
    leg.filled_e6 -= size_e6
    leg.cost_e6 -= basis_e6
    position.size_e6 -= size_e6
    position.cost_e6 -= basis_e6
    return basis_e6


@cold
def on_order_over(state: State, lane: int, plan: Record, row: Record) -> None:
    position = leg_of(int(row.aux))
    if row.kind == EventKind.REJECT:
        state.lanes[lane].rejects += 1
    if position < plan.legs:
        leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
        if row.aux & TRY_MASK == 0:
            reserve(state, lane, int(leg.market), -int(leg.reserved_e6))
            leg.reserved_e6 = 0
        else:
            unwind(state, lane, plan, position)
    close_order(state, lane, plan)


@cold
def close_order(state: State, lane: int, plan: Record) -> None:
    """One order less is out; after the last, the plan goes on to its next stage."""
    plan.open_orders -= 1
    if plan.open_orders > 0:
        return
    if plan.stage == Stage.WORKING:
        plan.stage = Stage.CLOSING
        count_result(state, lane, plan)
        use_sets(state, lane, plan)
        for position in range(plan.legs):
            unwind(state, lane, plan, position)
    if plan.open_orders == 0:
        plan.stage = Stage.FREE


@cold
def count_result(state: State, lane: int, plan: Record) -> None:
    account = state.lanes[lane]
    filled, whole = 0, 0
    for position in range(plan.legs):
        held_e6 = state.legs[lane, plan_slot(state, int(plan.plan)), position].filled_e6
        filled += 1 if held_e6 > 0 else 0
        whole += 1 if held_e6 >= plan.sets_e6 else 0
    if whole == plan.legs:
        account.completed += 1
    elif filled > 0:
        account.partial += 1
    else:
        account.missed += 1


@cold
def use_sets(state: State, lane: int, plan: Record) -> None:
    """Merge or convert the sets that every leg filled, or hold them until resolution."""
    slot = plan_slot(state, int(plan.plan))
    whole_e6 = int(state.legs[lane, slot, 0].filled_e6)
    for position in range(1, plan.legs):
        whole_e6 = min(whole_e6, int(state.legs[lane, slot, position].filled_e6))
    if whole_e6 <= 0:
        return
    for position in range(plan.legs):
        set_aside(state.legs[lane, slot, position], whole_e6)
    order = order_id(lane, int(plan.plan), WHOLE_PLAN, 0)
    if plan.kind == BINARY:
        write_intent(state, lane, order, IntentKind.MERGE.value, int(plan.subject), whole_e6)
        plan.open_orders += 1
    elif plan.kind == NO_BASKET and state.groups[plan.subject].convertible:
        write_intent(state, lane, order, IntentKind.CONVERT.value, int(plan.subject), whole_e6)
        plan.open_orders += 1
    else:
        hold(state, lane, plan, whole_e6)


@cold
def set_aside(leg: Record, whole_e6: int) -> None:
    basis_e6 = portion_e6(int(leg.cost_e6), whole_e6, int(leg.filled_e6))
    leg.filled_e6 -= whole_e6
    leg.cost_e6 -= basis_e6
    leg.whole_e6 = whole_e6
    leg.whole_cost_e6 = basis_e6


@cold
def winners(plan: Record) -> int:
    """Legs of a set that pay, at least."""
    return int(plan.legs) - 1 if plan.kind == NO_BASKET else 1


@cold
def hold(state: State, lane: int, plan: Record, whole_e6: int) -> None:
    account, slot = state.lanes[lane], plan_slot(state, int(plan.plan))
    for position in range(plan.legs):
        leg = state.legs[lane, slot, position]
        held = state.positions[lane, leg.market, leg.token]
        held.locked_size_e6 += leg.whole_e6
        held.locked_cost_e6 += leg.whole_cost_e6
        account.locked_e6 += leg.whole_cost_e6
    account.locked_payout_e6 += payout_e6(state.params[lane], winners(plan) * whole_e6)


@cold
def settle(state: State, lane: int, plan: Record, sets_e6: int) -> None:
    """Complete sets became collateral; a conversion also gives the YES of every outcome left out.

    Sets of which a leg's market resolved meanwhile were paid by `redeem` and are left alone.
    """
    account, slot = state.lanes[lane], plan_slot(state, int(plan.plan))
    for position in range(plan.legs):
        if state.legs[lane, slot, position].whole_e6 != sets_e6:
            return
    received_e6 = payout_e6(state.params[lane], winners(plan) * sets_e6)
    account.cash_e6 += received_e6
    account.realised_e6 += received_e6
    for position in range(plan.legs):
        leg = state.legs[lane, slot, position]
        held = state.positions[lane, leg.market, leg.token]
        held.size_e6 -= sets_e6
        held.cost_e6 -= leg.whole_cost_e6
        account.realised_e6 -= leg.whole_cost_e6
    if plan.kind == NO_BASKET:
        credit_left_out(state, lane, plan, sets_e6)


@cold
def credit_left_out(state: State, lane: int, plan: Record, sets_e6: int) -> None:
    for member in range(state.groups[plan.subject].members):
        slot = int(state.members[plan.subject, member])
        used = False
        for position in range(plan.legs):
            leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
            used = used or leg.market == slot
        if not used:
            state.positions[lane, slot, YES].size_e6 += sets_e6


@cold
def unwind(state: State, lane: int, plan: Record, position: int) -> None:
    """Sell what a leg holds without partners at its best bid; carried if there is none or tries ran out."""
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
    market = state.markets[leg.market]
    size_e6 = int(leg.filled_e6) // CENT_E6 * CENT_E6
    bid_e4 = int(market.best_bid_e4) if leg.token == YES else PRICE_ONE_E4 - int(market.best_ask_e4)
    if size_e6 <= 0 or bid_e4 == NO_BID_E4 or not market.open or leg.tries == UNWIND_TRIES_MAX:
        return
    leg.tries += 1
    state.lanes[lane].unwinds += 1
    plan.open_orders += 1
    order = order_id(lane, int(plan.plan), position, int(leg.tries))
    kind = IntentKind.PLACE.value
    intent = write_intent(state, lane, order, kind, int(leg.market), size_e6)
    intent.side = SELL
    intent.token = leg.token
    intent.price_e4 = bid_e4
    intent.order_type = OrderType.FAK


@cold
def redeem(state: State, slot: int, payout_yes_e4: int) -> None:
    """A market resolved: pay what every lane holds in it, and take it out of its plans."""
    for lane in range(len(state.lanes)):
        account, params = state.lanes[lane], state.params[lane]
        for token in range(2):
            held = state.positions[lane, slot, token]
            share_e4 = payout_yes_e4 if token == YES else PRICE_ONE_E4 - payout_yes_e4
            received_e6 = payout_e6(params, proceeds_e6(share_e4, int(held.size_e6)))
            locked_e6 = payout_e6(params, proceeds_e6(share_e4, int(held.locked_size_e6)))
            account.cash_e6 += received_e6
            account.realised_e6 += received_e6 - int(held.cost_e6)
            account.locked_e6 -= held.locked_cost_e6
            account.locked_payout_e6 = max(0, int(account.locked_payout_e6) - locked_e6)
            held.size_e6 = held.cost_e6 = 0
            held.locked_size_e6 = held.locked_cost_e6 = 0
        for plan_position in range(state.plans.shape[1]):
            plan = state.plans[lane, plan_position]
            if plan.stage != Stage.FREE:
                forget_legs(state, lane, plan, slot)


@cold
def forget_legs(state: State, lane: int, plan: Record, slot: int) -> None:
    for position in range(plan.legs):
        leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
        if leg.market == slot:
            leg.filled_e6 = leg.cost_e6 = 0
            leg.whole_e6 = leg.whole_cost_e6 = 0
