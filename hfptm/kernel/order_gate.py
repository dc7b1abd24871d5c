"""What every message passes before it leaves, closing or not: the only place that lets one out.

`orders.draft` writes the next intent; `send` counts it, or leaves it out and journals why. Looked
at in this order: a human's halt; the budget of orders; whether the market is open and seen; the
price; that a sale sells what is there; that a purchase was promised its cash and, with that, passes
no limit. A cancellation always leaves. A merge or a conversion is stopped by a halt alone.
"""

from hfptm.kernel.jit import Record, cold
from hfptm.kernel.pace import has_budget, orders_spent, spend_order
from hfptm.kernel.plans import WHOLE_PLAN, try_of
from hfptm.kernel.risk import (
    event_exposure_e6,
    market_exposure_e6,
    most_cost_e6,
    refuse,
    share_cost_e6,
    spoken_for_e6,
    total_exposure_e6,
)
from hfptm.kernel.running import next_running
from hfptm.kernel.state import WALKED, State
from hfptm.opportunities import Phase, Reason
from hfptm.records import IntentKind, Side, Token
from hfptm.units import PRICE_ONE_E4

BUY, SELL = Side.BID.value, Side.ASK.value
PLACE, CANCEL = IntentKind.PLACE.value, IntentKind.CANCEL.value


@cold
def send(state: State, intent: Record) -> int:
    """Let the drafted intent out, or journal the first Reason against it; 0 if it left.

    A refusal is journalled when its reason changes, not at every further try.
    """
    reason = may_send(state, intent)
    if before(state, intent, reason) != reason and reason != 0:
        write_refusal(state, intent, reason)
    if reason != 0:
        return reason
    state.outbox[0].intents += 1
    if intent.kind == PLACE:
        leg = leg_of_intent(state, intent)
        spend_order(state, int(intent.lane))
        leg.sent_ns = state.counters[0].now_ns
        leg.selling_e6 = intent.size_e6 if intent.side == SELL else 0
    return 0


@cold
def before(state: State, intent: Record, reason: int) -> int:
    """What was said of the same leg the last time; notes `reason` there.

    Of a plan's sets nothing is: only a halt holds those back, and no plan outlives that.
    """
    if intent.leg == WHOLE_PLAN:
        return 0
    leg = leg_of_intent(state, intent)
    last = int(leg.refused)
    leg.refused = reason
    return last


@cold
def plan_of_intent(state: State, intent: Record) -> Record:
    return state.plans[intent.lane, intent.plan % state.plans.shape[1]]


@cold
def leg_of_intent(state: State, intent: Record) -> Record:
    return state.legs[intent.lane, intent.plan % state.plans.shape[1], intent.leg]


@cold
def may_send(state: State, intent: Record) -> int:
    """The first Reason against a drafted intent, 0 if there is none.

    `basket.limit` and `basket.value` hold its numbers: a count, e4 or e6.
    """
    lane, slot, basket = int(intent.lane), int(intent.market), state.basket[WALKED]
    if intent.kind == CANCEL:
        return 0
    if state.risk[lane].latch == Reason.HALTED:
        return refuse(basket, Reason.HALTED.value, 0, 0)
    if intent.kind != PLACE:
        return 0
    if not has_budget(state, lane, 1):
        burst = int(state.params[lane].order_burst)
        return refuse(basket, Reason.ORDER_RATE.value, burst, orders_spent(state, lane) + 1)
    market = state.markets[slot]
    if not market.open:
        return refuse(basket, Reason.MARKET_CLOSED.value, 0, 0)
    if not market.valid:
        return refuse(basket, Reason.UNSEEN.value, 0, 0)
    reason = mispriced(state, intent)
    if reason != 0:
        return reason
    return not_held(state, intent) if intent.side == SELL else not_afforded(state, intent)


@cold
def mispriced(state: State, intent: Record) -> int:
    """A price off the market's grid, a BUY above its leg's limit, a SELL below the best bid."""
    market, basket = state.markets[intent.market], state.basket[WALKED]
    price_e4, tick_e4 = int(intent.price_e4), int(market.tick_e4)
    if price_e4 <= 0 or price_e4 >= PRICE_ONE_E4 or price_e4 % tick_e4 != 0:
        return refuse(basket, Reason.PRICE_OFF_GRID.value, tick_e4, price_e4)
    if intent.side == BUY:
        limit_e4 = int(leg_of_intent(state, intent).limit_e4)
        if is_completing(intent):
            limit_e4 += int(state.params[intent.lane].slippage_e4)
        passed = price_e4 > limit_e4
    else:
        limit_e4 = int(market.best_bid_e4)
        if intent.token == Token.NO:
            limit_e4 = PRICE_ONE_E4 - int(market.best_ask_e4)
        passed = price_e4 < limit_e4
    return refuse(basket, Reason.PRICE_LIMIT.value, limit_e4, price_e4) if passed else 0


@cold
def is_completing(intent: Record) -> bool:
    """Whether it buys what an earlier order of its leg did not."""
    return try_of(int(intent.order)) > 0


@cold
def not_held(state: State, intent: Record) -> int:
    """More shares than have settled and are neither locked, nor in a set, nor on sale already."""
    held = state.positions[intent.lane, intent.market, intent.token]
    free_e6 = int(held.size_e6) - int(held.locked_size_e6)
    lane = int(intent.lane)
    place = next_running(state, lane, 0)
    while place < state.running.shape[1]:
        for position in range(state.plans[lane, place].legs):
            leg = state.legs[lane, place, position]
            if leg.market == intent.market and leg.token == intent.token:
                free_e6 -= int(leg.arriving_e6) + int(leg.whole_e6) + int(leg.selling_e6)
        place = next_running(state, lane, place + 1)
    size_e6 = int(intent.size_e6)
    if size_e6 > free_e6:
        return refuse(state.basket[WALKED], Reason.NOT_HELD.value, free_e6, size_e6)
    return 0


@cold
def not_afforded(state: State, intent: Record) -> int:
    """More than was promised to the order, or an account that its promise carries past a limit."""
    lane, slot, basket = int(intent.lane), int(intent.market), state.basket[WALKED]
    account, params = state.lanes[lane], state.params[lane]
    share_e6 = share_cost_e6(state, lane, slot, int(intent.price_e4))
    cost_e6 = most_cost_e6(share_e6, int(intent.size_e6))
    promised_e6 = int(leg_of_intent(state, intent).reserved_e6)
    if cost_e6 > promised_e6:
        return refuse(basket, Reason.UNPROMISED.value, promised_e6, cost_e6)
    cash_e6, spoken_for = int(account.cash_e6), spoken_for_e6(account)
    if spoken_for > cash_e6:
        return refuse(basket, Reason.NO_CASH.value, cash_e6, spoken_for)
    held_e6 = market_exposure_e6(state, lane, slot)
    if held_e6 > params.max_market_e6:
        limit_e6 = int(params.max_market_e6)
        return refuse(basket, Reason.MARKET_EXPOSURE.value, limit_e6, held_e6)
    group = int(state.markets[slot].group)
    if group >= 0:
        held_e6 = event_exposure_e6(state, lane, group)
    if held_e6 > params.max_event_e6:
        return refuse(basket, Reason.EVENT_EXPOSURE.value, int(params.max_event_e6), held_e6)
    total_e6 = total_exposure_e6(state, lane)
    if total_e6 > params.max_total_e6:
        return refuse(basket, Reason.TOTAL_EXPOSURE.value, int(params.max_total_e6), total_e6)
    return 0


@cold
def write_refusal(state: State, intent: Record, reason: int) -> None:
    """Journal that an order, a merge or a conversion of a running plan was held back."""
    plan = plan_of_intent(state, intent)
    decision = state.decisions[state.outbox[0].decisions]
    state.outbox[0].decisions += 1
    state.lanes[intent.lane].withheld += 1
    decision.ts_ns = state.counters[0].now_ns
    decision.decision = intent.order
    decision.market = plan.subject
    decision.plan = intent.plan
    decision.size_e6 = intent.size_e6
    decision.outlay_e6 = decision.edge_e6 = decision.approved_e6 = 0
    decision.limit = state.basket[WALKED].limit
    decision.value = state.basket[WALKED].value
    decision.gross_e4 = 0
    decision.lane = intent.lane
    decision.legs = plan.legs
    decision.kind = plan.kind
    decision.phase = Phase.ORDER
    decision.reason = reason
    decision.artefact = decision.quality_e4 = 0
