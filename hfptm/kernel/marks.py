"""What the shares that a lane holds would bring now, beyond what they cost.

A mark a market is kept: told anew when a position changes, and when the sum is wanted and the
market's best prices have moved since.
"""

from hfptm.kernel.cash import proceeds_e6
from hfptm.kernel.inventory import note_alone, set_apart
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.running import next_running
from hfptm.kernel.state import State
from hfptm.records import Token
from hfptm.units import PRICE_ONE_E4

YES, NO = Token.YES.value, Token.NO.value


@cold
def mark_all(state: State, lane: int) -> None:
    """Mark the markets whose best prices have moved, and take the sum."""
    if state.risk[lane].marked_ns == 0:
        set_apart(state, lane)
    moves, marked = int(state.counters[0].best_moves), int(state.moves_marked[lane])
    if moves != marked:
        for place in range(state.lanes[lane].loose):
            alone = state.loose[lane, place]
            if state.markets[alone.market].best_move > marked:
                mark(state, lane, alone)
        state.moves_marked[lane] = moves
    state.risk[lane].unrealised_e6 = unrealised_e6(state, lane)
    state.risk[lane].marked_ns = state.counters[0].now_ns


@cold
def mark_market(state: State, lane: int, slot: int) -> None:
    """A position has changed."""
    if state.loose_places[lane, slot] == 0:
        return
    note_alone(state, lane, slot)
    alone = state.loose[lane, state.loose_places[lane, slot] - 1]
    mark(state, lane, alone)
    if alone.yes_e6 == 0 and alone.no_e6 == 0:
        state.risk[lane].marked_ns = 0  # `set_apart` has something to do


@cold
def mark(state: State, lane: int, alone: Record) -> None:
    slot, gain_e6 = int(alone.market), 0
    if alone.yes_e6 > 0:
        cost_e6 = int(alone.yes_cost_e6)
        gain_e6 += mark_e6(state, slot, YES, int(alone.yes_e6), cost_e6) - cost_e6
    if alone.no_e6 > 0:
        cost_e6 = int(alone.no_cost_e6)
        gain_e6 += mark_e6(state, slot, NO, int(alone.no_e6), cost_e6) - cost_e6
    state.lanes[lane].marked_e6 += gain_e6 - alone.mark_e6
    alone.mark_e6 = gain_e6


@cold
def unrealised_e6(state: State, lane: int) -> int:
    """0 at most: a gain that a lock would put back to cost must not look like a fall later."""
    total_e6 = int(state.lanes[lane].marked_e6)
    if state.lanes[lane].merging == 0:
        return min(total_e6, 0)
    place = next_running(state, lane, 0)
    while place < state.running.shape[1]:
        plan = state.plans[lane, place]
        if plan.merging:
            for position in range(plan.legs):
                leg = state.legs[lane, place, position]
                slot, cost_e6 = int(leg.market), int(leg.whole_cost_e6)
                size_e6 = int(leg.whole_e6)
                total_e6 += cost_e6 - mark_e6(state, slot, int(leg.token), size_e6, cost_e6)
        place = next_running(state, lane, place + 1)
    return min(total_e6, 0)


@cold
def mark_e6(state: State, slot: int, token: int, size_e6: int, cost_e6: int) -> int:
    """What shares bring at the best bid, or by resolution; their cost where no book is known."""
    market = state.markets[slot]
    if market.payout_e4 >= 0:
        return proceeds_e6(share_payout_e4(market, token), size_e6)
    if not market.valid:
        return cost_e6
    bid_e4 = int(market.best_bid_e4)
    if token == NO:
        bid_e4 = PRICE_ONE_E4 - int(market.best_ask_e4)
    return proceeds_e6(bid_e4, size_e6)


@cold
def share_payout_e4(market: Record, token: int) -> int:
    """Of one share of a resolved market."""
    payout_yes_e4 = int(market.payout_e4)
    return payout_yes_e4 if token == YES else PRICE_ONE_E4 - payout_yes_e4
