"""The loop of replay and paper: market rows in, the venue's answers between them, in one order."""

from typing import Any

from hfptm.kernel import step as kernel
from hfptm.kernel.jit import Array, Record, cold, entry, hot, prefetch
from hfptm.kernel.lane import KINDS
from hfptm.kernel.plans import lane_of
from hfptm.kernel.state import State, open_state, rows_reserve
from hfptm.kernel.wake import first_awake
from hfptm.records import EventKind, IntentKind, RejectReason
from hfptm.sim import account, probe, resting
from hfptm.sim.account import NO, YES
from hfptm.sim.latency import arrival_ns, draw, due_before, passed, report_ns, taker_delay_ns
from hfptm.sim.layouts import PROBES_MAX
from hfptm.sim.match import REPORTS_MAX, execute, is_marketable, is_refused, is_seen
from hfptm.sim.queue import (
    OF_NO,
    earliest,
    new_item,
    next_deadline,
    next_deadline_ns,
    next_report_ns,
    pass_on,
    pop_report,
    postpone,
    reject,
    remove,
    report,
    write_timer,
)
from hfptm.sim.restarts import can_take, is_heard, turn_away, up_again_ns
from hfptm.sim.state import NOBODY, Sim, Waiting, open_sim
from hfptm.sim.taken import renew

LOOK_AHEAD = 16
"""Rows between asking for a market's record and using it; its level is asked for halfway."""


@cold
def accept(state: State, sim: Sim) -> None:
    """Take the intents that the last row caused."""
    watched = newest = NOBODY
    for index in range(sim.clock[0].intents_seen, state.outbox[0].intents):
        intent = state.intents[index]
        if intent.kind == IntentKind.OBSERVE:
            if intent.leg == 0:
                watched = probe.open_probe(state, sim, intent)
                if watched != NOBODY and probe.joins(state, sim, watched, index, newest):
                    watched = NOBODY
                elif watched != NOBODY:
                    newest = watched
            if watched != NOBODY:
                probe.add_leg(state, sim, watched, intent)
        elif sim.clock[0].orders_leave:
            continue
        elif intent.kind == IntentKind.PLACE or intent.kind == IntentKind.CANCEL:
            send(sim, intent)
        else:
            convert(state, sim, intent)
    sim.clock[0].intents_seen = state.outbox[0].intents


@cold
def send(sim: Sim, intent: Record) -> None:
    drawn = draw(sim, intent)
    arrives_ns = arrival_ns(drawn, int(intent.ts_ns))
    item = new_item(sim, int(intent.market), int(intent.lane), arrives_ns)
    item.response_ns = drawn.response_ns
    item.fails = drawn.fails
    item.order = intent.order
    item.size_e6 = intent.size_e6
    item.price_e4 = intent.price_e4
    item.leg = intent.leg
    item.kind = Waiting.ORDER if intent.kind == IntentKind.PLACE else Waiting.CANCEL
    item.side = intent.side
    item.token = intent.token
    item.order_type = intent.order_type


@cold
def convert(state: State, sim: Sim, intent: Record) -> None:
    """Merges and conversions need no counterparty: they go through after one round trip."""
    drawn = draw(sim, intent)
    arrived_ns = arrival_ns(drawn, int(intent.ts_ns))
    due_ns = report_ns(int(drawn.response_ns), arrived_ns, arrived_ns)
    if not account.turn(state, sim, intent):
        reject(sim, intent, due_ns, RejectReason.REFUSED.value)
        return
    row = report(sim, intent, EventKind.SETTLED.value, due_ns, int(intent.size_e6))
    row.price_e4 = intent.basket


@cold
def set_wake(sim: Sim) -> None:
    sim.clock[0].wake_ns = min(next_report_ns(sim), next_deadline_ns(sim))


@cold
def delay(state: State, sim: Sim, place: int, due_ns: int) -> bool:
    """Whether an order has to sit in a taker delay; then it is put back for the end of that."""
    item = sim.items[place]
    market = state.markets[item.market]
    delay_ns = taker_delay_ns(sim, market, int(item.lane), int(item.arrival_ns))
    if delay_ns == 0 or not is_seen(market) or not is_marketable(state, item):
        return False
    if is_refused(state, sim, item):
        return False
    account.promise(sim, item, 0, int(item.size_e6))
    item.kind = Waiting.DELAYED
    report(sim, item, EventKind.DELAYED.value, due_ns, int(item.size_e6))
    postpone(sim, place, int(item.arrival_ns) + delay_ns)
    return True


@cold
def answer(state: State, sim: Sim, place: int, shown_ns: int) -> None:
    """The book at an item's arrival is known: match the order, or measure the leg."""
    item = sim.items[place]
    if item.kind == Waiting.ORDER or item.kind == Waiting.DELAYED:
        due_ns = report_ns(int(item.response_ns), int(item.arrival_ns), shown_ns)
        if item.kind == Waiting.DELAYED:
            account.promise(sim, item, int(item.size_e6), 0)
        if not is_heard(sim, item):
            turn_away(sim, item, due_ns)
        elif item.kind == Waiting.ORDER and delay(state, sim, place, due_ns):
            return
        else:
            left_e6 = execute(state, sim, item, due_ns)
            if left_e6 > 0:
                resting.begin(state, sim, place, due_ns, left_e6)
                return
    elif item.kind == Waiting.CANCEL:
        wait_ns = up_again_ns(sim, int(item.arrival_ns))
        if wait_ns > 0:
            postpone(sim, place, int(item.arrival_ns) + wait_ns)
            return
        resting.cancel(sim, item, shown_ns)
    else:
        if item.kind == Waiting.DEPTH and can_take(sim, int(item.arrival_ns)):
            probe.note_depth(state, sim, item)
        probe.close_item(state, sim, int(item.order), shown_ns)
    remove(sim, place)


@cold
def settled(state: State, sim: Sim, row: Record) -> Record:
    """The same report, of which the accounts have heard."""
    is_no = row.flags & OF_NO != 0
    row.flags &= OF_NO - 1
    account.settle(state, sim, row, NO if is_no else YES)
    return row


@cold
def hear(state: State, sim: Sim) -> None:
    """Deliver the first report, unless its lane hears nothing more."""
    row = pop_report(sim)
    lane = lane_of(int(row.aux))
    if lane < len(state.lanes) and state.lanes[lane].is_over:
        sim.clock[0].delivered -= 1
    else:
        kernel.deliver(state, settled(state, sim, row))


@cold
def advance(state: State, sim: Sim, until_ns: int) -> bool:
    """Let time pass up to a market row: deliver reports, the timers that the kernel asked for, and
    end grace times, each at its own instant and in this order.

    False if it stopped for want of room.
    """
    while has_room(state, sim):
        quiet, timer_ns = next_deadline(sim), int(state.counters[0].wake_ns)
        due_ns, ends_ns = next_report_ns(sim), next_deadline_ns(sim)
        if not due_before(min(due_ns, ends_ns, timer_ns), until_ns):
            set_wake(sim)
            return True
        if due_ns <= ends_ns and due_ns <= timer_ns:
            hear(state, sim)
            accept(state, sim)
        elif timer_ns <= ends_ns:
            kernel.deliver(state, write_timer(sim, first_awake(state), timer_ns))
            accept(state, sim)
        elif state.lanes[sim.items[quiet].lane].is_over:
            remove(sim, quiet)
        else:
            answer(state, sim, quiet, ends_ns)
    set_wake(sim)  # what a timer sent may be due before anything that was on its way
    return False


@cold
def meet(state: State, sim: Sim, row: Record) -> bool:
    """The row shows its market past some arrivals: answer those with the book before the row.

    Whether `follow` has to look at it too.
    """
    slot = int(row.market)
    place = earliest(sim, slot)
    answered = False
    while place != NOBODY and passed(row.ts_venue_ns, sim.items[place].arrival_ns):
        answer(state, sim, place, int(row.ts_recv_ns))
        answered = True
        place = earliest(sim, slot)
    if row.kind == EventKind.LEVEL and sim.levels_taken[slot] > 0:
        renew(state, sim, row)
    return answered or bool(sim.rest_head[slot] != NOBODY)


@cold
def follow(state: State, sim: Sim, row: Record) -> None:
    """The row that `meet` has seen was applied: what does it do to the orders in the book?"""
    if sim.rest_head[row.market] != NOBODY:
        resting.meet(state, sim, row)
    set_wake(sim)


@hot
def has_room(state: State, sim: Sim) -> bool:
    """Whether there is room for all that one more row, or report, may cause."""
    clock = sim.clock[0]
    reserve = 2 * rows_reserve(len(state.lanes))
    return bool(
        kernel.has_outbox_room(state)
        and clock.items + reserve <= len(sim.items)
        and clock.reports + REPORTS_MAX * clock.items + reserve <= len(sim.reports)
        and clock.delivered + len(sim.reports) <= len(sim.delivered)
        and clock.outcomes + clock.probes <= len(sim.outcomes)
        and not lacks_probes(sim)
    )


@hot
def lacks_probes(sim: Sim) -> bool:
    """Whether one more row could open more probes than there is room for, though it may."""
    most = len(sim.purses) * PROBES_MAX
    return bool(
        len(sim.probes) < most and sim.clock[0].probes + len(sim.purses) * KINDS > len(sim.probes)
    )


@hot
def look_ahead(state: State, rows: Array, index: int, last: int) -> None:
    """Ask the processor for the market record and the level that coming rows will touch."""
    prefetch(state.markets, rows[min(index + LOOK_AHEAD, last)].market)
    row = rows[min(index + LOOK_AHEAD // 2, last)]
    if row.kind == EventKind.LEVEL:
        market = state.markets[row.market]
        index = (row.price_e4 * market.reciprocal_q32) >> 32
        prefetch(state.levels, market.offset + row.side * market.count + index)


@entry
def run_rows(state_table: Any, sim_table: Any, rows: Array, start: int, stop: int) -> int:
    """Run rows[start:stop] through venue and kernel.

    rows: (n,) EVENT with market slots, in order of `ts_recv_ns`. Returns the index of the first row
    for which there was no room, or stop. Whoever empties the buffers then (`State.outbox`, and
    `intents_seen`, `delivered` and `outcomes` of `Sim.clock` set to 0) calls again from there.
    """
    state, sim = open_state(state_table), open_sim(sim_table)
    last = stop - 1
    for index in range(start, stop):
        row = rows[index]
        look_ahead(state, rows, index, last)
        wake_ns = min(sim.clock[0].wake_ns, state.counters[0].wake_ns)
        if due_before(wake_ns, row.ts_recv_ns):
            if not advance(state, sim, int(row.ts_recv_ns)):
                return index
        if not kernel.has_level_room(state, row) or not has_room(state, sim):
            return index
        concerns = False
        if row.kind <= EventKind.GAP:
            if passed(row.ts_venue_ns, sim.watch_ns[row.market]):
                concerns = meet(state, sim, row)
            if row.kind == EventKind.TRADE and sim.head[row.market] != NOBODY:
                probe.note_print(sim, row)
        elif row.kind >= EventKind.ACK:
            pass_on(sim, row)
        kernel.step(state, row)
        if row.kind == EventKind.STATE:
            account.redeem(state, sim, row)
        if concerns:
            follow(state, sim, row)
        if state.outbox[0].intents != sim.clock[0].intents_seen:
            accept(state, sim)
            set_wake(sim)
    return stop
