"""How many sets to send: what is expected of them is largest, and the exchange takes them.

An immediate BUY spends dollars: its limit price times its shares. Where its walk used better
levels than its limit, dollars are left, and they buy more shares at the limit while there are any.
Such shares complete sets as far as every leg has them; the rest is residue, to be sold at the bid.
With orders that name shares nothing is left over.
"""

from hfptm.kernel.cash import scaled_e6
from hfptm.kernel.detector import (
    extend,
    gather,
    is_short_basket,
    least_edge_e4,
    margin_e10,
    next_step_e6,
    payout_per_set_e12,
    price_set,
    take,
    token_price_e4,
    walk_to,
)
from hfptm.kernel.fees import E8, market_fee_per_share_e12
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.sizes import entry_type, greatest_divisor, least_e6, lot_e6, spends_dollars
from hfptm.kernel.state import DISPLAYED, EXPECTED, SETS_MAX_E6, TRIED, WALKED, State
from hfptm.records import LegPolicy, Token
from hfptm.units import ONE_E6, PRICE_ONE_E4

BASE_MAX_E6 = 9_000_000 * ONE_E6
GROWTH_MAX_E4 = 10 * PRICE_ONE_E4
"""More dollars, or an edge above 1,000 %, are not told apart: their product would leave 64 bits."""


@cold
def most_outlay_e6(state: State, lane: int, legs: int) -> int:
    """What one plan of the legs in `state.walk` may cost: it grows with the displayed edge, and is
    small as long as too few plans have proved themselves.
    """
    params, displayed = state.params[lane], state.basket[DISPLAYED]
    limit_e6 = int(params.max_outlay_e6)
    if state.risk[lane].proven_plans < params.canary_plans:
        limit_e6 = min(limit_e6, int(params.canary_outlay_e6))
    if is_short_basket(state, legs):
        limit_e6 = min(limit_e6, int(params.window_max_outlay_e6))
    least_e4 = least_edge_e4(state, lane, legs)
    if params.edge_scaled_share_e4 == 0 or least_e4 == 0 or displayed.outlay_e6 == 0:
        return limit_e6
    bankroll_e6 = min(int(params.bankroll_e6), BASE_MAX_E6)
    base_e6 = bankroll_e6 * int(params.edge_scaled_share_e4) // PRICE_ONE_E4
    edge_e4 = int(displayed.edge_e6) * PRICE_ONE_E4 // int(displayed.outlay_e6)
    return min(limit_e6, base_e6 * min(edge_e4, GROWTH_MAX_E4) // least_e4)


@cold
def common_lot_e6(state: State, order_type: int, legs: int) -> int:
    """The smallest number of sets that every leg may ask for at its limit price."""
    common_e6 = 1
    for position in range(legs):
        lot = lot_e6(order_type, int(state.walk[position].limit_e4))
        common_e6 = common_e6 // greatest_divisor(common_e6, lot) * lot
    return common_e6


@cold
def fewest_e6(state: State, order_type: int, legs: int) -> int:
    """Least sets that every leg's market takes."""
    fewest = 1
    for position in range(legs):
        leg = state.walk[position]
        fewest = max(fewest, least_e6(state, int(leg.market), order_type, int(leg.limit_e4)))
    return fewest


@cold
def spare_e6(state: State, params: Record, position: int) -> int:
    """Shares at its limit that a leg's left-over dollars buy, if they are there."""
    if not spends_dollars(entry_type(int(params.leg_policy))):
        return 0
    leg, sets_e6 = state.walk[position], int(state.basket[WALKED].sets_e6)
    limit_e4 = int(leg.limit_e4)
    return (sets_e6 * limit_e4 - int(leg.spent_e10)) // limit_e4


@cold
def fit(state: State, lane: int, kind: int, subject: int, cap_e6: int) -> int:
    """The sets, up to `cap_e6`, of which most is expected; 0 if none are accepted.

    `state.basket[EXPECTED]` holds what is expected of them, `state.walk` each leg's limit price.
    """
    params, walked = state.params[lane], state.basket[WALKED]
    state.basket[EXPECTED].sets_e6 = state.basket[EXPECTED].edge_e6 = 0
    legs = gather(state, kind, subject)
    payout_e12 = payout_per_set_e12(params, kind, legs)
    walked.sets_e6 = walked.outlay_e6 = walked.edge_e6 = 0
    while walked.sets_e6 < cap_e6:
        step_e6 = next_step_e6(state, legs, cap_e6 - int(walked.sets_e6))
        cost_e12 = price_set(state, params, legs)
        if step_e6 <= 0 or cost_e12 >= payout_e12:
            break
        try_level(state, lane, legs, step_e6, cost_e12, payout_e12 - cost_e12)
        extend(walked, step_e6, cost_e12, payout_e12 - cost_e12)
        take(state, legs, step_e6)
    walk_to(state, kind, subject, int(state.basket[EXPECTED].sets_e6))
    return int(state.basket[EXPECTED].sets_e6)


@cold
def try_level(
    state: State, lane: int, legs: int, step_e6: int, cost_e12: int, gain_e12: int
) -> None:
    """Compare the sizes that end at the levels the walk stands on with the best so far.

    As the size grows here, the result grows until a leg finds no more spare shares to match those
    of the others, and falls from there (docs/strategy.md): so the sizes on both sides of that turn
    are tried. Where the one before it breaks the least edge, the largest that keeps it is sought.
    """
    params = state.params[lane]
    base_e6 = int(state.basket[WALKED].sets_e6)
    for position in range(legs):
        leg = state.walk[position]
        leg.limit_e4 = token_price_e4(leg, state.markets[leg.market])
    order_type = entry_type(int(params.leg_policy))
    lot = common_lot_e6(state, order_type, legs)
    first_e6 = max(fewest_e6(state, order_type, legs), base_e6 + 1)
    first_e6 = (first_e6 + lot - 1) // lot * lot
    if first_e6 > base_e6 + step_e6:
        return
    before_e6 = max((base_e6 + turn(state, params, legs, step_e6)) // lot * lot, first_e6)
    keeps = expect(state, lane, legs, before_e6, cost_e12, gain_e12)
    if before_e6 + lot <= base_e6 + step_e6:
        expect(state, lane, legs, before_e6 + lot, cost_e12, gain_e12)
    if keeps or not expect(state, lane, legs, first_e6, cost_e12, gain_e12):
        return
    lots = (
        before_e6 - first_e6
    ) // lot  # sizes from the first that keeps the edge to one that does not
    while lots > 1:
        middle_e6 = first_e6 + lots // 2 * lot
        if expect(state, lane, legs, middle_e6, cost_e12, gain_e12):
            first_e6 = middle_e6
            lots -= lots // 2
        else:
            lots //= 2


@cold
def turn(state: State, params: Record, legs: int, step_e6: int) -> int:
    """How many more sets than the walk so far have the largest result."""
    left_e6 = fewest_spare_e6 = room_e6 = SETS_MAX_E6
    for position in range(legs):
        there_e6, spare = int(state.walk[position].left_e6), spare_e6(state, params, position)
        left_e6, fewest_spare_e6 = min(left_e6, there_e6), min(fewest_spare_e6, spare)
        room_e6 = min(room_e6, there_e6 - spare)
    if params.leg_policy != LegPolicy.FOK:
        room_e6 = left_e6 - fewest_spare_e6
    return max(min(step_e6, room_e6), 0)


@cold
def expect(state: State, lane: int, legs: int, sets_e6: int, cost_e12: int, gain_e12: int) -> bool:
    """Whether `sets_e6` with their residue keep the least edge; noted if most is expected of them.

    A fill-or-kill order that cannot spend all its dollars is no size at all.
    """
    params, tried, best = state.params[lane], state.basket[TRIED], state.basket[EXPECTED]
    walked = state.basket[WALKED]
    more_e6 = sets_e6 - int(walked.sets_e6)
    tried.sets_e6, tried.outlay_e6, tried.edge_e6 = walked.sets_e6, walked.outlay_e6, walked.edge_e6
    extend(tried, more_e6, cost_e12, gain_e12)
    extra_e6 = SETS_MAX_E6
    for position in range(legs):
        room_e6 = int(state.walk[position].left_e6) - more_e6
        spare = spare_e6(state, params, position)
        if params.leg_policy == LegPolicy.FOK and spare > room_e6:
            return False
        extra_e6 = min(extra_e6, spare, room_e6)
    tried.edge_e6 += scaled_e6(gain_e12, extra_e6)
    for position in range(legs):
        leg = state.walk[position]
        bought_e6 = min(spare_e6(state, params, position), int(leg.left_e6) - more_e6)
        share_e12 = share_cost_e12(state, params, position)
        loss_e12 = share_e12 - share_proceeds_e12(state, params, position)
        tried.outlay_e6 += scaled_e6(share_e12, bought_e6) + 1
        tried.edge_e6 -= scaled_e6(loss_e12, bought_e6 - extra_e6) + 1
    if margin_e10(tried, least_edge_e4(state, lane, legs)) < 0:
        return False
    if tried.edge_e6 > best.edge_e6:
        best.sets_e6, best.outlay_e6, best.edge_e6 = sets_e6, tried.outlay_e6, tried.edge_e6
    return True


@cold
def share_cost_e12(state: State, params: Record, position: int) -> int:
    leg = state.walk[position]
    limit_e4 = int(leg.limit_e4)
    return limit_e4 * E8 + market_fee_per_share_e12(params, state.markets[leg.market], limit_e4)


@cold
def share_proceeds_e12(state: State, params: Record, position: int) -> int:
    """What a share without partners brings at the best bid; that of a crossed book is gone by then.

    So it is taken to lie below the price that was paid.
    """
    leg = state.walk[position]
    market = state.markets[leg.market]
    bid_e4 = int(market.best_bid_e4)
    if leg.token == Token.NO:
        bid_e4 = PRICE_ONE_E4 - int(market.best_ask_e4)
    bid_e4 = min(bid_e4, int(leg.limit_e4) - int(market.tick_e4))
    return max(bid_e4 * E8 - market_fee_per_share_e12(params, market, bid_e4), 0)
