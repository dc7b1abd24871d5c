"""What a lane holds: in which markets, and how much of it has no partner.

The markets are kept as a list, so that marking and closing cost by what is held, not by what is
listed.
"""

from hfptm.kernel.cash import portion_e6
from hfptm.kernel.jit import cold
from hfptm.kernel.plans import Stage
from hfptm.kernel.state import State


@cold
def note_held(state: State, lane: int, slot: int) -> None:
    """A position of this market may have grown: it is on the list from now on."""
    if state.held_places[lane, slot] != 0:
        return
    account = state.lanes[lane]
    state.held[lane, account.held] = slot
    account.held += 1
    state.held_places[lane, slot] = account.held


@cold
def drop_sold(state: State, lane: int) -> None:
    """Take markets of which nothing is left off the list."""
    account = state.lanes[lane]
    place = 0
    while place < account.held:
        slot = int(state.held[lane, place])
        held = state.positions[lane, slot]
        if held[0].size_e6 != 0 or held[1].size_e6 != 0:
            place += 1
            continue
        last = int(state.held[lane, account.held - 1])
        state.held[lane, place] = last
        state.held_places[lane, last] = place + 1
        state.held_places[lane, slot] = 0
        account.held -= 1


@cold
def drift_e6(state: State, lane: int, group: int, subject: int) -> int:
    """Cost of the shares of an event that are there without partners: neither locked, nor in a set
    on its way to cash, nor in a plan whose entry orders are out. As many YES as NO of one market
    are partners, whoever bought them. `subject`: the market itself if `group` is -1.
    """
    if group < 0:
        return unpaired_e6(state, lane, subject)
    total_e6 = 0
    for member in range(state.groups[group].members):
        total_e6 += unpaired_e6(state, lane, int(state.members[group, member]))
    return total_e6


@cold
def unpaired_e6(state: State, lane: int, slot: int) -> int:
    if state.held_places[lane, slot] == 0:
        return 0
    yes_e6, yes_cost_e6 = alone(state, lane, slot, 0)
    no_e6, no_cost_e6 = alone(state, lane, slot, 1)
    if yes_e6 > no_e6:
        return portion_e6(yes_cost_e6, yes_e6 - no_e6, yes_e6)
    return portion_e6(no_cost_e6, no_e6 - yes_e6, no_e6)


@cold
def alone(state: State, lane: int, slot: int, token: int) -> tuple[int, int]:
    """Shares of one token that belong to no basket and no entry under way, and their cost."""
    held = state.positions[lane, slot, token]
    size_e6 = int(held.size_e6) - int(held.locked_size_e6)
    cost_e6 = int(held.cost_e6) - int(held.locked_cost_e6)
    for place in range(state.plans.shape[1]):
        plan = state.plans[lane, place]
        if plan.stage == Stage.FREE:
            continue
        for position in range(plan.legs):
            leg = state.legs[lane, place, position]
            if leg.market == slot and leg.token == token:
                size_e6 -= int(leg.whole_e6)
                cost_e6 -= int(leg.whole_cost_e6)
                if plan.stage == Stage.WORKING or plan.stage == Stage.LEADING:
                    size_e6 -= int(leg.filled_e6)
                    cost_e6 -= int(leg.cost_e6)
    return max(size_e6, 0), max(cost_e6, 0)
