"""The loop of replay and paper: market rows in, the venue's answers in between, everything in one order."""

from typing import Any

from hfptm.kernel import step as kernel
from hfptm.kernel.jit import Array, Record, cold, entry, hot, prefetch
from hfptm.kernel.state import State, open_state, rows_reserve
from hfptm.records import EventKind, IntentKind, RejectReason
from hfptm.sim import probe
from hfptm.sim.latency import arrival_ns, due_before, passed, report_ns
from hfptm.sim.match import (
    available_e6,
    first_level,
    kills_unfilled,
    next_level,
    own_price_e4,
    spent_e6,
    take_level,
    takes_asks,
    wanted_e6,
    whole_order_e6,
    within,
)
from hfptm.sim.probe import ORDER
from hfptm.sim.queue import (
    deadline_ns,
    earliest,
    new_item,
    next_deadline,
    next_report_ns,
    pop_report,
    reject,
    remove,
    report,
)
from hfptm.sim.state import NOBODY, Sim, open_sim

LOOK_AHEAD = 16
"""Rows between asking for a market's record and using it; its level is asked for at half the distance."""


@cold
def accept(state: State, sim: Sim) -> None:
    """Take the intents that the last row caused."""
    watched = NOBODY
    for index in range(sim.clock[0].intents_seen, state.outbox[0].intents):
        intent = state.intents[index]
        if intent.kind == IntentKind.OBSERVE:
            if intent.leg == 0:
                watched = probe.open_probe(state, sim, intent)
            if watched != NOBODY:
                probe.add_leg(state, sim, watched, intent)
        elif intent.kind == IntentKind.PLACE:
            send(sim, intent)
        else:
            convert(sim, intent)
    sim.clock[0].intents_seen = state.outbox[0].intents
    set_wake(sim)


@cold
def send(sim: Sim, intent: Record) -> None:
    arrives_ns = arrival_ns(sim.latency[intent.lane], int(intent.ts_ns))
    item = new_item(sim, int(intent.market), arrives_ns)
    item.order = intent.order
    item.size_e6 = intent.size_e6
    item.price_e4 = intent.price_e4
    item.lane = intent.lane
    item.leg = intent.leg
    item.kind = ORDER
    item.side = intent.side
    item.token = intent.token
    item.order_type = intent.order_type


@cold
def convert(sim: Sim, intent: Record) -> None:
    """Merges and conversions need no counterparty: they go through after one round trip."""
    latency = sim.latency[intent.lane]
    arrived_ns = arrival_ns(latency, int(intent.ts_ns))
    due_ns = report_ns(latency, arrived_ns, arrived_ns)
    kind, size_e6 = EventKind.SETTLED.value, int(intent.size_e6)
    row = report(sim, int(intent.order), int(intent.market), kind, due_ns, size_e6)
    row.price_e4 = intent.basket


@cold
def set_wake(sim: Sim) -> None:
    sim.clock[0].wake_ns = min(next_report_ns(sim), deadline_ns(sim, next_deadline(sim)))


@cold
def answer(state: State, sim: Sim, place: int, shown_ns: int) -> None:
    """The book at an item's arrival is known: match the order, or measure the leg."""
    item = sim.items[place]
    remove(sim, place)
    if item.kind == ORDER:
        execute(state, sim, item, report_ns(sim.latency[item.lane], int(item.arrival_ns), shown_ns))
        return
    if item.kind == probe.DEPTH:
        probe.note_depth(state, sim, item)
    probe.close_item(state, sim, int(item.order), shown_ns)


@cold
def execute(state: State, sim: Sim, item: Record, due_ns: int) -> None:
    market = state.markets[item.market]
    if not market.open:
        reject(sim, item, due_ns, RejectReason.MARKET_CLOSED.value)
    elif not market.valid or market.bad or market.pending:
        sim.clock[0].no_book += 1
        reject(sim, item, due_ns, RejectReason.NO_BOOK.value)
    elif kills_unfilled(state, sim, item) or fill(state, sim, item, due_ns) == 0:
        reject(sim, item, due_ns, RejectReason.NO_MATCH.value)


@cold
def fill(state: State, sim: Sim, item: Record, due_ns: int) -> int:
    """Walk the book within the limit, a FILL a level and a DONE at the end; the shares filled."""
    market = state.markets[item.market]
    slot, lane, side, token = int(item.market), int(item.lane), int(item.side), int(item.token)
    asks = takes_asks(token, side)
    left_e6, total_e6 = whole_order_e6(item), 0
    index = first_level(state, market, asks)
    price_e4 = own_price_e4(market, token, index)
    while within(side, price_e4, int(item.price_e4)):
        there_e6 = available_e6(state, sim, lane, slot, asks, index)
        wanted = wanted_e6(item, price_e4, left_e6)
        size_e6 = min(there_e6, wanted)
        if size_e6 > 0:
            take_level(state, sim, lane, slot, asks, index, size_e6)
            row = report(sim, int(item.order), slot, EventKind.FILL.value, due_ns, size_e6)
            row.price_e4 = price_e4
            row.side = side
            total_e6 += size_e6
            left_e6 -= spent_e6(item, price_e4, size_e6)
        if there_e6 >= wanted:
            break
        index = next_level(state, market, asks, index)
        price_e4 = own_price_e4(market, token, index)
    if total_e6 > 0:
        unfilled_e6 = max(0, int(item.size_e6) - total_e6)
        report(sim, int(item.order), slot, EventKind.DONE.value, due_ns, unfilled_e6)
    return total_e6


@cold
def advance(state: State, sim: Sim, until_ns: int) -> None:
    """Let time pass up to a market row: deliver reports and let grace times end, each at its own instant."""
    while True:
        quiet = next_deadline(sim)
        due_ns, ends_ns = next_report_ns(sim), deadline_ns(sim, quiet)
        if not due_before(min(due_ns, ends_ns), until_ns):
            break
        if due_ns <= ends_ns:
            kernel.deliver(state, pop_report(sim))
            accept(state, sim)
        else:
            answer(state, sim, earliest(sim, quiet), ends_ns)
    set_wake(sim)


@cold
def meet(state: State, sim: Sim, row: Record) -> None:
    """The row shows its market past some arrivals: answer those against the book before the row."""
    slot = int(row.market)
    while passed(row.ts_venue_ns, sim.next_arrival[slot]):
        answer(state, sim, earliest(sim, slot), int(row.ts_recv_ns))
    set_wake(sim)


@hot
def has_room(state: State, sim: Sim) -> bool:
    """Whether the venue can take what one more row may cause."""
    clock = sim.clock[0]
    reserve = 2 * rows_reserve(len(state.lanes))
    return bool(
        clock.items + reserve <= len(sim.items)
        and clock.reports + reserve <= len(sim.reports)
        and clock.delivered + len(sim.reports) <= len(sim.delivered)
        and clock.outcomes + len(sim.probes) <= len(sim.outcomes)
    )


@hot
def look_ahead(state: State, rows: Array, index: int, last: int) -> None:
    """Ask the processor for the market record and the level that coming rows will touch."""
    prefetch(state.markets, rows[min(index + LOOK_AHEAD, last)].market)
    row = rows[min(index + LOOK_AHEAD // 2, last)]
    market = state.markets[row.market]
    level = market.offset + row.side * market.count + ((row.price_e4 * market.inverse_tick) >> 32)
    prefetch(state.levels, level)


@entry
def run_rows(state_table: Any, sim_table: Any, rows: Array, start: int, stop: int) -> int:
    """Run rows[start:stop] through venue and kernel.

    rows: (n,) EVENT with market slots, in order of `ts_recv_ns`. Returns the index of the first row for which
    there was no room, or stop.
    """
    state, sim = open_state(state_table), open_sim(sim_table)
    last = stop - 1
    for index in range(start, stop):
        row = rows[index]
        look_ahead(state, rows, index, last)
        if not kernel.has_room(state, row) or not has_room(state, sim):
            return index
        if due_before(sim.clock[0].wake_ns, row.ts_recv_ns):
            advance(state, sim, int(row.ts_recv_ns))
        if row.kind <= EventKind.GAP:
            if passed(row.ts_venue_ns, sim.next_arrival[row.market]):
                meet(state, sim, row)
            if row.kind == EventKind.TRADE and sim.head[row.market] != NOBODY:
                probe.note_print(sim, row)
        kernel.step(state, row)
        if state.outbox[0].intents != sim.clock[0].intents_seen:
            accept(state, sim)
    return stop
