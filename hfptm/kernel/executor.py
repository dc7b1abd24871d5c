"""A plan from its entry orders to its end, driven by execution reports; see `kernel.plans`."""

from hfptm.kernel.cash import cost_e6, portion_e6, proceeds_e6
from hfptm.kernel.detector import CENT_E6
from hfptm.kernel.fees import market_fee_e6
from hfptm.kernel.gates import count_failure
from hfptm.kernel.inventory import note_held
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.orders import BUY, SELL, YES, next_plan, place, plan_slot, reserve
from hfptm.kernel.pace import note_report
from hfptm.kernel.plans import (
    TRY_MASK,
    UNWIND_TRIES_MAX,
    Stage,
    lane_of,
    leg_of,
    order_id,
    plan_of,
)
from hfptm.kernel.result import check_result
from hfptm.kernel.risk import leg_cost_e6, most_cost_e6
from hfptm.kernel.settlement import redeem, settle, use_sets
from hfptm.kernel.state import State
from hfptm.records import EventKind
from hfptm.units import NO_BID_E4, PRICE_ONE_E4


@cold
def open_plan(state: State, lane: int, kind: int, subject: int, legs: int, sets_e6: int) -> int:
    """Send one immediate BUY a leg of the basket in `state.walk`; the plan's serial.

    The caller made sure of a free slot (`orders.next_plan`).
    """
    account = state.lanes[lane]
    serial = next_plan(state, lane)
    account.plan_serial = serial
    account.plans += 1
    plan = state.plans[lane, plan_slot(state, serial)]
    plan.plan = serial
    plan.sets_e6 = sets_e6
    plan.subject = subject
    plan.legs = legs
    plan.open_orders = legs
    plan.kind = kind
    plan.refused = 0
    plan.stage = Stage.WORKING
    for position in range(legs):
        enter_leg(state, lane, plan, position)
    if plan.open_orders == 0:
        go_on(state, lane, plan)
    return serial


@cold
def enter_leg(state: State, lane: int, plan: Record, position: int) -> None:
    walked, serial = state.walk[position], int(plan.plan)
    leg = state.legs[lane, plan_slot(state, serial), position]
    leg.market = walked.market
    leg.token = walked.token
    leg.limit_e4 = walked.limit_e4
    leg.filled_e6 = leg.cost_e6 = 0
    leg.whole_e6 = leg.whole_cost_e6 = 0
    leg.tries = leg.refused = 0
    leg.sent_ns = leg.selling_e6 = 0
    leg.waits = 1
    leg.reserved_e6 = most_cost_e6(leg_cost_e6(state, lane, position), int(plan.sets_e6))
    reserve(state, lane, int(leg.market), int(leg.reserved_e6))
    order = order_id(lane, serial, position, 0)
    if not place(state, order, leg, BUY, int(plan.sets_e6), int(leg.limit_e4)):
        leg.waits = 0
        reserve(state, lane, int(leg.market), -int(leg.reserved_e6))
        leg.reserved_e6 = 0
        plan.open_orders -= 1


@cold
def on_report(state: State, row: Record) -> None:
    """Apply one execution report. Those that fit no plan change nothing but a counter."""
    lane, serial = lane_of(int(row.aux)), plan_of(int(row.aux))
    if lane < 0 or lane >= len(state.lanes):
        state.counters[0].unused_rows += 1
        return
    plan = state.plans[lane, plan_slot(state, serial)]
    known = plan.stage != Stage.FREE and plan.plan == serial
    if known and row.kind != EventKind.SETTLED and leg_of(int(row.aux)) < plan.legs:
        leg = state.legs[lane, plan_slot(state, serial), leg_of(int(row.aux))]
        note_report(state, lane, leg, row)
    if known and row.kind == EventKind.SETTLED:
        settle(state, lane, plan, int(row.size_e6))
        close_order(state, lane, plan)
    elif known and row.kind == EventKind.FILL and leg_of(int(row.aux)) < plan.legs:
        on_fill(state, lane, plan, row)
    elif known and is_settlement(row) and leg_of(int(row.aux)) < plan.legs:
        on_settlement(state, lane, plan, row)
    elif known and (row.kind == EventKind.DONE or row.kind == EventKind.REJECT):
        on_order_over(state, lane, plan, row)
    elif known and row.kind == EventKind.DELAYED:
        state.lanes[lane].delayed += 1  # it stays out, and so does what was promised to it
    elif known and row.kind == EventKind.UNKNOWN:
        state.lanes[lane].unknown += 1  # likewise: it may be filled
    else:
        state.counters[0].unused_rows += 1
    state.risk[lane].marked_ns = 0
    check_result(state, lane)


@cold
def on_fill(state: State, lane: int, plan: Record, row: Record) -> None:
    """Book shares and cash. A sale's profit is what it brought less the leg's average cost."""
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), leg_of(int(row.aux))]
    account, params = state.lanes[lane], state.params[lane]
    position = state.positions[lane, leg.market, leg.token]
    price_e4, size_e6 = int(row.price_e4), int(row.size_e6)
    fee_e6 = market_fee_e6(params, state.markets[leg.market], price_e4, size_e6)
    account.fills += 1
    account.fees_e6 += fee_e6
    if params.fills_settle:
        leg.waits += 1
        plan.open_orders += 1
    if row.side == BUY:
        paid_e6 = cost_e6(price_e4, size_e6) + fee_e6
        account.cash_e6 -= paid_e6
        leg.filled_e6 += size_e6
        leg.cost_e6 += paid_e6
        position.size_e6 += size_e6
        position.cost_e6 += paid_e6
        note_held(state, lane, int(leg.market))
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
def is_settlement(row: Record) -> bool:
    return bool(row.kind == EventKind.FILL_CONFIRMED or row.kind == EventKind.FILL_FAILED)


@cold
def on_settlement(state: State, lane: int, plan: Record, row: Record) -> None:
    """A fill stays, or is taken back: the plan has one thing less to wait for.

    Nothing is merged, converted or sold before, so what a leg has is all there.
    """
    position = leg_of(int(row.aux))
    if row.kind == EventKind.FILL_FAILED:
        take_back(state, lane, plan, row)
    state.legs[lane, plan_slot(state, int(plan.plan)), position].waits -= 1
    if row.aux & TRY_MASK != 0:
        unwind(state, lane, plan, position)
    close_order(state, lane, plan)


@cold
def take_back(state: State, lane: int, plan: Record, row: Record) -> None:
    """Undo a fill. Shares whose sale failed come back at what it had brought: its result stays."""
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), leg_of(int(row.aux))]
    account, params = state.lanes[lane], state.params[lane]
    price_e4, size_e6 = int(row.price_e4), int(row.size_e6)
    fee_e6 = market_fee_e6(params, state.markets[leg.market], price_e4, size_e6)
    if row.side == BUY:
        cash_e6, size_e6 = cost_e6(price_e4, size_e6) + fee_e6, -size_e6
    else:
        cash_e6 = fee_e6 - proceeds_e6(price_e4, size_e6)
    account.ghosts += 1
    account.fees_e6 -= fee_e6
    account.cash_e6 += cash_e6
    leg.filled_e6 += size_e6
    leg.cost_e6 -= cash_e6
    position = state.positions[lane, leg.market, leg.token]
    position.size_e6 += size_e6
    position.cost_e6 -= cash_e6
    note_held(state, lane, int(leg.market))
    payout_e4 = int(state.markets[leg.market].payout_e4)
    if payout_e4 >= 0:  # its shares were paid already
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
        leg.waits -= 1
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
    if plan.open_orders == 0:
        go_on(state, lane, plan)


@cold
def go_on(state: State, lane: int, plan: Record) -> None:
    """Nothing of a plan is out: its next stage begins, or it is over."""
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
    count_failure(state, lane, whole < plan.legs)
    if whole == plan.legs:
        account.completed += 1
    elif filled > 0:
        account.partial += 1
    else:
        account.missed += 1


@cold
def unwind(state: State, lane: int, plan: Record, position: int) -> None:
    """Sell what a leg holds without partners at its best bid, once it waits for nothing else.

    It is carried, as a position, if there is no bid, the tries ran out, or the sale is held back.
    """
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), position]
    market = state.markets[leg.market]
    size_e6 = int(leg.filled_e6) // CENT_E6 * CENT_E6
    bid_e4 = int(market.best_bid_e4) if leg.token == YES else PRICE_ONE_E4 - int(market.best_ask_e4)
    if leg.waits > 0 or leg.tries == UNWIND_TRIES_MAX:
        return
    if size_e6 <= 0 or bid_e4 == NO_BID_E4:
        return
    order = order_id(lane, int(plan.plan), position, int(leg.tries) + 1)
    if place(state, order, leg, SELL, size_e6, bid_e4):
        leg.tries += 1
        leg.waits += 1
        state.lanes[lane].unwinds += 1
        plan.open_orders += 1
