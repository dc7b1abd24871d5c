"""What becomes of complete sets: merged, converted, or held until they resolve.

`realised_e6` changes where shares leave a position, by what they brought less what they cost, so
that cash plus the cost of all positions is bankroll plus realised profit after every row.
"""

from hfptm.kernel.cash import portion_e6
from hfptm.kernel.detector import BINARY, NO_BASKET
from hfptm.kernel.fees import payout_e6
from hfptm.kernel.gates import is_locked
from hfptm.kernel.inventory import note_held, realise
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.marks import mark_market
from hfptm.kernel.order_gate import send
from hfptm.kernel.orders import YES, draft
from hfptm.kernel.plans import TRY_MASK, WHOLE_PLAN, order_id
from hfptm.kernel.redemption import redeem
from hfptm.kernel.running import plan_slot
from hfptm.kernel.state import State
from hfptm.records import IntentKind


@cold
def use_sets(state: State, lane: int, plan: Record) -> None:
    """Merge or convert the sets that every leg filled, or hold them until resolution.

    A conversion that failed too often, or that is held back, is held too; shares that cannot be
    merged are left to be merged later (`kernel.deadlines`).
    """
    slot = plan_slot(state, int(plan.plan))
    whole_e6 = int(state.legs[lane, slot, 0].filled_e6)
    for position in range(1, plan.legs):
        whole_e6 = min(whole_e6, int(state.legs[lane, slot, position].filled_e6))
    if whole_e6 <= 0:
        return
    sent = redeems_early(state, lane, plan) and merge(state, lane, plan, whole_e6)
    for position in range(plan.legs):
        set_aside(state.legs[lane, slot, position], whole_e6)
    if not sent and plan.kind == BINARY:
        leave_sets(state, lane, plan)
    elif not sent:
        hold(state, lane, plan, whole_e6)


@cold
def redeems_early(state: State, lane: int, plan: Record) -> bool:
    """Whether complete sets can be turned into cash before they resolve, and may be tried again."""
    if is_locked(state, lane, int(plan.kind), int(plan.subject)):
        return False
    return bool(plan.merges <= TRY_MASK)


@cold
def merge(state: State, lane: int, plan: Record, whole_e6: int) -> bool:
    """Send a merge, or a conversion; False if it was held back."""
    kind = IntentKind.MERGE.value if plan.kind == BINARY else IntentKind.CONVERT.value
    order = order_id(lane, int(plan.plan), WHOLE_PLAN, int(plan.merges))
    if send(state, draft(state, lane, order, kind, int(plan.subject), whole_e6)) != 0:
        return False
    plan.merging = 1
    state.lanes[lane].merging += 1
    plan.merges += 1
    plan.open_orders += 1
    return True


@cold
def set_aside(leg: Record, whole_e6: int) -> None:
    basis_e6 = portion_e6(int(leg.cost_e6), whole_e6, int(leg.filled_e6))
    leg.filled_e6 -= whole_e6
    leg.cost_e6 -= basis_e6
    leg.whole_e6 = whole_e6
    leg.whole_cost_e6 = basis_e6


@cold
def leave_sets(state: State, lane: int, plan: Record) -> None:
    for position in range(plan.legs):
        leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
        leg.whole_e6 = leg.whole_cost_e6 = 0


@cold
def put_back(state: State, lane: int, plan: Record) -> None:
    """A merge or conversion failed: its shares are the legs' again, or paid if they resolved."""
    for position in range(plan.legs):
        leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
        leg.filled_e6 += leg.whole_e6
        leg.cost_e6 += leg.whole_cost_e6
        leg.whole_e6 = leg.whole_cost_e6 = 0
        redeem(state, lane, int(leg.market))


@cold
def set_payout_e6(state: State, lane: int, plan: Record, sets_e6: int) -> int:
    """What complete sets of a plan pay at least."""
    winners = int(plan.legs) - 1 if plan.kind == NO_BASKET else 1
    return payout_e6(state.params[lane], winners * sets_e6)


@cold
def hold(state: State, lane: int, plan: Record, whole_e6: int) -> None:
    """Lock the sets of a basket until its markets resolve."""
    account, slot = state.lanes[lane], plan_slot(state, int(plan.plan))
    for position in range(plan.legs):
        leg = state.legs[lane, slot, position]
        held = state.positions[lane, leg.market, leg.token]
        held.locked_size_e6 += leg.whole_e6
        held.locked_cost_e6 += leg.whole_cost_e6
        mark_market(state, lane, int(leg.market))
        account.locked_e6 += leg.whole_cost_e6
    leave_sets(state, lane, plan)
    least_e6 = set_payout_e6(state, lane, plan, whole_e6)
    account.locked_payout_e6 += least_e6
    state.locked_payouts[lane, plan.subject] += least_e6


@cold
def settle(state: State, lane: int, plan: Record) -> None:
    """Complete sets became collateral; a conversion also gives the YES of every outcome left out.

    Whatever resolved meanwhile: nobody paid what was in a set.
    """
    account, slot = state.lanes[lane], plan_slot(state, int(plan.plan))
    sets_e6 = int(state.legs[lane, slot, 0].whole_e6)
    received_e6 = set_payout_e6(state, lane, plan, sets_e6)
    account.cash_e6 += received_e6
    share_e6 = received_e6 // int(plan.legs)
    rest_e6 = received_e6 - int(plan.legs) * share_e6
    for position in range(plan.legs):
        leg = state.legs[lane, slot, position]
        held = state.positions[lane, leg.market, leg.token]
        held.size_e6 -= sets_e6
        held.cost_e6 -= leg.whole_cost_e6
        mark_market(state, lane, int(leg.market))
        gain_e6 = share_e6 - int(leg.whole_cost_e6) + (rest_e6 if position == 0 else 0)
        realise(state, lane, int(leg.market), gain_e6)
        leg.whole_e6 = leg.whole_cost_e6 = 0
    if plan.kind == NO_BASKET:
        credit_left_out(state, lane, plan, sets_e6)


@cold
def credit_left_out(state: State, lane: int, plan: Record, sets_e6: int) -> None:
    """Add the YES shares of outcomes without a leg, at no cost; they pay when those resolve."""
    for member in range(state.groups[plan.subject].members):
        slot = int(state.members[plan.subject, member])
        used = False
        for position in range(plan.legs):
            leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
            used = used or leg.market == slot
        if not used:
            state.positions[lane, slot, YES].size_e6 += sets_e6
            note_held(state, lane, slot)
            redeem(state, lane, slot)
            mark_market(state, lane, slot)
