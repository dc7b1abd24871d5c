"""One input row through the kernel: the only way its state changes.

Market rows, definitions, execution reports and timers arrive in one order (design, section 5); intents and
decisions come out in `State.intents` and `State.decisions`.
"""

from typing import Any

from hfptm.kernel.book import apply, free_grid, hide, lay_grid
from hfptm.kernel.detector import worth_a_look
from hfptm.kernel.episodes import hide_market, look
from hfptm.kernel.executor import on_report, redeem
from hfptm.kernel.jit import Array, Record, cold, entry, hot
from hfptm.kernel.state import GRID_MAX, MEMBERS_MAX, State, open_state, rows_reserve
from hfptm.records import EventKind, MarketState, Relation
from hfptm.units import PRICE_ONE_E4

NEVER_E4 = 1 << 30
"""A sum of best prices no group reaches."""


@hot
def step(state: State, row: Record) -> None:
    """Apply one row. Books are looked at only where a frame closes."""
    state.counters[0].now_ns = row.ts_recv_ns
    if row.kind <= EventKind.SNAPSHOT or row.kind == EventKind.BEST:
        market = state.markets[row.market]
        if market.open and apply(state, market, row) and worth_a_look(state, market):
            look(state, row.market)
    else:
        rare(state, row)


@cold
def deliver(state: State, report: Record) -> None:
    """Apply one execution report."""
    state.counters[0].now_ns = report.ts_recv_ns
    on_report(state, report)


@cold
def rare(state: State, row: Record) -> None:
    """Rows that are no level, snapshot or best price."""
    counters = state.counters[0]
    if row.kind >= EventKind.ACK:
        on_report(state, row)
    elif row.kind == EventKind.TRADE:
        counters.trades += 1
    elif row.kind == EventKind.GROUP:
        define_group(state, row)
    elif row.kind == EventKind.MARKET:
        define_market(state, row)
    elif row.kind == EventKind.FEE:
        state.markets[row.market].fee_rate_e4 = row.price_e4
        state.markets[row.market].fee_exponent = row.aux
    elif row.kind == EventKind.TIMER:
        return
    elif row.kind == EventKind.GAP or row.kind == EventKind.TICK or row.kind == EventKind.STATE:
        interrupt(state, row)
    else:
        counters.unused_rows += 1


@cold
def interrupt(state: State, row: Record) -> None:
    """The market's book ends here: a gap, another tick size, a close or a resolution."""
    market = state.markets[row.market]
    hide(state, market, row.ts_recv_ns)
    if row.kind == EventKind.GAP:
        state.counters[0].gaps += 1
    elif row.kind == EventKind.TICK:
        lay_grid(state, market, int(row.price_e4))
    elif row.aux == MarketState.OPEN:
        market.open = 1
    else:
        market.open = 0
        if row.aux == MarketState.RESOLVED:
            market.payout_e4 = row.price_e4
            redeem(state, int(row.market), int(row.price_e4))
    hide_market(state, int(row.market))


@cold
def define_group(state: State, row: Record) -> None:
    group = state.groups[row.market]
    group.relation = row.price_e4
    group.expected = row.size_e6
    group.convertible = row.aux
    group.members = 0
    group.active = 0
    group.sum_bid_e4 = 0
    group.sum_ask_e4 = group.expected * PRICE_ONE_E4
    exclusive = row.price_e4 == Relation.EXACTLY_ONE or row.price_e4 == Relation.AT_MOST_ONE
    group.no_above_e4 = PRICE_ONE_E4 if exclusive else NEVER_E4
    group.yes_below_e4 = PRICE_ONE_E4 if row.price_e4 == Relation.EXACTLY_ONE else -NEVER_E4


@cold
def define_market(state: State, row: Record) -> None:
    """Start or restart the market in this slot, without a book."""
    market = state.markets[row.market]
    hide(state, market, row.ts_recv_ns)
    market.min_size_e6 = row.size_e6
    market.payout_e4 = -1
    market.open = 1
    market.active = 0
    market.group = -1
    market.batch_ts_ns = market.checked_ts_ns = 0
    lay_grid(state, market, int(row.price_e4))
    if row.aux >= 0:
        group = state.groups[row.aux]
        if group.members < MEMBERS_MAX and group.members < group.expected:
            state.members[row.aux, group.members] = row.market
            group.members += 1
            market.group = row.aux


@hot
def has_room(state: State, row: Record) -> bool:
    """Whether the row can be applied: output buffers and level store have room for the most it can ask."""
    reserve = rows_reserve(len(state.lanes))
    outbox = state.outbox[0]
    if outbox.intents + reserve > len(state.intents):
        return False
    if outbox.decisions + reserve > len(state.decisions):
        return False
    lays = (
        row.kind == EventKind.SNAPSHOT
        or row.kind == EventKind.TICK
        or row.kind == EventKind.MARKET
    )
    return not lays or state.counters[0].levels_used + GRID_MAX <= len(state.levels)


@entry
def step_rows(table: Any, rows: Array, start: int, stop: int) -> int:
    """Apply rows[start:stop] to the state of `table`.

    Returns the index of the first row not applied for want of room, or stop.
    """
    state = open_state(table)
    for index in range(start, stop):
        row = rows[index]
        if not has_room(state, row):
            return index
        step(state, row)
    return stop
