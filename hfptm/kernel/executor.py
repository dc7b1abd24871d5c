"""A plan from its entry orders to its end, driven by execution reports; see `kernel.plans`."""

from hfptm.kernel.detector import NO_BASKET
from hfptm.kernel.fills import correct, is_new_fill, is_settlement, on_fill, on_settlement
from hfptm.kernel.gates import count_failure
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.marks import mark_all
from hfptm.kernel.mending import mend
from hfptm.kernel.orders import (
    BUY,
    can_rest,
    next_plan,
    place,
    release,
    reserve,
)
from hfptm.kernel.pace import note_report
from hfptm.kernel.plans import LegStatus, Stage, lane_of, leg_of, order_id, plan_of, try_of
from hfptm.kernel.redemption import redeem
from hfptm.kernel.result import check_result
from hfptm.kernel.risk import leg_cost_e6, most_cost_e6
from hfptm.kernel.running import note_begun, note_over, plan_slot
from hfptm.kernel.settlement import put_back, settle, use_sets
from hfptm.kernel.sizes import CENT_E6, entry_type, least_leg, orderable_e6, resting_price_e4
from hfptm.kernel.state import State
from hfptm.kernel.wake import expect, sweep_later
from hfptm.records import EventKind, LegOrder, LegPolicy, OrderType
from hfptm.units import FAR_NS


@cold
def new_plan(state: State, lane: int, kind: int, subject: int, legs: int) -> Record:
    """A plan without orders. The caller made sure of a free slot (`orders.next_plan`)."""
    serial = next_plan(state, lane)
    state.lanes[lane].plan_serial = serial
    note_begun(state, lane, plan_slot(state, serial))
    plan = state.plans[lane, plan_slot(state, serial)]
    plan.plan = serial
    plan.sets_e6 = 0
    plan.deadline_ns = FAR_NS
    plan.subject = subject
    plan.legs = legs
    plan.open_orders = plan.lead = 0
    plan.kind = kind
    plan.merging = plan.merges = plan.cancels = plan.confirmed = plan.taken_back = 0
    for position in range(legs):
        leg = state.legs[lane, plan_slot(state, serial), position]
        leg.filled_e6 = leg.cost_e6 = leg.whole_e6 = leg.whole_cost_e6 = 0
        leg.reserved_e6 = leg.left_e6 = leg.limit_e4 = 0
        leg.sent_ns = leg.selling_e6 = leg.returning_e6 = leg.returning_cost_e6 = 0
        leg.bought_e6 = leg.arriving_e6 = leg.arriving_cost_e6 = 0
        leg.unsettled = leg.tries = leg.overdue = leg.refused = 0
        leg.status = LegStatus.IDLE
    return plan


@cold
def open_plan(state: State, lane: int, kind: int, subject: int, legs: int, sets_e6: int) -> int:
    """Promise what the basket in `state.walk` may cost and send its first orders; its serial.

    The caller made sure of a free slot.
    """
    params = state.params[lane]
    plan = new_plan(state, lane, kind, subject, legs)
    state.lanes[lane].plans += 1
    plan.sets_e6 = sets_e6
    for position in range(legs):
        promise(state, lane, plan, position)
    if params.leg_policy == LegPolicy.RESTING or params.leg_order == LegOrder.THINNEST_FIRST:
        plan.stage = Stage.LEADING
        plan.lead = least_leg(state, legs)
        lead(state, lane, plan)
    else:
        plan.stage = Stage.WORKING
        for position in range(legs):
            enter_leg(state, lane, plan, position, sets_e6)
    if plan.open_orders == 0:
        next_round(state, lane, plan)
    return int(plan.plan)


@cold
def promise(state: State, lane: int, plan: Record, position: int) -> None:
    walked = state.walk[position]
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
    leg.market = walked.market
    leg.token = walked.token
    leg.limit_e4 = walked.limit_e4
    leg.order_type = entry_type(int(state.params[lane].leg_policy))
    leg.reserved_e6 = most_cost_e6(leg_cost_e6(state, lane, position), int(plan.sets_e6))
    reserve(state, lane, int(leg.market), int(leg.reserved_e6))


@cold
def enter_leg(state: State, lane: int, plan: Record, position: int, size_e6: int) -> None:
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
    order = order_id(lane, int(plan.plan), position, 0)
    if not place(state, order, leg, BUY, size_e6, int(leg.limit_e4)):
        release(state, lane, leg)
    elif can_rest(leg):
        expect(state, lane, plan, int(state.params[lane].leg_timeout_ns))


@cold
def follow(state: State, lane: int, plan: Record) -> None:
    """The first leg is over: buy of every other what it was filled, or nothing."""
    slot = plan_slot(state, int(plan.plan))
    filled_e6 = min(int(state.legs[lane, slot, plan.lead].filled_e6), int(plan.sets_e6))
    plan.stage = Stage.WORKING
    for position in range(plan.legs):
        if position == plan.lead:
            continue
        leg = state.legs[lane, slot, position]
        size_e6 = orderable_e6(state, leg, int(leg.limit_e4), filled_e6)
        if size_e6 > 0:
            enter_leg(state, lane, plan, position, size_e6)
        else:
            release(state, lane, leg)


@cold
def lead(state: State, lane: int, plan: Record) -> None:
    """Send the first leg alone: under RESTING a tick below the best ask, and only to rest."""
    position = int(plan.lead)
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
    limit_e4 = int(leg.limit_e4)
    if state.params[lane].leg_policy == LegPolicy.RESTING:
        rests_e4 = resting_price_e4(state, leg)
        if rests_e4 > 0:
            leg.order_type = OrderType.POST_ONLY
            leg.limit_e4 = rests_e4
    enter_leg(state, lane, plan, position, int(plan.sets_e6))
    leg.limit_e4 = limit_e4  # what it may still be completed at
    if plan.open_orders == 0:
        follow(state, lane, plan)


@cold
def on_report(state: State, row: Record) -> None:
    """Apply one execution report. Those that fit no order change nothing but a counter."""
    lane, serial = lane_of(int(row.aux)), plan_of(int(row.aux))
    if lane < 0 or lane >= len(state.lanes):
        state.counters[0].unused_rows += 1
        return
    plan = state.plans[lane, plan_slot(state, serial)]
    used = False
    if row.kind == EventKind.CASH:
        correct(state, lane, row)
        used = True
    elif plan.stage != Stage.FREE and plan.plan == serial:
        if leg_of(int(row.aux)) < plan.legs:
            used = on_leg_report(state, lane, plan, row)
        elif plan.merging and try_of(int(row.aux)) == plan.merges - 1:
            used = on_merge_report(state, lane, plan, row)
    if not used:
        state.counters[0].unused_rows += 1
    mark_all(state, lane)
    check_result(state, lane)


@cold
def on_merge_report(state: State, lane: int, plan: Record, row: Record) -> bool:
    if row.kind == EventKind.SETTLED:
        settle(state, lane, plan)
    elif row.kind == EventKind.REJECT or row.kind == EventKind.DONE:
        state.lanes[lane].rejects += 1
        put_back(state, lane, plan)
    else:
        return False
    plan.merging = 0
    state.lanes[lane].merging -= 1
    one_less(state, lane, plan)
    return True


@cold
def on_leg_report(state: State, lane: int, plan: Record, row: Record) -> bool:
    """False for what was told before, or of an order that is not the leg's last."""
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), leg_of(int(row.aux))]
    if is_settlement(row):
        if leg.unsettled == 0:
            return False
        on_settlement(state, lane, plan, row)
        leg.unsettled -= 1
        one_less(state, lane, plan)
        return True
    if leg.status == LegStatus.IDLE or leg.tries != try_of(int(row.aux)):
        return False
    if row.kind == EventKind.FILL and not is_new_fill(state, lane, plan, row):
        return False
    note_report(state, lane, leg, row)
    if row.kind == EventKind.FILL:
        on_fill(state, lane, plan, row)
    elif row.kind == EventKind.DONE or row.kind == EventKind.REJECT:
        on_order_over(state, lane, plan, row)
    else:
        return note_status(state, lane, plan, row)
    return True


@cold
def note_status(state: State, lane: int, plan: Record, row: Record) -> bool:
    """The order stays out, and so does what was promised to it."""
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), leg_of(int(row.aux))]
    if row.kind == EventKind.DELAYED:
        leg.status = LegStatus.DELAYED
        state.lanes[lane].delayed += 1
    elif row.kind == EventKind.UNKNOWN:
        leg.status = LegStatus.UNKNOWN
        state.lanes[lane].unknown += 1
    elif row.kind == EventKind.ACK:
        leg.status = LegStatus.RESTING
        rest_ns, now_ns = int(state.params[lane].leg_timeout_ns), int(state.counters[0].now_ns)
        if can_rest(leg) and plan.deadline_ns > now_ns + rest_ns:  # nobody could cancel it so far
            expect(state, lane, plan, rest_ns)
    else:
        return False
    return True


@cold
def on_order_over(state: State, lane: int, plan: Record, row: Record) -> None:
    position = leg_of(int(row.aux))
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
    state.lanes[lane].rejects += 1 if row.kind == EventKind.REJECT else 0
    leg.status = LegStatus.IDLE
    leg.left_e6 = 0
    release(state, lane, leg)
    redeem(state, lane, int(leg.market))  # what was on sale
    if plan.stage == Stage.LEADING and position == plan.lead:
        follow(state, lane, plan)
    one_less(state, lane, plan)


@cold
def one_less(state: State, lane: int, plan: Record) -> None:
    """One order, fill or merge less to wait for; after the last, another round."""
    plan.open_orders -= 1
    if plan.open_orders == 0:
        next_round(state, lane, plan)


@cold
def next_round(state: State, lane: int, plan: Record) -> None:
    """Nothing is out: use complete sets and mend the rest, or end if nothing more can be done."""
    if plan.stage != Stage.CLOSING:
        plan.stage = Stage.CLOSING
        count_result(state, lane, plan)
    plan.deadline_ns = FAR_NS
    use_sets(state, lane, plan)
    mend(state, lane, plan)
    if plan.open_orders == 0:
        plan.stage = Stage.FREE
        note_over(state, lane, plan_slot(state, int(plan.plan)))
        count_proof(state, lane, plan)
        if leaves(state, lane, plan):
            sweep_later(state, lane)


@cold
def count_proof(state: State, lane: int, plan: Record) -> None:
    """A plan that bought has ended, and the chain kept every fill: what it earned is no matter."""
    if plan.sets_e6 > 0 and plan.confirmed and not plan.taken_back:
        state.risk[lane].proven_plans += 1


@cold
def leaves(state: State, lane: int, plan: Record) -> bool:
    """Whether shares without partners stay, among them the outcomes that a conversion gave."""
    for position in range(plan.legs):
        leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
        held = state.positions[lane, leg.market, leg.token]
        if int(held.size_e6) - int(held.locked_size_e6) >= CENT_E6:
            return True
    return bool(plan.kind == NO_BASKET and plan.merges > 0)


@cold
def count_result(state: State, lane: int, plan: Record) -> None:
    """By what was bought: of a market that resolved meanwhile, nothing may be left."""
    account = state.lanes[lane]
    filled, whole = 0, 0
    for position in range(plan.legs):
        bought_e6 = state.legs[lane, plan_slot(state, int(plan.plan)), position].bought_e6
        filled += 1 if bought_e6 > 0 else 0
        whole += 1 if bought_e6 >= plan.sets_e6 else 0
    count_failure(state, lane, whole < plan.legs)
    if whole == plan.legs:
        account.completed += 1
    elif filled > 0:
        account.partial += 1
    else:
        account.missed += 1
