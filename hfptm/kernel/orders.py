"""Intents: the only place that writes them, and the plan slots they come from.

What is drafted here leaves through `order_gate.send`, or not at all.
"""

from hfptm.kernel.jit import Record, cold
from hfptm.kernel.order_gate import send
from hfptm.kernel.plans import LegStatus, lane_of, leg_of, plan_of
from hfptm.kernel.running import plan_slot
from hfptm.kernel.state import State
from hfptm.records import IntentKind, OrderType, Side, Token
from hfptm.units import PRICE_ONE_E4

BUY, SELL = Side.BID.value, Side.ASK.value
YES = Token.YES.value


@cold
def next_plan(state: State, lane: int) -> int:
    """The lowest serial not used yet whose slot is free; 0 if every slot is taken."""
    last = int(state.lanes[lane].plan_serial)
    for serial in range(last + 1, last + 1 + state.plans.shape[1]):
        if state.running[lane, plan_slot(state, serial)] == 0:
            return serial
    return 0


@cold
def draft(state: State, lane: int, order: int, kind: int, market: int, size_e6: int) -> Record:
    """The next intent, not let out yet: of the order's plan, a BUY of YES without a price.

    The loops made sure of the room (`step.has_room`).
    """
    intent = state.intents[state.outbox[0].intents]
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
def place(state: State, order: int, leg: Record, side: int, size_e6: int, price_e4: int) -> bool:
    """Send an order of the leg's own type for its token; False if it was held back.

    The leg has none out. What a BUY may cost was reserved before.
    """
    lane = lane_of(order)
    kind = IntentKind.PLACE.value
    intent = draft(state, lane, order, kind, int(leg.market), size_e6)
    intent.side = side
    intent.token = leg.token
    intent.price_e4 = price_e4
    intent.order_type = leg.order_type
    if send(state, intent) != 0:
        return False
    leg.status = LegStatus.SENT
    leg.left_e6 = price_e4 * size_e6 // PRICE_ONE_E4 if spends_dollars(leg, side) else size_e6
    state.plans[lane, plan_slot(state, plan_of(order))].open_orders += 1
    return True


@cold
def spends_dollars(leg: Record, side: int) -> bool:
    """An immediate BUY spends dollars, however many shares they buy; all others count shares."""
    immediate = leg.order_type == OrderType.FAK or leg.order_type == OrderType.FOK
    return bool(side == BUY and immediate)


@cold
def can_rest(leg: Record) -> bool:
    return bool(leg.order_type == OrderType.GTC or leg.order_type == OrderType.POST_ONLY)


@cold
def cancel(state: State, order: int, leg: Record) -> None:
    """Ask for the end of a resting order. It is over when its DONE says so, not before."""
    kind = IntentKind.CANCEL.value
    intent = draft(state, lane_of(order), order, kind, int(leg.market), 0)
    intent.token = leg.token
    intent.order_type = leg.order_type
    send(state, intent)


@cold
def observe(state: State, lane: int, decision: int, basket: int, legs: int, sets_e6: int) -> None:
    """Ask, for every leg in `state.walk`, whether it would still be there when orders arrive."""
    for position in range(legs):
        leg = state.walk[position]
        kind = IntentKind.OBSERVE.value
        intent = draft(state, lane, decision, kind, int(leg.market), sets_e6)
        state.outbox[0].intents += 1  # it goes nowhere
        intent.plan = 0
        intent.leg = position
        intent.basket = basket
        intent.token = leg.token
        intent.price_e4 = leg.limit_e4


@cold
def reserve(state: State, lane: int, slot: int, cash_e6: int) -> None:
    """Promise cash to an order in flight, or with a negative amount give it back."""
    state.lanes[lane].reserved_e6 += cash_e6
    state.reserved[lane, slot] += cash_e6


@cold
def release(state: State, lane: int, leg: Record) -> None:
    """Give back what a leg's order was promised: it is over, or will not be sent."""
    reserve(state, lane, int(leg.market), -int(leg.reserved_e6))
    leg.reserved_e6 = 0
