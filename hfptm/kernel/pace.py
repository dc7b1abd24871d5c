"""How fast orders may leave, and how fast they are answered.

Budget: each order takes its place in a queue that drains evenly (generic cell rate algorithm, a
token bucket told by one time): `budget_ns` is when the queue is empty again. Latency: from an
order's PLACE to its first report of any kind.
"""

from hfptm.kernel.jit import Record, cold
from hfptm.kernel.running import next_running
from hfptm.kernel.state import State
from hfptm.records import EventKind, Side

SLOW_ORDERS_MAX = 3
"""One slow answer is a hiccup, so many one after the other are the line or the exchange."""


@cold
def orders_spent(state: State, lane: int) -> int:
    """Orders of the burst that are not free again, rounded up."""
    ahead_ns = int(state.risk[lane].budget_ns) - int(state.counters[0].now_ns)
    interval_ns = int(state.params[lane].order_interval_ns)
    if ahead_ns <= 0 or interval_ns == 0:
        return 0
    return (ahead_ns + interval_ns - 1) // interval_ns


@cold
def has_budget(state: State, lane: int, orders: int) -> bool:
    """Whether so many may leave at once. An interval of 0 is no limit."""
    params = state.params[lane]
    if params.order_interval_ns == 0:
        return True
    return bool(orders_spent(state, lane) + orders <= params.order_burst)


@cold
def spend_order(state: State, lane: int) -> None:
    risk, now_ns = state.risk[lane], int(state.counters[0].now_ns)
    risk.budget_ns = max(int(risk.budget_ns), now_ns) + state.params[lane].order_interval_ns


@cold
def note_report(state: State, lane: int, leg: Record, row: Record) -> None:
    """What a report says of its order's latency, and of the shares it has on sale."""
    if leg.sent_ns > 0:
        time_order(state, lane, int(state.counters[0].now_ns) - int(leg.sent_ns))
        leg.sent_ns = 0
    if row.kind == EventKind.FILL and row.side == Side.ASK:
        leg.selling_e6 = max(int(leg.selling_e6) - int(row.size_e6), 0)
    elif row.kind == EventKind.DONE or row.kind == EventKind.REJECT:
        leg.selling_e6 = 0


@cold
def time_order(state: State, lane: int, latency_ns: int) -> None:
    """Too many slow orders one after the other pause the lane; one more is another pause."""
    risk, params = state.risk[lane], state.params[lane]
    if params.max_order_latency_ns == 0:
        return
    risk.slow_ns = latency_ns
    risk.slow_orders = risk.slow_orders + 1 if latency_ns > params.max_order_latency_ns else 0
    if risk.slow_orders >= SLOW_ORDERS_MAX:
        risk.slow_until_ns = state.counters[0].now_ns + params.pause_ns


@cold
def unanswered_ns(state: State, lane: int) -> int:
    """Age of the oldest order that nobody said anything about; 0 if there is none."""
    oldest_ns, now_ns = 0, int(state.counters[0].now_ns)
    place = next_running(state, lane, 0)
    while place < state.running.shape[1]:
        for position in range(state.plans[lane, place].legs):
            sent_ns = int(state.legs[lane, place, position].sent_ns)
            if sent_ns > 0:
                oldest_ns = max(oldest_ns, now_ns - sent_ns)
        place = next_running(state, lane, place + 1)
    return oldest_ns
