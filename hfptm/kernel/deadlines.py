"""What a TIMER row is for: orders that rested long enough, edges that lasted, shares left over.

A plan that ends leaves as positions what found no bid, was better not sold, or was held back. A
while later, and again and again, each market in which the lane holds shares alone and has no plan
under way gets one that begins at CLOSING: its YES and NO are merged, the rest mended.
"""

from hfptm.kernel.detector import BINARY
from hfptm.kernel.episodes import look_again
from hfptm.kernel.executor import new_plan, next_round
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.orders import can_rest, cancel, next_plan
from hfptm.kernel.plans import LEGS_MAX, LegStatus, Stage, order_id
from hfptm.kernel.running import next_running, plan_slot
from hfptm.kernel.sizes import CENT_E6
from hfptm.kernel.state import State, rows_reserve
from hfptm.kernel.wake import SWEEP_NS, expect, set_lane_wake, set_wake, wake_at
from hfptm.opportunities import Reason
from hfptm.records import Token
from hfptm.units import FAR_NS, NO_ASK_E4, NO_BID_E4, NS_PER_S

CANCEL_NS = 10 * NS_PER_S
"""Between two cancellations of one order, unless orders may rest for longer."""

DOUBLINGS_MAX = 16
"""From the shortest time that orders may rest to beyond `CANCEL_NS`."""


@cold
def on_timer(state: State, first: int, end: int) -> None:
    """Do what is due in lanes [first, end), and say when they want to be woken next: now, if the
    output has no room for all of it."""
    now_ns = int(state.counters[0].now_ns)
    for lane in range(first, end):
        if now_ns < state.wakes[lane]:
            continue
        stop = state.outbox[0].intents + rows_reserve(1) - LEGS_MAX
        if state.lanes[lane].confirm_ns <= now_ns:
            look_again(state, lane)
        place = next_running(state, lane, 0)
        while place < state.running.shape[1]:
            plan = state.plans[lane, place]
            if plan.deadline_ns <= now_ns and state.outbox[0].intents <= stop:
                time_out(state, lane, plan)
            place = next_running(state, lane, place + 1)
        if state.lanes[lane].sweep_ns <= now_ns and state.outbox[0].intents <= stop:
            sweep(state, lane, int(stop))
        set_lane_wake(state, lane)
    set_wake(state)


@cold
def time_out(state: State, lane: int, plan: Record) -> None:
    """Cancel what rests, again until it is over: a CANCEL may come too early, or get lost.

    Each wait is twice as long as the last, up to `CANCEL_NS`: the exchange may be restarting.
    """
    plan.deadline_ns = FAR_NS
    if cancel_resting(state, lane, plan) > 0:
        timeout_ns, cancels = int(state.params[lane].leg_timeout_ns), int(plan.cancels)
        expect(state, lane, plan, max(timeout_ns, min(timeout_ns << cancels, CANCEL_NS)))
        plan.cancels = min(cancels + 1, DOUBLINGS_MAX)


@cold
def cancel_resting(state: State, lane: int, plan: Record) -> int:
    """Orders asked to end: those that may rest, except where nobody could cancel."""
    asked = 0
    for position in range(plan.legs):
        leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
        if can_rest(leg) and (leg.status == LegStatus.SENT or leg.status == LegStatus.RESTING):
            cancel(state, order_id(lane, int(plan.plan), position, int(leg.tries)), leg)
            asked += 1
    return asked


@cold
def stop_resting(state: State) -> None:
    """Nothing may rest any longer, as a human's stop asks."""
    now_ns = int(state.counters[0].now_ns)
    for lane in range(len(state.lanes)):
        place = next_running(state, lane, 0)
        while place < state.running.shape[1]:
            plan = state.plans[lane, place]
            if plan.deadline_ns != FAR_NS:
                plan.deadline_ns = now_ns
                wake_at(state, lane, now_ns)
            place = next_running(state, lane, place + 1)
    on_timer(state, 0, len(state.lanes))


@cold
def sweep(state: State, lane: int, stop: int) -> None:
    """Make a plan for every market in which something can be ended that no plan owns.

    Not during a halt: nothing could leave, and each try would be journalled.
    """
    account = state.lanes[lane]
    if state.risk[lane].latch == Reason.HALTED:
        account.sweep_ns = state.counters[0].now_ns + SWEEP_NS
        return
    account.sweep_ns = FAR_NS
    left = False
    for place in range(account.held):
        slot = int(state.held[lane, place])
        if state.outbox[0].intents > stop:
            account.sweep_ns = state.counters[0].now_ns
            return
        yes_e6 = alone_e6(state, lane, slot, Token.YES.value)
        no_e6 = alone_e6(state, lane, slot, Token.NO.value)
        if yes_e6 < CENT_E6 and no_e6 < CENT_E6:
            continue
        left = True
        can_merge = yes_e6 >= CENT_E6 and no_e6 >= CENT_E6
        if not has_plan(state, lane, slot) and (can_merge or has_bid(state, slot, yes_e6)):
            close_alone(state, lane, slot)
    if left:
        account.sweep_ns = state.counters[0].now_ns + SWEEP_NS


@cold
def alone_e6(state: State, lane: int, slot: int, token: int) -> int:
    """Shares that belong to no held basket; notes since when there are any."""
    held = state.positions[lane, slot, token]
    free_e6 = int(held.size_e6) - int(held.locked_size_e6)
    if free_e6 < CENT_E6:
        held.alone_since_ns = 0
    elif held.alone_since_ns == 0:
        held.alone_since_ns = state.counters[0].now_ns
    return free_e6


@cold
def has_plan(state: State, lane: int, slot: int) -> bool:
    """Whether a plan under way has a leg in the market."""
    place = next_running(state, lane, 0)
    while place < state.running.shape[1]:
        for position in range(state.plans[lane, place].legs):
            if state.legs[lane, place, position].market == slot:
                return True
        place = next_running(state, lane, place + 1)
    return False


@cold
def has_bid(state: State, slot: int, yes_e6: int) -> bool:
    """Whether somebody wants what is held: YES if there is some, else NO."""
    market = state.markets[slot]
    if not market.open or not market.valid:
        return False
    if yes_e6 >= CENT_E6:
        return bool(market.best_bid_e4 > NO_BID_E4)
    return bool(market.best_ask_e4 < NO_ASK_E4)


@cold
def close_alone(state: State, lane: int, slot: int) -> None:
    """Begin a plan at CLOSING with what the market's two tokens hold alone."""
    running, most = int(state.lanes[lane].running), int(state.params[lane].max_plans)
    if next_plan(state, lane) == 0 or running >= most:
        return
    plan = new_plan(state, lane, BINARY, slot, 2)
    plan.stage = Stage.CLOSING
    for token in range(2):
        own_alone(state, lane, plan, token)
    next_round(state, lane, plan)
    if plan.open_orders > 0:
        state.lanes[lane].sweeps += 1


@cold
def own_alone(state: State, lane: int, plan: Record, token: int) -> None:
    """Give a leg what its position holds alone."""
    held = state.positions[lane, plan.subject, token]
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), token]
    leg.market = plan.subject
    leg.token = token
    leg.filled_e6 = int(held.size_e6) - int(held.locked_size_e6)
    leg.cost_e6 = int(held.cost_e6) - int(held.locked_cost_e6)
    held_ns = state.counters[0].now_ns - held.alone_since_ns
    leg.overdue = held.alone_since_ns > 0 and held_ns >= state.params[lane].position_timeout_ns
