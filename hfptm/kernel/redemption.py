"""What a resolution pays, and when.

The exchange pays a share of a resolved market as soon as the trade that brought it is final. What
is on its way then is not paid with the rest: shares of purchases that have not settled, shares on
sale, and those of sets that are being merged or converted. A report will tell what became of them;
only then they are paid, or were never there, or are gone.
"""

from hfptm.kernel.cash import portion_e6, proceeds_e6
from hfptm.kernel.fees import payout_e6
from hfptm.kernel.inventory import note_held, realise
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.marks import mark_market, share_payout_e4
from hfptm.kernel.running import next_running
from hfptm.kernel.state import State


@cold
def resolve(state: State, slot: int, payout_yes_e4: int) -> None:
    state.markets[slot].payout_e4 = payout_yes_e4
    for lane in range(len(state.lanes)):
        redeem(state, lane, slot)


@cold
def redeem(state: State, lane: int, slot: int) -> None:
    """Pay what a lane holds in a market, if that resolved, and take it out of plans and locks."""
    market = state.markets[slot]
    if market.payout_e4 < 0:
        return
    state.risk[lane].marked_ns = 0
    for token in range(2):
        redeem_token(state, lane, slot, token)
    if state.held_places[lane, slot] != 0:
        note_held(state, lane, slot)
        mark_market(state, lane, slot)
    if market.group >= 0:
        release_lock(state, lane, int(market.group))


@cold
def redeem_token(state: State, lane: int, slot: int, token: int) -> None:
    account, params, market = state.lanes[lane], state.params[lane], state.markets[slot]
    held = state.positions[lane, slot, token]
    share_e4, group = share_payout_e4(market, token), int(market.group)
    coming_e6, coming_cost_e6 = leave_on_its_way(state, lane, slot, token)
    paid_e6 = payout_e6(params, proceeds_e6(share_e4, int(held.size_e6) - coming_e6))
    account.cash_e6 += paid_e6
    realise(state, lane, slot, paid_e6 - (int(held.cost_e6) - coming_cost_e6))
    account.locked_e6 -= held.locked_cost_e6
    if held.locked_size_e6 > 0 and group >= 0:
        locked_e6 = payout_e6(params, proceeds_e6(share_e4, int(held.locked_size_e6)))
        locked_e6 = min(locked_e6, int(state.locked_payouts[lane, group]))
        state.locked_payouts[lane, group] -= locked_e6
        account.locked_payout_e6 -= locked_e6
    held.size_e6, held.cost_e6 = coming_e6, coming_cost_e6
    held.locked_size_e6 = held.locked_cost_e6 = 0


@cold
def leave_on_its_way(state: State, lane: int, slot: int, token: int) -> tuple[int, int]:
    """Take a token's shares out of the legs but for those on their way; size and cost of these."""
    size_e6, cost_e6 = 0, 0
    place = next_running(state, lane, 0)
    while place < state.running.shape[1]:
        for position in range(state.plans[lane, place].legs):
            leg = state.legs[lane, place, position]
            if leg.market == slot and leg.token == token:
                forget_settled(leg)
                size_e6 += int(leg.filled_e6) + int(leg.whole_e6)
                cost_e6 += int(leg.cost_e6) + int(leg.whole_cost_e6)
        place = next_running(state, lane, place + 1)
    return size_e6, cost_e6


@cold
def forget_settled(leg: Record) -> None:
    """Keep of a leg what has not settled and what is on sale."""
    settled_e6 = int(leg.filled_e6) - int(leg.arriving_e6)
    settled_cost_e6 = int(leg.cost_e6) - int(leg.arriving_cost_e6)
    on_sale_e6 = int(leg.selling_e6)
    on_sale_cost_e6 = portion_e6(settled_cost_e6, on_sale_e6, settled_e6)
    leg.filled_e6 = int(leg.arriving_e6) + on_sale_e6
    leg.cost_e6 = int(leg.arriving_cost_e6) + on_sale_cost_e6


@cold
def release_lock(state: State, lane: int, group: int) -> None:
    """Once nothing of an event is locked, no payout is promised; a void outcome pays less."""
    for member in range(state.groups[group].members):
        held = state.positions[lane, state.members[group, member]]
        if held[0].locked_size_e6 > 0 or held[1].locked_size_e6 > 0:
            return
    state.lanes[lane].locked_payout_e6 -= state.locked_payouts[lane, group]
    state.locked_payouts[lane, group] = 0
