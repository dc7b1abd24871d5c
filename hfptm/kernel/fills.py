"""The books of a leg: what fills add and take away, and what of them the chain takes back.

After every row, cash plus the cost of all positions is bankroll plus realised profit.
"""

from hfptm.kernel.cash import cost_e6, fill_cash_e6, portion_e6
from hfptm.kernel.fees import market_fee_e6
from hfptm.kernel.inventory import note_held, realise
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.marks import mark_market
from hfptm.kernel.orders import BUY, spends_dollars
from hfptm.kernel.plans import leg_of
from hfptm.kernel.redemption import redeem
from hfptm.kernel.running import plan_slot
from hfptm.kernel.sizes import CENT_E6
from hfptm.kernel.state import State
from hfptm.records import EventFlag, EventKind

SLACK_E6 = CENT_E6
"""Rounding may spend a cent more than an order had left; what spends more was told before."""


@cold
def fee_e6(state: State, lane: int, leg: Record, row: Record) -> int:
    """Who rested pays none."""
    if row.flags & EventFlag.MAKER:
        return 0
    market = state.markets[leg.market]
    return market_fee_e6(state.params[lane], market, int(row.price_e4), int(row.size_e6))


@cold
def gross_e6(row: Record) -> int:
    """What it costs or brings, before the fee."""
    is_buy, is_maker = row.side == BUY, row.flags & EventFlag.MAKER != 0
    return fill_cash_e6(int(row.price_e4), int(row.size_e6), is_buy, is_maker)


@cold
def outlay_e6(state: State, lane: int, leg: Record, row: Record) -> int:
    """What a purchase costs, its fee included."""
    return gross_e6(row) + fee_e6(state, lane, leg, row)


@cold
def income_e6(state: State, lane: int, leg: Record, row: Record) -> int:
    """What a sale brings, its fee taken off."""
    return gross_e6(row) - fee_e6(state, lane, leg, row)


@cold
def is_new_fill(state: State, lane: int, plan: Record, row: Record) -> bool:
    """Whether the leg's order, which is out, has so much left; else the fill was told before."""
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), leg_of(int(row.aux))]
    if spends_dollars(leg, int(row.side)):
        return cost_e6(int(row.price_e4), int(row.size_e6)) <= int(leg.left_e6) + SLACK_E6
    return bool(row.size_e6 <= leg.left_e6)


@cold
def on_fill(state: State, lane: int, plan: Record, row: Record) -> None:
    """Book shares and cash. A sale's profit is what it brought less the leg's average cost."""
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), leg_of(int(row.aux))]
    account = state.lanes[lane]
    account.fills += 1
    account.fees_e6 += fee_e6(state, lane, leg, row)
    leg.left_e6 -= gross_e6(row) if spends_dollars(leg, int(row.side)) else int(row.size_e6)
    if state.params[lane].fills_settle:
        leg.unsettled += 1
        plan.open_orders += 1
    if row.side == BUY:
        on_purchase(state, lane, leg, row)
    else:
        on_sale(state, lane, leg, row)
    redeem(state, lane, int(leg.market))


@cold
def correct(state: State, lane: int, row: Record) -> None:
    """A trade filled several orders, each rounded for itself: profit or loss, not cost, since the
    shares may be gone when that is told."""
    state.lanes[lane].cash_e6 += row.size_e6
    realise(state, lane, int(row.market), int(row.size_e6))


@cold
def on_purchase(state: State, lane: int, leg: Record, row: Record) -> None:
    size_e6, paid_e6 = int(row.size_e6), outlay_e6(state, lane, leg, row)
    state.lanes[lane].cash_e6 -= paid_e6
    leg.bought_e6 += size_e6
    add_shares(state, lane, leg, size_e6, paid_e6)
    if state.params[lane].fills_settle:
        leg.arriving_e6 += size_e6
        leg.arriving_cost_e6 += paid_e6


@cold
def on_sale(state: State, lane: int, leg: Record, row: Record) -> None:
    size_e6, received_e6 = int(row.size_e6), income_e6(state, lane, leg, row)
    basis_e6 = give_up(state, lane, leg, size_e6)
    book_sale(state, lane, leg, received_e6, basis_e6)
    if state.params[lane].fills_settle:
        leg.returning_e6 += size_e6
        leg.returning_cost_e6 += basis_e6
        keep_promised(state, lane, leg, received_e6, basis_e6)


@cold
def add_shares(state: State, lane: int, leg: Record, size_e6: int, basis_e6: int) -> None:
    """Shares came at that cost; with both negative, they went back."""
    position = state.positions[lane, leg.market, leg.token]
    leg.filled_e6 += size_e6
    leg.cost_e6 += basis_e6
    position.size_e6 += size_e6
    position.cost_e6 += basis_e6
    note_held(state, lane, int(leg.market))
    mark_market(state, lane, int(leg.market))


@cold
def book_sale(state: State, lane: int, leg: Record, received_e6: int, basis_e6: int) -> None:
    """With both negative, it is undone."""
    account = state.lanes[lane]
    account.cash_e6 += received_e6
    realise(state, lane, int(leg.market), received_e6 - basis_e6)
    account.unwind_result_e6 += received_e6 - basis_e6


@cold
def keep_promised(state: State, lane: int, leg: Record, received_e6: int, basis_e6: int) -> None:
    """Until a sale settles its cost stays promised, so that the room it left is not given away,
    and what it brought is not spent; with both negative, it settled.
    """
    account = state.lanes[lane]
    account.reserved_e6 += basis_e6
    state.reserved[lane, leg.market] += basis_e6
    account.unsettled_gain_e6 += received_e6 - basis_e6


@cold
def on_settlement(state: State, lane: int, plan: Record, row: Record) -> None:
    """A fill stays, or is taken back.

    Nothing is merged, converted or sold before, so what a leg has is all there.
    """
    leg = state.legs[lane, plan_slot(state, int(plan.plan)), leg_of(int(row.aux))]
    if row.kind == EventKind.FILL_FAILED:
        plan.taken_back = 1
    else:
        plan.confirmed = 1
    if row.side == BUY:
        settle_purchase(state, lane, leg, row)
    else:
        settle_sale(state, lane, leg, row)
    redeem(state, lane, int(leg.market))


@cold
def settle_purchase(state: State, lane: int, leg: Record, row: Record) -> None:
    """The shares are there, or never will be."""
    size_e6, paid_e6 = int(row.size_e6), outlay_e6(state, lane, leg, row)
    leg.arriving_e6 -= size_e6
    leg.arriving_cost_e6 -= paid_e6
    if row.kind == EventKind.FILL_FAILED:
        note_ghost(state, lane, leg, row)
        state.lanes[lane].cash_e6 += paid_e6
        leg.bought_e6 -= size_e6
        add_shares(state, lane, leg, -size_e6, -paid_e6)


@cold
def settle_sale(state: State, lane: int, leg: Record, row: Record) -> None:
    """Release what was kept for it. If it failed, its shares come back at their cost.

    Sales of a leg that have not settled share theirs in proportion.
    """
    size_e6, received_e6 = int(row.size_e6), income_e6(state, lane, leg, row)
    basis_e6 = portion_e6(int(leg.returning_cost_e6), size_e6, int(leg.returning_e6))
    leg.returning_e6 -= size_e6
    leg.returning_cost_e6 -= basis_e6
    keep_promised(state, lane, leg, -received_e6, -basis_e6)
    if row.kind == EventKind.FILL_FAILED:
        note_ghost(state, lane, leg, row)
        book_sale(state, lane, leg, -received_e6, -basis_e6)
        add_shares(state, lane, leg, size_e6, basis_e6)


@cold
def note_ghost(state: State, lane: int, leg: Record, row: Record) -> None:
    state.lanes[lane].ghosts += 1
    state.lanes[lane].fees_e6 -= fee_e6(state, lane, leg, row)


@cold
def give_up(state: State, lane: int, leg: Record, size_e6: int) -> int:
    """Take shares out of a leg and its position; their cost, in proportion, rounded down."""
    basis_e6 = portion_e6(int(leg.cost_e6), size_e6, int(leg.filled_e6))
    position = state.positions[lane, leg.market, leg.token]
    leg.filled_e6 -= size_e6
    leg.cost_e6 -= basis_e6
    position.size_e6 -= size_e6
    position.cost_e6 -= basis_e6
    mark_market(state, lane, int(leg.market))
    return basis_e6


@cold
def is_settlement(row: Record) -> bool:
    return bool(row.kind == EventKind.FILL_CONFIRMED or row.kind == EventKind.FILL_FAILED)
