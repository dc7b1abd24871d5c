"""What a lane holds: in which markets, and how much of it has no partner.

The markets are kept as a list, so that closing costs by what is held, not by what is listed. Those
with shares that belong to no locked basket are on a second list: of no other a mark is asked.
"""

from hfptm.kernel.cash import portion_e6
from hfptm.kernel.fees import payout_e6
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.plans import Stage
from hfptm.kernel.running import next_running
from hfptm.kernel.state import State
from hfptm.opportunities import Relation

SHARES_MAX_E6 = 1 << 62


@cold
def realise(state: State, lane: int, slot: int, gain_e6: int) -> None:
    """Profit, or loss, that a market brought; of a basket each of its markets brings a part."""
    state.lanes[lane].realised_e6 += gain_e6
    state.realised[slot, lane] += gain_e6


@cold
def note_held(state: State, lane: int, slot: int) -> None:
    """A position of this market may have changed: it is looked at from now on."""
    account = state.lanes[lane]
    if state.held_places[lane, slot] == 0:
        state.held[lane, account.held] = slot
        account.held += 1
        state.held_places[lane, slot] = account.held
    if state.loose_places[lane, slot] == 0:
        state.loose[lane, account.loose].market = slot
        state.loose[lane, account.loose].mark_e6 = 0
        account.loose += 1
        state.loose_places[lane, slot] = account.loose
    note_alone(state, lane, slot)


@cold
def note_alone(state: State, lane: int, slot: int) -> None:
    """What of a loose market belongs to no locked basket."""
    alone = state.loose[lane, state.loose_places[lane, slot] - 1]
    yes, no = state.positions[lane, slot, 0], state.positions[lane, slot, 1]
    alone.yes_e6 = yes.size_e6 - yes.locked_size_e6
    alone.yes_cost_e6 = yes.cost_e6 - yes.locked_cost_e6
    alone.no_e6 = no.size_e6 - no.locked_size_e6
    alone.no_cost_e6 = no.cost_e6 - no.locked_cost_e6


@cold
def set_apart(state: State, lane: int) -> None:
    """Take markets off the loose ones of which nothing is held any more but what is locked, and
    the sold among them off the list of those held."""
    account, place, end = state.lanes[lane], 0, int(state.lanes[lane].loose)
    while place < account.loose:
        alone = state.loose[lane, place]
        if alone.yes_e6 != 0 or alone.no_e6 != 0:
            place += 1
            continue
        account.loose -= 1
        slot, last = int(alone.market), state.loose[lane, account.loose]
        account.marked_e6 -= alone.mark_e6
        state.loose_places[lane, last.market] = place + 1
        state.loose_places[lane, slot] = 0
        move_alone(last, alone)
        last.market = slot
    drop_sold(state, lane, end)


@cold
def move_alone(source: Record, target: Record) -> None:
    target.market = source.market
    target.yes_e6, target.yes_cost_e6 = source.yes_e6, source.yes_cost_e6
    target.no_e6, target.no_cost_e6 = source.no_e6, source.no_cost_e6
    target.mark_e6 = source.mark_e6


@cold
def drop_sold(state: State, lane: int, end: int) -> None:
    """Take the sold off the list, the first on it first; the last takes a dropped one's place.

    They stand behind the loose ones in `State.loose`, up to `end`.
    """
    account = state.lanes[lane]
    first = first_sold(state, lane, end)
    while first < account.held:
        slot, last = int(state.held[lane, first]), int(state.held[lane, account.held - 1])
        state.held[lane, first] = last
        state.held_places[lane, last] = first + 1
        state.held_places[lane, slot] = 0
        account.held -= 1
        first = first_sold(state, lane, end)


@cold
def first_sold(state: State, lane: int, end: int) -> int:
    """Where the first of them stands, `lanes.held` if there is none."""
    first = int(state.lanes[lane].held)
    for place in range(state.lanes[lane].loose, end):
        slot = int(state.loose[lane, place].market)
        held, stands = state.positions[lane, slot], int(state.held_places[lane, slot])
        if stands != 0 and held[0].size_e6 == 0 and held[1].size_e6 == 0:
            first = min(first, stands - 1)
    return first


@cold
def drift_e6(state: State, lane: int, group: int, subject: int) -> int:
    """What the shares of an event that are there without partners may lose, whatever its outcome:
    their cost less what they pay at least. `subject`: the market itself if `group` is -1.

    They are neither locked, nor in a set on its way to cash, nor in a plan whose entry orders are
    out. As many YES as NO of one market are partners, whoever bought them.
    """
    if group < 0:
        return unpaired(state, lane, subject)[1]
    cost_e6 = 0
    for member in range(state.groups[group].members):
        cost_e6 += unpaired(state, lane, int(state.members[group, member]))[1]
    paid_e6 = payout_e6(state.params[lane], least_payout_e6(state, lane, group))
    return max(cost_e6 - paid_e6, 0)


@cold
def least_payout_e6(state: State, lane: int, group: int) -> int:
    """What those shares pay together in the worst of the outcomes that the relation allows.

    Exclusive: every NO pays but the winner's, whose YES pays instead; or nobody here wins. By date:
    from some outcome on, which may be the first or none, each YES pays, and before it each NO.
    """
    relation, members = int(state.groups[group].relation), int(state.groups[group].members)
    if relation == Relation.NONE:
        return 0
    somebody_wins = relation == Relation.EXACTLY_ONE and members == state.groups[group].expected
    paid_e6, before_e6, worst_e6 = 0, 0, SHARES_MAX_E6 if somebody_wins else 0
    for member in range(members):
        net_e6 = unpaired(state, lane, int(state.members[group, member]))[0]
        if relation == Relation.NESTED:
            paid_e6 += max(net_e6, 0)
            before_e6 -= net_e6
            worst_e6 = min(worst_e6, before_e6)
        else:
            paid_e6 += max(-net_e6, 0)
            worst_e6 = min(worst_e6, net_e6)
    return paid_e6 + worst_e6


@cold
def unpaired(state: State, lane: int, slot: int) -> tuple[int, int]:
    """YES shares of a market beyond its NO, below 0 the other way round; and what they cost."""
    if state.held_places[lane, slot] == 0:
        return 0, 0
    yes_e6, yes_cost_e6 = alone(state, lane, slot, 0)
    no_e6, no_cost_e6 = alone(state, lane, slot, 1)
    net_e6 = yes_e6 - no_e6
    if net_e6 > 0:
        return net_e6, portion_e6(yes_cost_e6, net_e6, yes_e6)
    return net_e6, portion_e6(no_cost_e6, -net_e6, no_e6)


@cold
def alone(state: State, lane: int, slot: int, token: int) -> tuple[int, int]:
    """Shares of one token that belong to no basket and no entry under way, and their cost."""
    held = state.positions[lane, slot, token]
    size_e6 = int(held.size_e6) - int(held.locked_size_e6)
    cost_e6 = int(held.cost_e6) - int(held.locked_cost_e6)
    place = next_running(state, lane, 0)
    while place < state.running.shape[1]:
        plan = state.plans[lane, place]
        for position in range(plan.legs):
            leg = state.legs[lane, place, position]
            if leg.market == slot and leg.token == token:
                size_e6 -= int(leg.whole_e6)
                cost_e6 -= int(leg.whole_cost_e6)
                if plan.stage == Stage.WORKING or plan.stage == Stage.LEADING:
                    size_e6 -= int(leg.filled_e6)
                    cost_e6 -= int(leg.cost_e6)
        place = next_running(state, lane, place + 1)
    return max(size_e6, 0), max(cost_e6, 0)
