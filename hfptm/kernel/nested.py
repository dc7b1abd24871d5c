"""Outcomes by date: their order, and the pair whose prices contradict it.

The earlier outcome implies the later one, so the YES of the later and the NO of the earlier pay 1
at least, and 2 if it happens between their dates. They cost less than 1 where the earlier is bid
above the later's ask.
"""

from hfptm.kernel.book import book_artefact
from hfptm.kernel.jit import cold
from hfptm.kernel.state import MEMBERS_MAX, State
from hfptm.units import NO_BID_E4

NO_PAIR = -1


@cold
def place_by_end(state: State, group_slot: int, end_ts_ns: int) -> int:
    """Where a market with this end enters `members`: behind all others unless the group is nested.

    An end that is unknown or another member's leaves the group without an order, so without pairs.
    """
    group = state.groups[group_slot]
    place = int(group.members)
    if not group.nested:
        return place
    if end_ts_ns <= 0:
        group.nested = 0
    while place > 0:
        before_ns = state.markets[state.members[group_slot, place - 1]].end_ts_ns
        if before_ns == end_ts_ns:
            group.nested = 0
        if before_ns <= end_ts_ns:
            break
        place -= 1
    return place


@cold
def best_pair(state: State, group_slot: int) -> int:
    """The pair that gains most at its best prices, for `earlier_of` and `later_of`; or NO_PAIR.

    A pair whose books can be trusted goes before all others: a bad book hides no real edge.
    """
    if not state.groups[group_slot].nested:
        return NO_PAIR
    pair = best_pair_among(state, group_slot, True)
    if pair != NO_PAIR:
        return pair
    return best_pair_among(state, group_slot, False)


@cold
def best_pair_among(state: State, group_slot: int, trusted: bool) -> int:
    """One pass: against each ask stands the highest bid of all outcomes before it."""
    pair, earlier = NO_PAIR, NO_PAIR
    highest_e4, most_e4 = NO_BID_E4, 0
    for place in range(state.groups[group_slot].members):
        market = state.markets[state.members[group_slot, place]]
        if trusted and book_artefact(market) != 0:
            continue
        if highest_e4 - market.best_ask_e4 > most_e4:
            most_e4 = highest_e4 - market.best_ask_e4
            pair = earlier * MEMBERS_MAX + place
        if market.best_bid_e4 > highest_e4:
            highest_e4, earlier = int(market.best_bid_e4), place
    return pair


@cold
def earlier_of(state: State, group_slot: int, pair: int) -> int:
    """Market slot of a pair's earlier outcome."""
    return int(state.members[group_slot, pair // MEMBERS_MAX])


@cold
def later_of(state: State, group_slot: int, pair: int) -> int:
    return int(state.members[group_slot, pair % MEMBERS_MAX])


@cold
def pair_gross_e4(state: State, group_slot: int) -> int:
    """What the best pair pays less what it costs at its best prices, 0 if there is none."""
    pair = best_pair(state, group_slot)
    if pair == NO_PAIR:
        return 0
    bid_e4 = state.markets[earlier_of(state, group_slot, pair)].best_bid_e4
    return int(bid_e4) - int(state.markets[later_of(state, group_slot, pair)].best_ask_e4)
