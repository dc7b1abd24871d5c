"""What forbids every new plan, whatever its size, and when it does.

The result is realised profit and what is held, marked: shares without partners at the best bid,
at cost where no book is known; locked baskets, and complete sets on their way to cash, at cost. It
is looked at after every report and timer and before every new plan; between those, marks are at
most `MARK_NS` old. A loss beyond a limit latches: only `Control.RESUME` lifts it, no new day does.
"""

from hfptm.kernel.cash import proceeds_e6
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.plans import Stage
from hfptm.kernel.state import DISPLAYED, WALKED, State
from hfptm.opportunities import OpportunityKind, Reason
from hfptm.records import Control, Token
from hfptm.units import NS_PER_S, ONE_E6, PRICE_ONE_E4

DAY_NS = 86_400 * NS_PER_S
MARK_NS = NS_PER_S
RETURN_MAX_E6 = 10**12
"""A higher return is not told apart: its product with a day would leave 64 bits."""


@cold
def forbidden(state: State, lane: int, kind: int, subject: int, legs: int) -> int:
    """The first Reason against a new plan of the legs in `state.walk`, 0 if there is none.

    `basket.limit` and `basket.value` hold its numbers: e6, nanoseconds or a count.
    """
    reason = barred(state, lane, legs)
    return reason if reason != 0 else unworthy(state, lane, kind, subject, legs)


@cold
def unworthy(state: State, lane: int, kind: int, subject: int, legs: int) -> int:
    """What is wrong with the basket as it is displayed, whatever may be bought of it."""
    params, basket = state.params[lane], state.basket[WALKED]
    sets_e6 = int(state.basket[DISPLAYED].sets_e6)
    if sets_e6 < params.min_liquidity_e6:
        reason = Reason.LIQUIDITY_BELOW_MINIMUM.value
        return refuse(basket, reason, int(params.min_liquidity_e6), sets_e6)
    if params.min_return_e6 > 0 and is_locked(state, kind, subject):
        return_e6 = daily_return_e6(state, legs)
        if return_e6 < params.min_return_e6:
            reason = Reason.RETURN_BELOW_MINIMUM.value
            return refuse(basket, reason, int(params.min_return_e6), return_e6)
    return 0


@cold
def is_locked(state: State, kind: int, subject: int) -> bool:
    """Whether a basket pays at resolution only, not by a merge or a conversion."""
    if kind == OpportunityKind.BINARY:
        return False
    return bool(kind != OpportunityKind.NO_BASKET or not state.groups[subject].convertible)


@cold
def daily_return_e6(state: State, legs: int) -> int:
    """Displayed profit over outlay for each day until the last leg's end, of one day at least.

    0 if an end is unknown: such a basket may be locked for ever.
    """
    last_ns = 0
    for position in range(legs):
        end_ns = int(state.markets[state.walk[position].market].end_ts_ns)
        if end_ns == 0:
            return 0
        last_ns = max(last_ns, end_ns)
    displayed = state.basket[DISPLAYED]
    return_e6 = int(displayed.edge_e6) * ONE_E6 // int(displayed.outlay_e6)
    locked_s = max(last_ns - int(state.counters[0].now_ns), DAY_NS) // NS_PER_S
    return min(return_e6, RETURN_MAX_E6) * (DAY_NS // NS_PER_S) // locked_s


@cold
def barred(state: State, lane: int, legs: int) -> int:
    """What forbids any plan of these legs."""
    check_result(state, lane)
    risk, params, basket = state.risk[lane], state.params[lane], state.basket[WALKED]
    now_ns = int(state.counters[0].now_ns)
    newest_ns, oldest_ns = book_times(state, legs)
    running = running_plans(state, lane)
    if risk.latch != 0:
        return refuse(basket, int(risk.latch), int(risk.latch_limit), int(risk.latch_value))
    if now_ns < risk.paused_until_ns:
        failures = int(risk.failures)
        return refuse(basket, Reason.FAILURES.value, int(params.max_failures), failures)
    if now_ns - newest_ns > params.max_lag_ns:
        lag_ns = now_ns - newest_ns
        return refuse(basket, Reason.FEED_LAG.value, int(params.max_lag_ns), lag_ns)
    if params.max_age_ns > 0 and now_ns - oldest_ns > params.max_age_ns:
        age_ns = now_ns - oldest_ns
        return refuse(basket, Reason.STALE_BOOK.value, int(params.max_age_ns), age_ns)
    if running >= params.max_plans:
        return refuse(basket, Reason.CONCURRENT_PLANS.value, int(params.max_plans), running)
    return 0


@cold
def refuse(basket: Record, reason: int, limit: int, value: int) -> int:
    basket.binding, basket.limit, basket.value = reason, limit, value
    return reason


@cold
def book_times(state: State, legs: int) -> tuple[int, int]:
    """Exchange times of the last change, of the newest and of the oldest book among the legs."""
    newest_ns = oldest_ns = int(state.markets[state.walk[0].market].batch_ts_ns)
    for position in range(1, legs):
        batch_ns = int(state.markets[state.walk[position].market].batch_ts_ns)
        newest_ns, oldest_ns = max(newest_ns, batch_ns), min(oldest_ns, batch_ns)
    return newest_ns, oldest_ns


@cold
def running_plans(state: State, lane: int) -> int:
    running = 0
    for place in range(state.plans.shape[1]):
        running += 1 if state.plans[lane, place].stage != Stage.FREE else 0
    return running


@cold
def check_result(state: State, lane: int) -> None:
    """Take stock, and latch if today's loss or the fall from the highest result is too large.

    What was lost since the last look counts for the new day.
    """
    risk, params = state.risk[lane], state.params[lane]
    now_ns = int(state.counters[0].now_ns)
    if risk.marked_ns == 0 or now_ns - risk.marked_ns >= MARK_NS:
        risk.unrealised_e6 = unrealised_e6(state, lane)
        risk.marked_ns = now_ns
    if risk.day != now_ns // DAY_NS:
        risk.day = now_ns // DAY_NS
        risk.day_start_e6 = risk.result_e6
    risk.result_e6 = state.lanes[lane].realised_e6 + risk.unrealised_e6
    risk.peak_e6 = max(int(risk.peak_e6), int(risk.result_e6))
    lost_e6, fallen_e6 = risk.day_start_e6 - risk.result_e6, risk.peak_e6 - risk.result_e6
    if lost_e6 >= params.daily_loss_e6:
        latch(risk, Reason.DAILY_LOSS.value, int(params.daily_loss_e6), int(lost_e6))
    if fallen_e6 >= params.max_drawdown_e6:
        latch(risk, Reason.DRAWDOWN.value, int(params.max_drawdown_e6), int(fallen_e6))


@cold
def latch(risk: Record, reason: int, limit: int, value: int) -> None:
    """The first reason stays until it is lifted."""
    if risk.latch == 0:
        risk.latch, risk.latch_limit, risk.latch_value = reason, limit, value


@cold
def unrealised_e6(state: State, lane: int) -> int:
    """0 at most: a gain that a lock would put back to cost must not look like a fall later."""
    total_e6 = 0
    for slot in range(len(state.markets)):
        for token in range(2):
            held = state.positions[lane, slot, token]
            alone_e6 = int(held.size_e6) - int(held.locked_size_e6)
            if alone_e6 > 0:
                cost_e6 = int(held.cost_e6) - int(held.locked_cost_e6)
                total_e6 += mark_e6(state, slot, token, alone_e6, cost_e6) - cost_e6
    for place in range(state.plans.shape[1]):
        plan = state.plans[lane, place]
        if plan.stage == Stage.CLOSING:
            for position in range(plan.legs):
                leg = state.legs[lane, place, position]
                slot, cost_e6 = int(leg.market), int(leg.whole_cost_e6)
                size_e6 = int(leg.whole_e6)
                total_e6 += cost_e6 - mark_e6(state, slot, int(leg.token), size_e6, cost_e6)
    return min(total_e6, 0)


@cold
def mark_e6(state: State, slot: int, token: int, size_e6: int, cost_e6: int) -> int:
    """What shares bring at the best bid; their cost where no book is known."""
    market = state.markets[slot]
    if not market.valid:
        return cost_e6
    bid_e4 = int(market.best_bid_e4)
    if token == Token.NO:
        bid_e4 = PRICE_ONE_E4 - int(market.best_ask_e4)
    return proceeds_e6(bid_e4, size_e6)


@cold
def count_failure(state: State, lane: int, failed: bool) -> None:
    """A plan came back, whole or not; too many failures in a row pause the lane.

    The count goes on until a plan succeeds, so the first failure after a pause is another pause.
    """
    risk, params = state.risk[lane], state.params[lane]
    risk.failures = risk.failures + 1 if failed else 0
    if risk.failures >= params.max_failures:
        risk.paused_until_ns = state.counters[0].now_ns + params.pause_ns


@cold
def control(state: State, word: int) -> None:
    """Apply a human's word to every lane."""
    for lane in range(len(state.lanes)):
        risk = state.risk[lane]
        risk.marked_ns = 0
        check_result(state, lane)
        if word == Control.STOP:
            risk.latch = Reason.STOPPED
            risk.latch_limit = risk.latch_value = 0
        elif word == Control.RESUME:
            risk.latch = risk.latch_limit = risk.latch_value = 0
            risk.day_start_e6 = risk.peak_e6 = risk.result_e6
            risk.failures = risk.paused_until_ns = 0
        else:
            state.counters[0].unused_rows += 1
