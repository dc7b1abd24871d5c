"""What forbids every new plan, whatever its size, in the order in which it is looked at.

What may be bought of a basket that passes here, `kernel.risk` says; what may leave at all,
`kernel.order_gate`.
"""

from hfptm.kernel.inventory import drift_e6
from hfptm.kernel.jit import cold
from hfptm.kernel.pace import has_budget, orders_spent, unanswered_ns
from hfptm.kernel.result import check_result
from hfptm.kernel.risk import refuse
from hfptm.kernel.state import WALKED, State
from hfptm.opportunities import OpportunityKind, Reason


@cold
def is_locked(state: State, lane: int, kind: int, subject: int) -> bool:
    """Whether a basket pays at resolution only, not by a merge or a conversion."""
    params = state.params[lane]
    if kind == OpportunityKind.BINARY:
        return bool(params.holds_pairs)
    if kind != OpportunityKind.NO_BASKET or params.holds_baskets:
        return True
    return bool(not state.groups[subject].convertible)


@cold
def barred(state: State, lane: int, kind: int, subject: int, legs: int) -> int:
    """What forbids any plan of the legs in `state.walk`: of the lane first, then of their books.

    The first Reason, 0 if there is none; `basket.limit` and `basket.value` hold its numbers: e6,
    nanoseconds or a count.
    """
    check_result(state, lane)
    reason = paused(state, lane, legs)
    if reason != 0:
        return reason
    params, basket = state.params[lane], state.basket[WALKED]
    gas_wei = int(state.counters[0].gas_price_wei)
    if gas_wei > params.max_gas_wei and not is_locked(state, lane, kind, subject):
        return refuse(basket, Reason.GAS_PRICE.value, int(params.max_gas_wei), gas_wei)
    reason = ill_seen(state, lane, legs)
    if reason != 0:
        return reason
    group = int(state.markets[subject].group) if kind == OpportunityKind.BINARY else subject
    drift = drift_e6(state, lane, group, subject)
    if drift > params.max_drift_e6:
        return refuse(basket, Reason.INVENTORY_DRIFT.value, int(params.max_drift_e6), drift)
    running = int(state.lanes[lane].running)
    if running >= params.max_plans:
        return refuse(basket, Reason.CONCURRENT_PLANS.value, int(params.max_plans), running)
    return 0


@cold
def paused(state: State, lane: int, legs: int) -> int:
    """A latch, a pause after failures or slow answers, or too few orders left for the legs."""
    risk, params, basket = state.risk[lane], state.params[lane], state.basket[WALKED]
    now_ns = int(state.counters[0].now_ns)
    if risk.latch != 0:
        return refuse(basket, int(risk.latch), int(risk.latch_limit), int(risk.latch_value))
    if now_ns < risk.paused_until_ns:
        failures = int(risk.failures)
        return refuse(basket, Reason.FAILURES.value, int(params.max_failures), failures)
    slowest_ns = int(params.max_order_latency_ns)
    if slowest_ns > 0:
        waiting_ns = unanswered_ns(state, lane)
        if now_ns < risk.slow_until_ns or waiting_ns > slowest_ns:
            waiting_ns = max(waiting_ns, int(risk.slow_ns))
            return refuse(basket, Reason.ORDER_LATENCY.value, slowest_ns, waiting_ns)
    if not has_budget(state, lane, legs):
        orders = orders_spent(state, lane) + legs
        return refuse(basket, Reason.ORDER_RATE.value, int(params.order_burst), orders)
    return 0


@cold
def ill_seen(state: State, lane: int, legs: int) -> int:
    """A book of the legs that failed a check lately, or news that is too old."""
    params, basket = state.params[lane], state.basket[WALKED]
    now_ns = int(state.counters[0].now_ns)
    newest_ns, oldest_ns = book_times(state, legs)
    failed_ns = last_failure_ns(state, legs)
    if failed_ns > 0 and now_ns - failed_ns < params.failed_book_ns:
        limit_ns = int(params.failed_book_ns)
        return refuse(basket, Reason.FAILED_BOOK.value, limit_ns, now_ns - failed_ns)
    if now_ns - newest_ns > params.max_lag_ns:
        lag_ns = now_ns - newest_ns
        return refuse(basket, Reason.FEED_LAG.value, int(params.max_lag_ns), lag_ns)
    if params.max_age_ns > 0 and now_ns - oldest_ns > params.max_age_ns:
        age_ns = now_ns - oldest_ns
        return refuse(basket, Reason.STALE_BOOK.value, int(params.max_age_ns), age_ns)
    return 0


@cold
def last_failure_ns(state: State, legs: int) -> int:
    """When a book of the legs failed a check last, 0 if none did."""
    failed_ns = 0
    for position in range(legs):
        failed_ns = max(failed_ns, int(state.markets[state.walk[position].market].failed_ns))
    return failed_ns


@cold
def book_times(state: State, legs: int) -> tuple[int, int]:
    """Exchange times of the last change, of the newest and of the oldest book among the legs."""
    newest_ns = oldest_ns = int(state.markets[state.walk[0].market].batch_ts_ns)
    for position in range(1, legs):
        batch_ns = int(state.markets[state.walk[position].market].batch_ts_ns)
        newest_ns, oldest_ns = max(newest_ns, batch_ns), min(oldest_ns, batch_ns)
    return newest_ns, oldest_ns


@cold
def count_failure(state: State, lane: int, failed: bool) -> None:
    """A plan came back, whole or not; too many failures in a row pause the lane.

    The count goes on until a plan succeeds, so the first failure after a pause is another pause.
    """
    risk, params = state.risk[lane], state.params[lane]
    risk.failures = risk.failures + 1 if failed else 0
    if risk.failures >= params.max_failures:
        risk.paused_until_ns = state.counters[0].now_ns + params.pause_ns
