"""Was it still there? Every displayed opportunity is measured again when its orders would arrive.

For each leg: how many shares were within the limit price at arrival, what they cost, and whether a
trade printed between the leg's best and limit price. Prints are not read by their side: the feed's
direction is right only 59% of the time (reference, section 1.3). Nothing is taken from the book,
and the strategy never learns the answer. What several lanes ask alike at once, with the same
latency and fees, is measured once for all of them.
"""

from hfptm.kernel.cash import cost_e6, portion_e6
from hfptm.kernel.detector import BINARY, payout_per_set_e12
from hfptm.kernel.fees import E12, market_fee_e6
from hfptm.kernel.jit import Record, cold
from hfptm.kernel.state import State
from hfptm.records import Side, Token
from hfptm.sim.arrivals import next_of
from hfptm.sim.latency import arrival_ns, draw, taker_delay_ns
from hfptm.sim.layouts import PROBES_MAX
from hfptm.sim.match import first_level, is_seen, next_level, own_price_e4, within
from hfptm.sim.queue import new_item
from hfptm.sim.state import NOBODY, Sim, Waiting
from hfptm.sim.taken import displayed_e6, takes_asks
from hfptm.units import PRICE_ONE_E4

DEPTH, PRINT = Waiting.DEPTH.value, Waiting.PRINT.value

SEARCH_MAX = 64
"""Probes of one row that another one is compared with."""


@cold
def free_probe(sim: Sim) -> int:
    """A free place; `run.has_room` made sure that there is one."""
    clock = sim.clock[0]
    clock.probes += 1
    place = int(clock.free_probe)
    if place == NOBODY:
        place = int(clock.probes_used)
        clock.probes_used += 1
    else:
        clock.free_probe = sim.probes[place].next
    return place


@cold
def free(sim: Sim, place: int) -> None:
    probe, clock = sim.probes[place], sim.clock[0]
    sim.purses[probe.lane].probes -= 1
    clock.probes -= 1
    probe.next = clock.free_probe
    clock.free_probe = place


@cold
def open_probe(state: State, sim: Sim, intent: Record) -> int:
    """Start measuring an OBSERVE intent's decision; NOBODY, counted, if too many are under way."""
    purse = sim.purses[intent.lane]
    if purse.probes == PROBES_MAX:
        sim.clock[0].probes_dropped += 1
        return NOBODY
    purse.probes += 1
    place = free_probe(sim)
    probe = sim.probes[place]
    probe.decision = intent.order
    probe.sets_e6 = intent.size_e6
    probe.lane = intent.lane
    probe.kind = intent.basket
    probe.legs = 0
    probe.open_items = 0
    probe.printed = probe.unseen = 0
    probe.market = intent.market
    if intent.basket != BINARY:
        probe.market = state.markets[intent.market].group
    probe.next, probe.last = NOBODY, place
    return place


@cold
def joins(state: State, sim: Sim, place: int, asked: int, newest: int) -> bool:
    """Whether a probe of the same row, `newest` or earlier, answers the one at `place` too.

    asked: of its first leg in `State.intents`.
    """
    probe, other = sim.probes[place], newest
    for _ in range(SEARCH_MAX):
        if other == NOBODY:
            break
        if asks_alike(state, sim, asked, other) and meets_alike(state, sim, int(probe.lane), other):
            sim.probes[sim.probes[other].last].next = place
            sim.probes[other].last = place
            return True
        other = int(sim.probes[other].earlier)
    probe.asked, probe.earlier = asked, newest
    return False


@cold
def asks_alike(state: State, sim: Sim, asked: int, other: int) -> bool:
    """Whether the same sets of the same legs are asked for within the same limits."""
    probe = sim.probes[other]
    for leg in range(probe.legs):
        mine, its = state.intents[asked + leg], state.intents[probe.asked + leg]
        if mine.size_e6 != its.size_e6 or mine.price_e4 != its.price_e4:
            return False
        if mine.market != its.market or mine.token != its.token or mine.basket != its.basket:
            return False
        if mine.order != state.intents[asked].order:
            return False
    return True


@cold
def meets_alike(state: State, sim: Sim, lane: int, other: int) -> bool:
    """Whether a lane has the latency and the fees of another probe's."""
    mine, its = sim.windows[lane], sim.windows[sim.probes[other].lane]
    if mine.first_draw != its.first_draw or mine.taker_delay_ns != its.taker_delay_ns:
        return False
    if mine.grace_ns != its.grace_ns or mine.print_window_ns != its.print_window_ns:
        return False
    params, others = state.params[lane], state.params[sim.probes[other].lane]
    return bool(
        params.charge_fees == others.charge_fees and params.payout_fee_e4 == others.payout_fee_e4
    )


@cold
def add_leg(state: State, sim: Sim, place: int, intent: Record) -> None:
    """Watch one leg: its depth at arrival, and prints from the book's last change until the window
    after arrival ends."""
    probe = sim.probes[place]
    leg = int(probe.legs)
    probe.legs += 1
    probe.open_items += 2
    sim.probe_legs[place, leg].size_e6 = 0
    sim.probe_legs[place, leg].cost_e6 = 0
    arrives_ns = arrival_ns(draw(sim, intent), int(intent.ts_ns))
    market = state.markets[intent.market]
    arrives_ns += taker_delay_ns(sim, market, int(intent.lane), arrives_ns)
    depth = watch(sim, place, intent, arrives_ns)
    depth.kind, depth.leg = DEPTH, leg
    trades = watch(sim, place, intent, arrives_ns + int(sim.windows[intent.lane].print_window_ns))
    trades.kind, trades.leg = PRINT, leg
    trades.since_ns = market.batch_ts_ns
    if intent.token == Token.YES:
        trades.low_e4, trades.high_e4 = market.best_ask_e4, intent.price_e4
    else:
        trades.low_e4, trades.high_e4 = PRICE_ONE_E4 - int(intent.price_e4), market.best_bid_e4


@cold
def watch(sim: Sim, place: int, intent: Record, until_ns: int) -> Record:
    item = new_item(sim, int(intent.market), int(intent.lane), until_ns)
    item.order = place
    item.side = Side.BID
    item.token = intent.token
    item.size_e6 = intent.size_e6
    item.price_e4 = intent.price_e4
    return item


@cold
def note_print(sim: Sim, row: Record) -> None:
    """A trade: does it corroborate a leg that is being watched in this market?"""
    place = int(sim.head[row.market])
    while place != NOBODY:
        item = sim.items[place]
        seen = item.kind == PRINT and row.ts_venue_ns >= item.since_ns
        if seen and item.low_e4 <= row.price_e4 <= item.high_e4:
            sim.probes[item.order].printed = 1
        place = next_of(sim, place)


@cold
def note_depth(state: State, sim: Sim, item: Record) -> None:
    """Measure a leg's book as it stands, which is as it was at arrival."""
    market = state.markets[item.market]
    if not market.open or not is_seen(market):
        sim.probes[item.order].unseen = 1
        return
    params = state.params[item.lane]
    leg = sim.probe_legs[item.order, item.leg]
    index = first_level(state, item)
    price_e4 = own_price_e4(state, item, index)
    left_e6 = int(item.size_e6)
    while left_e6 > 0 and within(item, price_e4):
        size_e6 = min(left_e6, displayed_e6(state, market, takes_asks(item), index))
        leg.size_e6 += size_e6
        leg.cost_e6 += cost_e6(price_e4, size_e6) + market_fee_e6(params, market, price_e4, size_e6)
        left_e6 -= size_e6
        index = next_level(state, item, index)
        price_e4 = own_price_e4(state, item, index)


@cold
def close_item(state: State, sim: Sim, place: int, known_ns: int) -> None:
    """One watch of a probe is over; after the last, tell all that it answers."""
    probe = sim.probes[place]
    probe.open_items -= 1
    if probe.open_items > 0:
        return
    sets_e6 = int(probe.sets_e6)
    for leg in range(probe.legs):
        sets_e6 = min(sets_e6, int(sim.probe_legs[place, leg].size_e6))
    edge_e6 = edge_there_e6(state, sim, place, sets_e6)
    is_printed, is_unseen = int(probe.printed), int(probe.unseen)
    while place != NOBODY:
        outcome = write_outcome(sim, place, known_ns)
        outcome.size_e6 = sets_e6
        outcome.edge_e6 = edge_e6 if sets_e6 > 0 else 0
        outcome.arrived = 1 if sets_e6 > 0 and edge_e6 > 0 and not is_unseen else 0
        outcome.printed, outcome.unseen = is_printed, is_unseen
        after = int(sim.probes[place].next)
        free(sim, place)
        place = after


@cold
def edge_there_e6(state: State, sim: Sim, place: int, sets_e6: int) -> int:
    """Profit of the sets still there: each leg at its average price, so a lower bound."""
    probe, spent_e6 = sim.probes[place], 0
    for leg in range(probe.legs):
        there = sim.probe_legs[place, leg]
        spent_e6 += portion_e6(int(there.cost_e6), sets_e6, int(there.size_e6)) + 1
    payout_e12 = payout_per_set_e12(state.params[probe.lane], int(probe.kind), int(probe.legs))
    return portion_e6(payout_e12, sets_e6, E12) - spent_e6


@cold
def write_outcome(sim: Sim, place: int, known_ns: int) -> Record:
    """What is the decision's own; the caller says what was measured."""
    probe, outcome = sim.probes[place], sim.outcomes[sim.clock[0].outcomes]
    sim.clock[0].outcomes += 1
    outcome.ts_ns = known_ns
    outcome.decision = probe.decision
    outcome.market = probe.market
    outcome.lane = probe.lane
    outcome.kind = probe.kind
    return outcome
