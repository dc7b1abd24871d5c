"""What a basket costs and pays, walked through the depth of every leg's book.

A basket is a set of legs bought in equal numbers: one YES and one NO of a crossed market (BINARY),
the NO of every outcome that has a bid (NO_BASKET), the YES of every outcome of a complete group
(YES_BASKET), or the YES of a later and the NO of an earlier outcome by date (NESTED). Buying NO at
q is hitting the YES bid at 1 - q (reference, section 7), so each leg walks one side of one book. A
basket's subject is its market's slot, or its group's.
"""

from hfptm.kernel.book import book_artefact, crossed, next_ask, next_bid
from hfptm.kernel.cash import portion_e6, scaled_e6
from hfptm.kernel.fees import E8, E12, market_fee_per_share_e12
from hfptm.kernel.jit import Record, cold, hot
from hfptm.kernel.nested import NO_PAIR, best_pair, earlier_of, later_of, pair_gross_e4
from hfptm.kernel.plans import LEGS_MAX
from hfptm.kernel.state import WALKED, State
from hfptm.opportunities import OpportunityKind
from hfptm.records import MarketTrait, Token
from hfptm.units import NO_BID_E4, PRICE_ONE_E4

BINARY = OpportunityKind.BINARY.value
NO_BASKET = OpportunityKind.NO_BASKET.value
YES_BASKET = OpportunityKind.YES_BASKET.value
NESTED = OpportunityKind.NESTED.value
YES, NO = Token.YES.value, Token.NO.value


@hot
def worth_a_look(state: State, market: Record) -> bool:
    """Whether a basket of this market or its group may begin, go on or end: a cheap superset."""
    if market.active or crossed(market):
        return True
    if market.group < 0:
        return False
    group = state.groups[market.group]
    if group.nested and market.moved:
        market.moved = 0
        if best_pair(state, int(market.group)) != NO_PAIR:
            return True
    return bool(
        group.active
        or group.sum_bid_e4 > group.no_above_e4
        or group.sum_ask_e4 < group.yes_below_e4
    )


@cold
def gross_e4(state: State, kind: int, subject: int) -> int:
    """What one set pays less what it costs at the best prices, before fees."""
    if kind == BINARY:
        market = state.markets[subject]
        return int(market.best_bid_e4) - int(market.best_ask_e4)
    if kind == NESTED:
        return pair_gross_e4(state, subject)
    group = state.groups[subject]
    if kind == NO_BASKET:
        return int(group.sum_bid_e4) - int(group.no_above_e4)
    return int(group.yes_below_e4) - int(group.sum_ask_e4)


@cold
def artefact_of(state: State, kind: int, subject: int) -> int:
    """The first reason to distrust a book that the basket uses; Artefact.NONE if there is none."""
    if kind == BINARY:
        return book_artefact(state.markets[subject])
    if kind == NESTED:
        pair = best_pair(state, subject)
        artefact = book_artefact(state.markets[earlier_of(state, subject, pair)])
        if artefact != 0:
            return artefact
        return book_artefact(state.markets[later_of(state, subject, pair)])
    for member in range(state.groups[subject].members):
        market = state.markets[state.members[subject, member]]
        if kind == YES_BASKET or market.best_bid_e4 > NO_BID_E4:
            artefact = book_artefact(market)
            if artefact != 0:
                return artefact
    return 0


@cold
def gather(state: State, kind: int, subject: int) -> int:
    """Stand every leg of the basket on its best level, those beyond LEGS_MAX left out; all legs."""
    if kind == BINARY:
        stand(state, 0, subject, YES)
        stand(state, 1, subject, NO)
        return 2
    if kind == NESTED:
        pair = best_pair(state, subject)
        stand(state, 0, later_of(state, subject, pair), YES)
        stand(state, 1, earlier_of(state, subject, pair), NO)
        return 2
    legs = 0
    for member in range(state.groups[subject].members):
        slot = int(state.members[subject, member])
        if kind == NO_BASKET and state.markets[slot].best_bid_e4 == NO_BID_E4:
            continue
        if legs < LEGS_MAX:
            stand(state, legs, slot, YES if kind == YES_BASKET else NO)
        legs += 1
    return legs


@cold
def stand(state: State, position: int, slot: int, token: int) -> None:
    leg, market = state.walk[position], state.markets[slot]
    leg.market = slot
    leg.token = token
    best_e4 = market.best_ask_e4 if token == YES else market.best_bid_e4
    leg.index = best_e4 // market.tick_e4
    leg.limit_e4 = token_price_e4(leg, market)
    leg.left_e6 = level_e6(state, leg, market)
    leg.spent_e10 = 0


@cold
def level_e6(state: State, leg: Record, market: Record) -> int:
    side = market.count if leg.token == YES else 0
    return int(state.levels[market.offset + side + leg.index])


@cold
def token_price_e4(leg: Record, market: Record) -> int:
    """Price of the leg's level in its own token's terms."""
    price_e4 = int(leg.index) * int(market.tick_e4)
    return price_e4 if leg.token == YES else PRICE_ONE_E4 - price_e4


@cold
def advance(state: State, leg: Record, market: Record) -> None:
    """Step a leg to its next worse level; left_e6 stays 0 if its side has no more."""
    if leg.token == YES:
        leg.index = next_ask(state, market, int(leg.index) + 1)
    else:
        leg.index = next_bid(state, market, int(leg.index) - 1)
    leg.left_e6 = level_e6(state, leg, market)


@cold
def payout_per_set_e12(params: Record, kind: int, legs: int) -> int:
    """A NO basket of k legs pays k - 1 at least: at most one of its outcomes wins."""
    winners = legs - 1 if kind == NO_BASKET else 1
    return winners * (E12 - E8 * int(params.payout_fee_e4))


@cold
def price_set(state: State, params: Record, legs: int) -> int:
    """Cost of one set at the levels the legs stand on, fees included, e12."""
    total_e12 = 0
    for position in range(legs):
        leg = state.walk[position]
        market = state.markets[leg.market]
        price_e4 = token_price_e4(leg, market)
        total_e12 += price_e4 * E8 + market_fee_per_share_e12(params, market, price_e4)
    return total_e12


@cold
def take(state: State, legs: int, step_e6: int) -> None:
    """Take `step_e6` from every leg's level and move on the legs that it empties."""
    for position in range(legs):
        leg = state.walk[position]
        market = state.markets[leg.market]
        price_e4 = token_price_e4(leg, market)
        leg.limit_e4 = price_e4
        leg.spent_e10 += step_e6 * price_e4
        leg.left_e6 -= step_e6
        if leg.left_e6 == 0:
            advance(state, leg, market)


@cold
def next_step_e6(state: State, legs: int, room_e6: int) -> int:
    """Sets that every leg's level holds, `room_e6` at most."""
    for position in range(legs):
        room_e6 = min(room_e6, int(state.walk[position].left_e6))
    return room_e6


@cold
def is_short_window(market: Record) -> bool:
    return bool(market.traits & MarketTrait.SHORT_WINDOW)


@cold
def is_short_basket(state: State, legs: int) -> bool:
    """Whether the rules of short windows hold: for baskets of nothing else."""
    for position in range(legs):
        if not is_short_window(state.markets[state.walk[position].market]):
            return False
    return True


@cold
def least_edge_e4(state: State, lane: int, legs: int) -> int:
    """Least net profit over outlay of the legs in `state.walk`."""
    params = state.params[lane]
    return int(params.window_min_edge_e4 if is_short_basket(state, legs) else params.min_edge_e4)


@cold
def margin_e10(basket: Record, least_e4: int) -> int:
    """By how much a basket's edge exceeds the least edge, in ten-thousandths of cash."""
    return int(basket.edge_e6) * PRICE_ONE_E4 - least_e4 * int(basket.outlay_e6)


@cold
def extend(basket: Record, step_e6: int, cost_e12: int, gain_e12: int) -> None:
    """Add sets of one price: outlay rounded up, edge down."""
    basket.sets_e6 += step_e6
    basket.outlay_e6 += scaled_e6(cost_e12, step_e6) + 1
    basket.edge_e6 += scaled_e6(gain_e12, step_e6)


@cold
def kept_e6(walked: Record, step_e6: int, cost_e12: int, gain_e12: int, least_e4: int) -> int:
    """The part of a step with which the whole keeps the least edge.

    The margin is linear in the step but for roundings: one of the outlay, one of the edge.
    """
    before_e10 = max(margin_e10(walked, least_e4) - least_e4 - PRICE_ONE_E4, 0)
    gain_e10 = scaled_e6(gain_e12, step_e6) * PRICE_ONE_E4
    change_e10 = gain_e10 - least_e4 * (scaled_e6(cost_e12, step_e6) + 1)
    if margin_e10(walked, least_e4) + change_e10 >= 0:
        return step_e6
    return portion_e6(step_e6, before_e10, -change_e10)


@cold
def measure(state: State, lane: int, kind: int, subject: int, cap_e6: int) -> int:
    """Walk up to `cap_e6` sets while one more still pays and the whole keeps the minimum edge.

    Returns the sets; `state.basket[WALKED]` holds their outlay and edge, `state.walk` each leg's
    limit price.
    """
    params, walked = state.params[lane], state.basket[WALKED]
    legs = gather(state, kind, subject)
    payout_e12 = payout_per_set_e12(params, kind, legs)
    least_e4 = least_edge_e4(state, lane, legs)
    walked.sets_e6 = walked.outlay_e6 = walked.edge_e6 = 0
    while walked.sets_e6 < cap_e6:
        step_e6 = next_step_e6(state, legs, cap_e6 - int(walked.sets_e6))
        cost_e12 = price_set(state, params, legs)
        if step_e6 <= 0 or cost_e12 >= payout_e12:
            break
        kept = kept_e6(walked, step_e6, cost_e12, payout_e12 - cost_e12, least_e4)
        if kept > 0:
            extend(walked, kept, cost_e12, payout_e12 - cost_e12)
            take(state, legs, kept)
        if kept < step_e6:
            break
    return int(walked.sets_e6)


@cold
def walk_to(state: State, kind: int, subject: int, sets_e6: int) -> None:
    """Leave each leg in `state.walk` with the limit price of that many sets, which are there."""
    legs = gather(state, kind, subject)
    while sets_e6 > 0:
        step_e6 = next_step_e6(state, legs, sets_e6)
        take(state, legs, step_e6)
        sets_e6 -= step_e6


@cold
def gather_count(state: State, kind: int, subject: int) -> int:
    """How many legs `gather` would stand."""
    if kind == YES_BASKET:
        return int(state.groups[subject].members)
    if kind != NO_BASKET:
        return 2
    legs = 0
    for member in range(state.groups[subject].members):
        if state.markets[state.members[subject, member]].best_bid_e4 > NO_BID_E4:
            legs += 1
    return legs
