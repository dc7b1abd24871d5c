"""One input row through the kernel: the only way its state changes.

Market rows, definitions, execution reports and timers arrive in one order (design, section 5);
intents and decisions come out in `State.intents` and `State.decisions`.
"""

from typing import Any

from hfptm.kernel.book import apply, hide, lay_grid
from hfptm.kernel.deadlines import on_timer, stop_resting
from hfptm.kernel.detector import worth_a_look
from hfptm.kernel.episodes import hide_group, hide_market, look
from hfptm.kernel.executor import on_report
from hfptm.kernel.jit import Array, Record, cold, entry, hot
from hfptm.kernel.nested import place_by_end
from hfptm.kernel.plans import lane_of
from hfptm.kernel.redemption import resolve
from hfptm.kernel.result import check_result, control
from hfptm.kernel.state import GRID_MAX, MEMBERS_MAX, State, open_state, rows_reserve
from hfptm.kernel.wake import set_wake
from hfptm.opportunities import Relation
from hfptm.records import Control, EventFlag, EventKind, MarketState, TakerDelay
from hfptm.units import FAR_NS, NS_PER_MS, PRICE_ONE_E4

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
    """Apply one execution report, or the TIMER of a deadline that a lane asked for."""
    state.counters[0].now_ns = report.ts_recv_ns
    if report.kind == EventKind.TIMER:
        lane = lane_of(int(report.aux))
        on_timer(state, lane, lane + 1)
    else:
        on_report(state, report)


@cold
def pass_time(state: State, row: Record) -> None:
    """For every lane, or for the one that the row is for; it may be that lane's last."""
    first, end = 0, len(state.lanes)
    if row.size_e6 != 0:
        first, end = int(row.size_e6) - 1, int(row.size_e6)
    for lane in range(first, end):
        check_result(state, lane)
    on_timer(state, first, end)
    if row.flags & EventFlag.LAST_IN_BATCH:
        for lane in range(first, end):
            state.lanes[lane].is_over = 1
            state.wakes[lane] = FAR_NS
        set_wake(state)


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
    elif row.kind == EventKind.DELAY:
        state.markets[row.market].game_delay_ns = row.size_e6 * NS_PER_MS
        state.markets[row.market].game_start_ns = row.aux
        state.markets[row.market].taker_delay = row.price_e4
    elif row.kind == EventKind.TIMER:
        pass_time(state, row)
    elif row.kind == EventKind.GAS:
        counters.gas_price_wei = row.aux
    elif row.kind == EventKind.CONTROL:
        control(state, int(row.aux))
        if row.aux == Control.STOP or row.aux == Control.HALT:
            stop_resting(state)
    elif row.kind == EventKind.GAP or row.kind == EventKind.TICK or row.kind == EventKind.STATE:
        interrupt(state, row)
    else:
        counters.unused_rows += 1


@cold
def interrupt(state: State, row: Record) -> None:
    """The market's book ends here: a gap, another tick size, a close or a resolution.

    News that an open market is open says nothing about its book.
    """
    market = state.markets[row.market]
    if row.kind == EventKind.STATE and row.aux == MarketState.OPEN and market.open:
        return
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
            resolve(state, int(row.market), int(row.price_e4))
    hide_market(state, int(row.market))


@cold
def define_group(state: State, row: Record) -> None:
    """Start or restart the group in this slot, without members; those it had belong to none."""
    group = state.groups[row.market]
    for member in range(group.members):
        state.markets[state.members[row.market, member]].group = -1
    group.relation = row.price_e4
    group.expected = row.size_e6
    group.convertible = row.aux
    group.nested = row.price_e4 == Relation.NESTED
    group.members = 0
    group.sum_bid_e4 = 0
    group.sum_ask_e4 = group.expected * PRICE_ONE_E4
    exclusive = row.price_e4 == Relation.EXACTLY_ONE or row.price_e4 == Relation.AT_MOST_ONE
    group.no_above_e4 = PRICE_ONE_E4 if exclusive else NEVER_E4
    group.yes_below_e4 = PRICE_ONE_E4 if row.price_e4 == Relation.EXACTLY_ONE else -NEVER_E4
    hide_group(state, int(row.market))


@cold
def define_market(state: State, row: Record) -> None:
    """Start or restart the market in this slot, without a book."""
    market = state.markets[row.market]
    hide(state, market, row.ts_recv_ns)
    hide_market(state, int(row.market))
    is_moved = market.group != row.aux or market.end_ts_ns != row.ts_venue_ns
    market.end_ts_ns = row.ts_venue_ns
    market.traits = row.side
    market.min_size_e6 = row.size_e6
    market.payout_e4 = -1
    market.open = 1
    market.batch_ts_ns = market.checked_ts_ns = market.failed_ns = 0
    market.game_delay_ns = market.game_start_ns = 0
    market.taker_delay = TakerDelay.UNKNOWN.value
    lay_grid(state, market, int(row.price_e4))
    if is_moved:
        leave_group(state, int(row.market))
        join_group(state, int(row.market), int(row.aux))


@cold
def leave_group(state: State, slot: int) -> None:
    """Take a market without a book out of its group, where it counts as a missing one again."""
    market = state.markets[slot]
    if market.group < 0:
        return
    group = state.groups[market.group]
    for member in range(group.members):
        if state.members[market.group, member] == slot:
            group.members -= 1
            for place in range(member, group.members):
                state.members[market.group, place] = state.members[market.group, place + 1]
            break
    market.group = -1


@cold
def join_group(state: State, slot: int, group_slot: int) -> None:
    """Enter a market without a book; refused if the group is full."""
    if group_slot < 0:
        return
    group = state.groups[group_slot]
    if group.members < MEMBERS_MAX and group.members < group.expected:
        place = place_by_end(state, group_slot, int(state.markets[slot].end_ts_ns))
        for later in range(group.members, place, -1):
            state.members[group_slot, later] = state.members[group_slot, later - 1]
        state.members[group_slot, place] = slot
        group.members += 1
        state.markets[slot].group = group_slot


@hot
def has_outbox_room(state: State) -> bool:
    """Whether the output buffers have room for the most that one row can cause."""
    reserve, outbox = rows_reserve(len(state.lanes)), state.outbox[0]
    return bool(
        outbox.intents + reserve <= len(state.intents)
        and outbox.decisions + reserve <= len(state.decisions)
    )


@hot
def has_level_room(state: State, row: Record) -> bool:
    """Whether the level store has room for the grid that the row may lay."""
    lays = (
        row.kind == EventKind.SNAPSHOT or row.kind == EventKind.TICK or row.kind == EventKind.MARKET
    )
    return not lays or bool(state.counters[0].levels_used + GRID_MAX <= len(state.levels))


@entry
def step_rows(table: Any, rows: Array, start: int, stop: int) -> int:
    """Apply rows[start:stop] to the state of `table`.

    Returns the index of the first row not applied for want of room, or stop.
    """
    state = open_state(table)
    for index in range(start, stop):
        row = rows[index]
        if not has_outbox_room(state) or not has_level_room(state, row):
            return index
        step(state, row)
    return stop
