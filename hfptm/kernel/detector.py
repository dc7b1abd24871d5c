"""What a basket costs and pays, walked through the depth of every leg's book.

A basket is a set of legs bought in equal numbers: one YES and one NO of a crossed market (BINARY),
the NO of every outcome that has a bid (NO_BASKET), the YES of every outcome of a complete group
(YES_BASKET), or the YES of a later and the NO of an earlier outcome by date (NESTED). Buying NO at
q is hitting the YES bid at 1 - q (reference, section 7), so each leg walks one side of one book. A
basket's subject is its market's slot, or its group's.
"""

from hfptm.kernel.book import book_artefact, crossed, next_ask, next_bid
from hfptm.kernel.cash import scaled_e6
from hfptm.kernel.fees import E8, E12, market_fee_per_share_e12
from hfptm.kernel.jit import Record, cold, hot
from hfptm.kernel.nested import NO_PAIR, best_pair, earlier_of, later_of, pair_gross_e4
from hfptm.kernel.plans import LEGS_MAX
from hfptm.kernel.state import WALKED, State
from hfptm.opportunities import OpportunityKind
from hfptm.records import Token
from hfptm.units import NO_BID_E4, ONE_E6, PRICE_ONE_E4

BINARY = OpportunityKind.BINARY.value
NO_BASKET = OpportunityKind.NO_BASKET.value
YES_BASKET = OpportunityKind.YES_BASKET.value
NESTED = OpportunityKind.NESTED.value
YES, NO = Token.YES.value, Token.NO.value

CENT_E6 = 10_000
"""An immediate BUY must spend whole cents (reference, section 3.4); shares come in hundredths."""


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
        leg.limit_e4 = token_price_e4(leg, market)
        leg.left_e6 -= step_e6
        if leg.left_e6 == 0:
            advance(state, leg, market)


@cold
def measure(state: State, lane: int, kind: int, subject: int, cap_e6: int) -> int:
    """Walk up to `cap_e6` sets while one more still pays and the whole keeps the minimum edge.

    Returns the sets; `state.basket[WALKED]` holds their outlay and edge, `state.walk` each leg's
    limit price.
    """
    params, basket = state.params[lane], state.basket[WALKED]
    legs = gather(state, kind, subject)
    payout_e12 = payout_per_set_e12(params, kind, legs)
    sets_e6, outlay_e6, edge_e6 = 0, 0, 0
    while sets_e6 < cap_e6:
        step_e6 = cap_e6 - sets_e6
        for position in range(legs):
            step_e6 = min(step_e6, int(state.walk[position].left_e6))
        cost_e12 = price_set(state, params, legs)
        if step_e6 <= 0 or cost_e12 >= payout_e12:
            break
        more_outlay_e6 = outlay_e6 + scaled_e6(cost_e12, step_e6) + 1
        more_edge_e6 = edge_e6 + scaled_e6(payout_e12 - cost_e12, step_e6)
        if more_edge_e6 * PRICE_ONE_E4 < int(params.min_edge_e4) * more_outlay_e6:
            break
        sets_e6, outlay_e6, edge_e6 = sets_e6 + step_e6, more_outlay_e6, more_edge_e6
        take(state, legs, step_e6)
    basket.sets_e6, basket.outlay_e6, basket.edge_e6 = sets_e6, outlay_e6, edge_e6
    return sets_e6


@cold
def lot_e6(state: State, legs: int) -> int:
    """The smallest number of sets for which every leg spends whole cents at its limit price."""
    hundredths = 1
    for position in range(legs):
        price_e4 = int(state.walk[position].limit_e4)
        need = PRICE_ONE_E4 // greatest_divisor(price_e4, PRICE_ONE_E4)
        hundredths = hundredths // greatest_divisor(hundredths, need) * need
    return hundredths * CENT_E6


@cold
def greatest_divisor(a: int, b: int) -> int:
    while b > 0:
        a, b = b, a % b
    return a


@cold
def fit(state: State, lane: int, kind: int, subject: int, cap_e6: int) -> int:
    """The most sets up to `cap_e6` that the exchange accepts as immediate orders, 0 if none are.

    A smaller size may improve a limit price and so change the lot, hence the loop; sizes only fall.
    """
    sets_e6 = measure(state, lane, kind, subject, cap_e6)
    legs = gather_count(state, kind, subject)
    while sets_e6 > 0:
        whole_e6 = sets_e6 // lot_e6(state, legs) * lot_e6(state, legs)
        if whole_e6 == sets_e6:
            break
        sets_e6 = measure(state, lane, kind, subject, whole_e6)
    for position in range(legs):
        if sets_e6 * int(state.walk[position].limit_e4) < ONE_E6 * PRICE_ONE_E4:
            return 0  # an immediate BUY below one dollar is refused
    return sets_e6


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
